// The operator's page: reads /metrics and /readyz of this process every two seconds and draws what it finds. It knows the
// names of metrics and nothing else; a plot of which this process has no metric is not shown.

const EVERY = 2000; // milliseconds between two looks
const KEPT = 300; // points of a line: ten minutes
const SHOWN = 60; // at least so many have room
const WINDOW = 5; // looks that a rate is taken over

// --- What is read ---

/** The samples of a text in OpenMetrics: a list of {name, labels, value}. */
export function samples(text) {
  const found = [];
  for (const line of text.split("\n")) {
    const parts = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)/.exec(line);
    if (!parts) continue;
    const labels = {};
    for (const [, name, value] of (parts[2] ?? "").matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)) labels[name] = value;
    found.push({ name: parts[1], labels, value: Number(parts[3]) });
  }
  return found;
}

/** One look: what the metrics said, and when, in seconds. */
export class Look {
  constructor(text, at) {
    this.at = at;
    this.of = new Map();
    for (const sample of samples(text)) {
      if (!this.of.has(sample.name)) this.of.set(sample.name, []);
      this.of.get(sample.name).push(sample);
    }
  }

  has(name) {
    return this.of.has(name);
  }

  /** The sum of a metric's samples; of those that fit only. */
  sum(name, fits = () => true) {
    return (this.of.get(name) ?? []).filter((one) => fits(one.labels)).reduce((sum, one) => sum + one.value, 0);
  }

  /** The buckets of a histogram over all labels: upper bound to count. */
  buckets(name) {
    const counts = new Map();
    for (const { labels, value } of this.of.get(`${name}_bucket`) ?? []) {
      const bound = labels.le === "+Inf" ? Infinity : Number(labels.le);
      counts.set(bound, (counts.get(bound) ?? 0) + value);
    }
    return counts;
  }
}

/** How often a counter has counted in a second, between two looks. */
export function rate(then, now, name, fits) {
  const counted = now.sum(name, fits) - then.sum(name, fits);
  return counted < 0 || now.at <= then.at ? 0 : counted / (now.at - then.at);
}

/** A quantile of what a histogram has seen between two looks, as Prometheus estimates it; null when that is nothing. */
export function quantile(q, then, now, name) {
  const former = then.buckets(name);
  const bounds = [...now.buckets(name)].map(([bound, count]) => [bound, count - (former.get(bound) ?? 0)]).sort(([a], [b]) => a - b);
  const all = bounds.at(-1)?.[1] ?? 0;
  if (all <= 0) return null;
  let [below, under] = [0, 0];
  for (const [bound, count] of bounds) {
    if (count >= q * all) {
      if (bound === Infinity) return below;
      return below + ((bound - below) * (q * all - under)) / (count - under || 1);
    }
    [below, under] = [bound, count];
  }
  return below;
}

// --- What is drawn ---

const count = (value) => (value >= 100 ? Math.round(value).toLocaleString("en") : String(Number(value.toPrecision(3))));
const perSecond = (value) => `${count(value)}/s`;
const cores = (value) => `${count(value)} cores`;
const time = (value) => (value >= 1 ? `${count(value)} s` : `${count(value * 1000)} ms`);
const bytes = (value) => (value >= 2 ** 30 ? `${count(value / 2 ** 30)} GiB` : `${count(value / 2 ** 20)} MiB`);

const counts = (legend, name, fits) => ({ legend, name, of: (then, now) => rate(then, now, name, fits) });
const shows = (legend, name, fits) => ({ legend, name, of: (_, now) => now.sum(name, fits) });
const times = (name) => [0.5, 0.99].map((q) => ({ legend: `p${q * 100}`, name: `${name}_bucket`, of: (then, now) => quantile(q, then, now, name) }));
const within = (legend, name) => ({ legend, name: `${name}_bucket`, of: (then, now) => quantile(0.99, then, now, name) });
const status = (digit) => (labels) => labels.status?.startsWith(digit);

/** Every plot: its title, how its numbers are written, and its lines. */
export const PLOTS = [
  ["Requests by status", perSecond, [counts("2xx", "tidings_http_requests_total", status("2")), counts("4xx", "tidings_http_requests_total", status("4")), counts("5xx", "tidings_http_requests_total", status("5"))]],
  ["Time to answer requests", time, times("tidings_http_request_duration_seconds")],
  ["Time to answer frames", time, times("tidings_ws_frame_seconds")],
  ["Sockets", count, [shows("open", "tidings_ws_sockets")]],
  ["Frames to sockets", perSecond, [counts("given", "tidings_ws_deliveries_total")]],
  ["Waiting for sockets", count, [shows("frames", "tidings_ws_queued")]],
  ["From event to sockets", time, times("tidings_live_delivery_seconds")],
  ["Messages", perSecond, [counts("posted", "tidings_chat_posts_total"), counts("repeats", "tidings_chat_repeats_total")]],
  ["Commands", perSecond, [counts("auth", "tidings_auth_commands_total"), counts("chat", "tidings_chat_commands_total"), counts("notify", "tidings_notifier_commands_total")]],
  ["Time of commands (p99)", time, [within("auth", "tidings_auth_command_seconds"), within("chat", "tidings_chat_command_seconds"), within("notify", "tidings_notifier_command_seconds")]],
  ["Passwords waiting", count, [shows("waiting", "tidings_auth_passwords_waiting")]],
  ["Time to append to the log", time, times("tidings_log_append_seconds")],
  ["Events in the log", count, [shows("events", "tidings_log_events")]],
  ["Projection lag", count, [shows("events behind", "tidings_projector_lag_events")]],
  ["Events projected", perSecond, [counts("events", "tidings_projector_events_total")]],
  ["Notifier", perSecond, [counts("effects", "tidings_notifier_effects_total"), counts("dead letters", "tidings_notifier_dead_letters_total")]],
  ["Processor", cores, [counts("used", "process_cpu_seconds_total")]],
  ["Memory", bytes, [shows("resident", "process_resident_memory_bytes")]],
  ["Files and sockets", count, [shows("open", "process_open_fds")]],
];

