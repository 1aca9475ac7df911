/** A real Chromium and a real `tidings serve` with the app in it. */
import { existsSync, mkdirSync } from "node:fs";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { crc32, deflateSync } from "node:zlib";
import { join } from "node:path";
import { AxeBuilder } from "@axe-core/playwright";
import { Program } from "../../../client/test/program.ts";
import { front, type Front } from "./front.ts";
import { chromium, type Browser, type BrowserContext, type BrowserContextOptions, type BrowserServer, type Page } from "playwright-core";

const program = process.env["TIDINGS_BIN"] ?? "";
/** The folder of a built app that is tested in place of the one in the server. */
const app = process.env["TIDINGS_APP"];
const browser = [process.env["CHROMIUM"], "/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"].find((path) => path && existsSync(path));

/** In CI a test that cannot run is a failure. */
export const here = process.env["CI"] === "true" || (program !== "" && browser !== undefined);
if (!here) console.warn(`\n${"*".repeat(72)}\n${browser ? "no TIDINGS_BIN" : "no Chromium (Debian: apt install chromium; or CHROMIUM=/path)"}: THE TESTS OF THE APP IN A BROWSER ARE SKIPPED\n${"*".repeat(72)}\n`);

const pictures = join(import.meta.dirname, "../../pictures");

export class World {
  readonly complaints: string[] = [];
  readonly #flags: string[];
  #data = "";
  #program: Program | undefined;
  #front: Front | undefined;
  #browser: Browser | undefined;

  /** A server with some flags of its own, and a browser. */
  constructor(...flags: string[]) {
    this.#flags = flags;
  }

  static async start(...flags: string[]): Promise<World> {
    const world = new World(...flags);
    await world.begin();
    return world;
  }

  async begin(): Promise<void> {
    this.#data = await mkdtemp(join(tmpdir(), "tidings-app-"));
    const relaxed = ["--rate-requests", "off", "--rate-frames", "off", "--rate-bytes", "off", "--rate-auth", "off", "--bcrypt-cost", "4", "--sync", "1s", "--log", "error"];
    this.#program = await Program.start(program, ["--data", this.#data, ...relaxed, ...this.#flags]);
    if (app) this.#front = await front(app, this.#program.port);
    this.#browser = await chromium.launch({ executablePath: browser ?? "", args: ["--no-sandbox"] });
    mkdirSync(pictures, { recursive: true });
  }

  get url(): string {
    return `http://127.0.0.1:${this.#front?.port ?? this.#program?.port}`;
  }

  /** Starts the server again. */
  async up(): Promise<void> {
    await this.#program?.up();
  }

  async kill(): Promise<void> {
    await this.#program?.end("SIGKILL");
  }

  async stop(): Promise<void> {
    await this.#browser?.close();
    await this.#program?.end("SIGTERM");
    await this.#front?.close();
    if (this.#data) await rm(this.#data, { recursive: true, force: true });
  }

  /** A browser of its own; whatever its console complains about is kept. */
  async context(options: BrowserContextOptions = {}, browser = this.#browser as Browser): Promise<BrowserContext> {
    const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, locale: "en-GB", timezoneId: "Europe/Berlin", ...options });
    context.on("weberror", (error) => this.complaints.push(String(error.error().stack ?? error.error())));
    context.on("console", (message) => {
      // A connection that is cut on purpose is not a fault of the page.
      if (message.type() === "error" && !/ERR_(INTERNET_DISCONNECTED|CONNECTION_REFUSED|CONNECTION_RESET|SOCKET_NOT_CONNECTED|EMPTY_RESPONSE)|WebSocket connection|status of 40[0-9]|dynamically imported module/.test(message.text())) this.complaints.push(message.text());
    });
    return context;
  }

  /** REST as a user, in a session of their own. */
  async rest(username: string): Promise<<T = Record<string, unknown>>(method: string, path: string, body?: object) => Promise<T>> {
    const json = { "content-type": "application/json" };
    const signedIn = await fetch(`${this.url}/v1/sessions`, { method: "POST", headers: json, body: JSON.stringify({ login: username, password: "a wordy secret" }) });
    if (!signedIn.ok) throw new Error(`signing in: ${signedIn.status} ${await signedIn.text()}`);
    const { access_token } = (await signedIn.json()) as { access_token: string };
    return async <T>(method: string, path: string, body?: object) => {
      const answer = await fetch(this.url + path, { method, headers: { ...json, authorization: `Bearer ${access_token}` }, ...(body ? { body: JSON.stringify(body) } : {}) });
      if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`);
      return (answer.status === 204 ? {} : await answer.json()) as T;
    };
  }

  /** The code in the newest mail to an address with this subject. Without a mail server mails are files. */
  async code(address: string, subject: string): Promise<string> {
    let code = "";
    await until(async () => {
      const folder = join(this.#data, "mail");
      const names = (await readdir(folder).catch(() => [] as string[])).filter((name) => name.endsWith(".eml")).sort();
      const mails = await Promise.all(names.map((name) => readFile(join(folder, name), "utf8")));
      const mail = mails.findLast((one) => one.includes(address) && one.includes(`Subject: ${subject}`));
      code = /(?<!\d)\d{6}(?!\d)/.exec(mail?.split(/\r?\n\r?\n/).slice(1).join("\n\n") ?? "")?.[0] ?? "";
      return code !== "";
    }, `a mail to ${address}: ${subject}`);
    return code;
  }

  /** How many mails were written so far. */
  async mails(): Promise<number> {
    return (await readdir(join(this.#data, "mail")).catch(() => [])).length;
  }

  /** A new user, who has come in by the form. */
  async newcomer(name: string, options: BrowserContextOptions = {}): Promise<{ page: Page; username: string }> {
    return this.comeIn(await (await this.context(options)).newPage(), name, this.url);
  }

  /** Registers in a page, at an address that leads to the server. */
  async comeIn(page: Page, name: string, url: string): Promise<{ page: Page; username: string }> {
    const username = `${name.toLowerCase().replace(/[^a-z]/g, "")}${Math.random().toString(36).slice(2, 8)}z`;
    await page.goto(url);
    await page.getByRole("link", { name: "Create an account" }).click();
    await page.getByLabel("Your name").fill(name);
    await page.getByLabel("Username").fill(username);
    await page.getByLabel("E-mail").fill(`${username}@example.org`);
    await page.getByLabel("Password").fill("a wordy secret");
    await page.getByRole("button", { name: "Create account" }).click();
    const rooms = page.getByRole("navigation", { name: "Rooms" });
    await rooms.waitFor();
    if ((page.viewportSize()?.width ?? 1280) < 768) await rooms.getByRole("link", { name: /general/ }).click();
    await page.getByRole("textbox", { name: /Message/ }).waitFor();
    return { page, username };
  }
}

/** A computer of its own with a browser on it. Asleep, not one of its processes runs. */
export class Laptop {
  readonly browser: Browser;
  readonly #server: BrowserServer;

  private constructor(server: BrowserServer, browser: Browser) {
    this.#server = server;
    this.browser = browser;
  }

  /** With some flags of its browser. */
  static async start(...flags: string[]): Promise<Laptop> {
    const server = await chromium.launchServer({ executablePath: browser ?? "", args: ["--no-sandbox", ...flags] });
    return new Laptop(server, await chromium.connect(server.wsEndpoint()));
  }

  #signal(signal: "SIGSTOP" | "SIGCONT"): void {
    // The browser leads a group of processes.
    process.kill(-(this.#server.process().pid as number), signal);
  }

  sleep(): void {
    this.#signal("SIGSTOP");
  }

  wake(): void {
    this.#signal("SIGCONT");
  }

  async close(): Promise<void> {
    this.wake();
    await this.#server.close();
  }
}

/** Waits until something is so. */
export async function until(true_: () => boolean | Promise<boolean>, what: string, within = 15_000): Promise<void> {
  const end = Date.now() + within;
  while (!(await true_())) {
    if (Date.now() > end) throw new Error(`not within ${within} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 30));
  }
}

