/**
 * How the app feels, in a real browser against a real server: figures beside their budgets. It gates nothing, as machines
 * differ. `tools/web feel` runs it with 10,000 members and 100,000 messages, `tools/web feel --quick` with a tenth of each,
 * and `--members`, `--messages`, `--rooms` and `--seconds` with as many as they say.
 */
import { here, picture, until, World } from "./kit/browser.ts";
import { cold, metric, pool, share, switching } from "./kit/feeling.ts";

const quick = process.argv.includes("--quick");
/** A number of the command line, as `--members 500`; else what the budget speaks of, or a tenth of it. */
const option = (name: string, whole: number) => Number(process.argv[process.argv.indexOf(`--${name}`) + 1 || process.argv.length] ?? (quick ? whole / 10 : whole));
const MEMBERS = option("members", 10_000);
const MESSAGES = option("messages", 100_000);
const ROOMS = option("rooms", 2_000);
const SECONDS = option("seconds", 60);
/** Requests side by side while everything is made. */
const ABREAST = 32;
const PASSWORD = "a wordy secret";

if (!here) process.exit(process.env["CI"] === "true" ? 1 : 0);

const lines: string[] = [];
let over = 0;

function say(what: string, value: number, budget: number, unit: string, digits = 0): void {
  const ok = value <= budget;
  if (!ok) over += 1;
  lines.push(`${what.padEnd(56)} ${value.toFixed(digits).padStart(9)} ${unit.padEnd(5)} of ${String(budget).padStart(6)}  ${ok ? "ok" : "OVER"}`);
  console.log(lines.at(-1));
}

class Api {
  readonly url: string;
  token = "";

  constructor(url: string) {
    this.url = url;
  }