const [WIDTH, HEIGHT] = [300, 80];

/** The path of a line of numbers, of which some are null: nothing was seen then. */
export function path(values, most) {
  let [said, pen] = ["", "M"];
  const step = WIDTH / (Math.max(SHOWN, values.length) - 1);
  values.forEach((value, place) => {
    if (value === null) return void (pen = "M");
    const x = WIDTH - (values.length - 1 - place) * step;
    said += `${pen}${x.toFixed(1)} ${(HEIGHT - (value / most) * (HEIGHT - 4)).toFixed(1)}`;
    pen = "L";
  });
  return said;
}

function element(kind, attributes = {}, ...children) {
  const svg = ["svg", "path", "line"].includes(kind);
  const made = svg ? document.createElementNS("http://www.w3.org/2000/svg", kind) : document.createElement(kind);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

/** A figure that grows by a point with each look. */
class Plot {
  /** Of the lines of which there is a metric; goes on where a former figure of fewer lines was. */
  constructor([title, written, lines], look, former) {
    this.written = written;
    const unseen = former ? former.lines[0].values.map(() => null) : [];
    const values = (line) => former?.lines.find((one) => one.legend === line.legend)?.values ?? unseen;
    this.lines = lines.filter((line) => look.has(line.name)).map((line) => ({ ...line, values: values(line) }));
    this.most = element("span");
    this.legend = element("p", { class: "legend" });
    this.paths = this.lines.map((_, number) => element("path", { class: `line${number}` }));
    const floor = element("line", { x1: 0, x2: WIDTH, y1: HEIGHT, y2: HEIGHT });
    this.picture = element("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "none", role: "img" }, floor, ...this.paths);
    this.title = title;
    this.figure = element("figure", {}, element("figcaption", {}, title, this.most), this.picture, this.legend);
  }

  add(then, now) {
    for (const line of this.lines) line.values = [...line.values, line.of(then, now)].slice(-KEPT);
    const most = Math.max(...this.lines.flatMap((line) => line.values.map((value) => value ?? 0)));
    this.lines.forEach((line, number) => this.paths[number].setAttribute("d", path(line.values, most || 1)));
    this.most.textContent = most > 0 ? `to ${this.written(most)}` : "";
    const last = this.lines.map((line) => [line.legend, line.values.at(-1)]);
    const said = last.map(([legend, value]) => `${legend} ${value === null ? "–" : this.written(value)}`);
    this.legend.replaceChildren(...said.map((text, number) => element("span", { class: `line${number}` }, text)));
    this.picture.setAttribute("aria-label", `${this.title}: ${said.join(", ")}`);
  }
}

// --- The page ---

async function begin() {
  const [told, components, plots] = ["told", "components", "plots"].map((id) => document.getElementById(id));
  const looks = [];
  const drawn = new Map();

  async function look() {
    const [metrics, ready] = await Promise.all([fetch("metrics", { cache: "no-store" }), fetch("readyz", { cache: "no-store" })]);
    const now = new Look(await metrics.text(), performance.now() / 1000);
    const reasons = new Map(((await ready.json()).reasons ?? []).map((one) => [one.component, one.reason]));
    const then = looks.at(0) ?? now;
    looks.push(now);
    if (looks.length > WINDOW) looks.shift();
    document.getElementById("build").textContent = now.of.get("tidings_build_info")?.[0].labels.version ?? "";
    told.className = ready.ok ? "" : "bad";
    told.textContent = ready.ok ? "Every part is well." : [...reasons].map(([name, why]) => `${name}: ${why}`).join("; ");
    const parts = (now.of.get("tidings_ready") ?? []).map(({ labels, value }) => element("li", value === 1 ? {} : { class: "bad" }, labels.component));
    components.replaceChildren(...parts);
    for (const wanted of PLOTS) {
      // Some metrics are there only after the first thing they count.
      const former = drawn.get(wanted);
      if (wanted[2].filter((line) => now.has(line.name)).length > (former?.lines.length ?? 0)) {
        drawn.set(wanted, new Plot(wanted, now, former));
        // In the order of the table, whenever a metric is first seen.
        plots.replaceChildren(...PLOTS.filter((one) => drawn.has(one)).map((one) => drawn.get(one).figure));
      }
      drawn.get(wanted)?.add(then, now);
    }
  }

  for (;;) {
    try {
      if (!document.hidden) await look();
    } catch {
      told.className = "bad";
      told.textContent = "This process does not answer.";
      looks.length = 0;
    }
    await new Promise((go) => setTimeout(go, EVERY));
  }
}

if (globalThis.document) begin();