/** What axe-core finds, in short. */
export async function faults(page: Page): Promise<string[]> {
  // Colours on their way from one to another have the contrast of neither.
  await page.evaluate(async () => {
    await new Promise((resolve) => requestAnimationFrame(resolve));
    await Promise.all(document.getAnimations().filter((one) => one instanceof CSSTransition).map((one) => one.finished.catch(() => undefined)));
  });
  const { violations } = await new AxeBuilder({ page }).withTags(["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]).analyze();
  return violations.map((one) => `${one.id}: ${one.help}: ${one.nodes.map((node) => node.target.join(" ")).slice(0, 3).join(" | ")}`);
}

export async function picture(page: Page, name: string): Promise<void> {
  await page.screenshot({ path: join(pictures, `${name}.png`) });
}

/** Writes a message and sends it. */
export async function write(page: Page, text: string): Promise<void> {
  const box = page.getByRole("textbox", { name: /Message/ });
  await box.fill(text);
  await box.press("Enter");
}

/** Goes to a room of the rail. */
export async function enter(page: Page, name: string): Promise<void> {
  await page.getByRole("navigation", { name: "Rooms" }).getByRole("link", { name: new RegExp(name) }).click();
  await page.getByRole("heading", { level: 1, name: `# ${name}` }).waitFor();
}

/** Waits until nothing is on its way to the page, and what came is painted. */
export async function still(page: Page): Promise<void> {
  await page.waitForFunction(() => document.querySelector("main") !== null && document.querySelector("[aria-busy=true]") === null);
  await page.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(() => resolve(true)))));
}

/** A PNG of one colour. */
export function png(width: number, height: number, colour = [10, 95, 107]): Buffer {
  const line = Array.from({ length: width }, () => colour).flat();
  return pngOf(width, Array.from({ length: height }, () => line));
}

/** A PNG of these lines: of each pixel its red, green and blue. */
export function pngOf(width: number, lines: number[][]): Buffer {
  const chunk = (name: string, data: Buffer) => {
    const body = Buffer.concat([Buffer.from(name), data]);
    const [size, sum] = [Buffer.alloc(4), Buffer.alloc(4)];
    size.writeUInt32BE(data.length);
    sum.writeUInt32BE(crc32(body));
    return Buffer.concat([size, body, sum]);
  };
  const head = Buffer.alloc(13);
  head.writeUInt32BE(width, 0);
  head.writeUInt32BE(lines.length, 4);
  head.set([8, 2, 0, 0, 0], 8);
  const raw = Buffer.concat(lines.map((line) => Buffer.from([0, ...line])));
  return Buffer.concat([Buffer.from([0x89, 0x50, 0x4e, 0x47, 13, 10, 26, 10]), chunk("IHDR", head), chunk("IDAT", deflateSync(raw)), chunk("IEND", Buffer.alloc(0))]);
}