  async call<T>(method: string, path: string, body?: object): Promise<T> {
    const answer = await fetch(this.url + path, { method, headers: { "content-type": "application/json", ...(this.token ? { authorization: `Bearer ${this.token}` } : {}) }, ...(body ? { body: JSON.stringify(body) } : {}) });
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`);
    return (answer.status === 204 ? undefined : await answer.json()) as T;
  }

  async logIn(login: string): Promise<this> {
    this.token = (await this.call<{ access_token: string }>("POST", "/v1/sessions", { login, password: PASSWORD })).access_token;
    return this;
  }

  register(username: string): Promise<unknown> {
    return this.call("POST", "/v1/users", { username, email: `${username}@example.org`, password: PASSWORD, display_name: username });
  }
}

async function main(): Promise<void> {
  const world = await World.start();
  try {
    await measure(world);
  } finally {
    await world.stop();
  }
  console.log(`\n${over === 0 ? "all within their budgets" : `${over} over budget`} (${quick ? "quick: " : ""}${MEMBERS} members, ${MESSAGES} messages, ${ROOMS} rooms)`);
  for (const complaint of world.complaints) console.log(`the console complained: ${complaint}`);
}

async function measure(world: World): Promise<void> {
  const { page, username } = await world.newcomer("Reader One");
  const api = await new Api(world.url).logIn(username);
  const { items } = await api.call<{ items: { id: string; name: string }[] }>("GET", "/v1/rooms?limit=200");
  const general = items.find((room) => room.name === "general")?.id ?? "";
  console.log("making rooms and messages ...");
  const rooms: string[] = [];
  for (let n = 0; n < 30; n++) rooms.push((await api.call<{ id: string }>("POST", "/v1/rooms", { kind: "group", name: `speed ${n}` })).id);
  await pool(rooms.length * 30, (n) => api.call("POST", `/v1/rooms/${rooms[n % rooms.length]}/messages`, { body: `of ${rooms[n % rooms.length]}: line ${n} ${"word ".repeat(n % 30)}` }), ABREAST);
  const [seen, unseen] = [rooms.slice(0, 20), rooms.slice(20)];
  const history = (await api.call<{ id: string }>("POST", "/v1/rooms", { kind: "group", name: "history" })).id;
  await pool(MESSAGES, (n) => api.call("POST", `/v1/rooms/${history}/messages`, { body: `line ${n} ${"word ".repeat(n % 40)}` }), ABREAST);

  const starts = [await cold(page, `/r/${seen[0]}`, 4), await cold(page, `/r/${seen[0]}`, 4), await cold(page, `/r/${seen[0]}`, 4)];
  say("cold start to the first message, CPU four times slower", share(starts.map((one) => one.time), 0.5), 1_500, "ms");
  say("script until a room is read and one can write", Math.max(...starts.map((one) => one.script)) / 1000, 200, "kB", 1);
  say("requests until then", Math.max(...starts.map((one) => one.requests.length)), 12, "");

  await page.reload();
  await page.getByRole("textbox", { name: /Message/ }).waitFor();
  const cdp = await page.context().newCDPSession(page);
  await cdp.send("Performance.enable");
  await page.evaluate(() => {
    const kept = window as unknown as { shifts: number };
    kept.shifts = 0;
    new PerformanceObserver((list) => {
      for (const entry of list.getEntries() as (PerformanceEntry & { value: number; hadRecentInput: boolean })[]) if (!entry.hadRecentInput) kept.shifts += entry.value;
    }).observe({ type: "layout-shift", buffered: true });
  });
  say("click to a room that was not shown before, p95", share((await switching(page, unseen, unseen.length)).map((one) => one.time), 0.95), 300, "ms");
  await switching(page, seen, seen.length);
  await cdp.send("HeapProfiler.collectGarbage");
  const heap = await metric(cdp, "JSHeapUsedSize");
  const again = (await switching(page, seen, 200)).map((one) => one.time);
  say("click to a room shown before, p95 of 200", share(again, 0.95), 100, "ms");
  say("click to a room shown before, longest", Math.max(...again), 100, "ms");
  await cdp.send("HeapProfiler.collectGarbage");
  say("heap after 200 switches, grown by", ((await metric(cdp, "JSHeapUsedSize")) - heap) / 1e6, 25, "MB", 1);
  say("nodes of the page", await metric(cdp, "Nodes"), 6_000, "");
  say("style elements made at run time", await page.locator("style").count(), 0, "");

  await page.locator(`[data-room="${history}"]`).click();
  await page.getByText(`line ${MESSAGES - 1} `).waitFor();
  const scrolled = await page.locator("[class*=scroller]").evaluate(async (element, seconds) => {
    const deltas: number[] = [];
    const seen = new Set<string>();
    const tasks: number[] = [];
    const watch = new PerformanceObserver((list) => tasks.push(...list.getEntries().map((entry) => entry.duration)));
    watch.observe({ type: "longtask" });
    let last = performance.now();
    const end = last + seconds * 1000;
    while (last < end) {
      const now = await new Promise<number>((resolve) => requestAnimationFrame(resolve));
      deltas.push(now - last);
      // Three screens a second, upwards.
      element.scrollTop -= (element.clientHeight * 3 * (now - last)) / 1000;
      for (const row of element.querySelectorAll<HTMLElement>("[data-row]")) seen.add(row.dataset["row"] ?? "");
      last = now;
    }
    watch.disconnect();
    return { deltas: deltas.slice(1), rows: seen.size, tasks };
  }, SECONDS);
  say("frame while scrolling three screens a second, p95", share(scrolled.deltas, 0.95), 17, "ms", 1);
  say("frame while scrolling, longest", Math.max(...scrolled.deltas), 50, "ms", 1);
  console.log(`  ${scrolled.rows} messages went by; ${scrolled.tasks.length} tasks of the main thread took 50 ms or more`);
  const rows = await page.evaluate(() => document.querySelectorAll("[data-row]").length);
  say("rows in the page afterwards", rows, 150, "");
  say("layout shift, all in all", await page.evaluate(() => (window as unknown as { shifts: number }).shifts), 0.01, "", 3);

  console.log("making members ...");
  const stranger = new Api(world.url);
  await pool(MEMBERS, (n) => stranger.register(`m${n.toString(36)}x${process.pid.toString(36)}`), ABREAST);
  // The server welcomes them all: what that costs is none of a busy room.
  await until(async () => (await world.mails()) >= MEMBERS, "all are welcomed", 120_000);
  const writer = await new Api(world.url).logIn(`m0x${process.pid.toString(36)}`);
  await page.goto(`${world.url}/r/${general}`);
  const box = page.getByRole("textbox", { name: /Message/ });
  await box.waitFor();
  await page.evaluate(() => {
    const kept = window as unknown as { keys: number[] };
    kept.keys = [];
    new PerformanceObserver((list) => {
      for (const entry of list.getEntries()) if (entry.name === "keydown") kept.keys.push(entry.duration);
    }).observe({ type: "event", durationThreshold: 16 } as PerformanceObserverInit);
  });
  let talking = true;
  let posted = 0;
  const talk = async () => {
    const began = Date.now();
    while (talking) {
      const due = Math.floor((Date.now() - began) / 20) - posted;
      for (let n = 0; n < due; n++) void writer.call("POST", `/v1/rooms/${general}/messages`, { body: `**busy** ${++posted} ${"word ".repeat(posted % 20)}` }).catch(() => undefined);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  };
  const talked = talk();
  await until(() => posted > 50, "the room is busy");
  const text = "the quick brown fox jumps over the lazy dog ".repeat(5).slice(0, 200);
  await box.focus();
  await page.keyboard.type(text, { delay: 50 });
  const typed = await box.inputValue();
  talking = false;
  await talked;
  const keys = await page.evaluate(() => (window as unknown as { keys: number[] }).keys);
  // Keys that took less than 16 ms are not told one by one.
  const all = [...keys, ...Array.from({ length: Math.max(0, text.length - keys.length) }, () => 8)];
  say(`key to glyph among ${MEMBERS} members, 50 messages a second, p95`, share(all, 0.95), 50, "ms");
  say("key to glyph, longest", Math.max(...all), 100, "ms");
  say("keys that were lost", text.length - typed.length, 0, "");
  await box.fill("");
  await picture(page, "feel-busy");

  const opened = await page.evaluate(async () => {
    const began = performance.now();
    document.querySelector<HTMLElement>("[data-emoji]")?.click();
    await new Promise<void>((resolve) => {
      const look = () => (document.querySelector("[role=dialog] [role=gridcell]") ? setTimeout(resolve) : requestAnimationFrame(look));
      look();
    });
    return performance.now() - began;
  });
  say("emoji picker, to the first emoji", opened, 100, "ms");
  await page.keyboard.press("Escape");

  console.log("making rooms for the switcher ...");
  const second = await world.newcomer("Reader Two");
  await pool(ROOMS, (n) => writer.call("POST", "/v1/rooms", { kind: "group", name: `many ${n}`, members: [`@${second.username}`] }), ABREAST);
  await second.page.reload();
  await second.page.getByRole("textbox", { name: /Message/ }).waitFor();
  await second.page.keyboard.press("Control+k");
  const field = second.page.getByRole("combobox", { name: "Name of a room or person" });
  await field.waitFor();
  await second.page.evaluate(() => {
    const kept = window as unknown as { keys: number[] };
    kept.keys = [];
    new PerformanceObserver((list) => {
      for (const entry of list.getEntries()) if (entry.name === "keydown") kept.keys.push(entry.duration);
    }).observe({ type: "event", durationThreshold: 16 } as PerformanceObserverInit);
  });
  await field.pressSequentially("many 17", { delay: 200 });
  await second.page.getByRole("option", { name: /many 17/ }).first().waitFor();
  say(`key in the switcher among ${ROOMS} rooms, longest`, Math.max(8, ...(await second.page.evaluate(() => (window as unknown as { keys: number[] }).keys))), 50, "ms");
}

await main();
