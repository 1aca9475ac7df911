/** A real `tidings serve`; `proxy.ts` has what can stand before it. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import WebSocket from "ws";
import { connect, memoryStorage, type Client, type Socket, type Storage } from "../src/index.ts";
import { Program } from "./program.ts";

export { Proxy } from "./proxy.ts";

const program = process.env["TIDINGS_BIN"] ?? "";
/** In CI a test that cannot run is a failure. */
export const here = program !== "" || process.env["CI"] === "true";
if (!here) console.warn("\n*** no TIDINGS_BIN: THE TESTS AGAINST A REAL SERVER ARE SKIPPED (tools/web test sets it) ***\n");

export class Server {
  readonly data: string;
  readonly #program: Program;

  private constructor(program: Program, data: string) {
    this.#program = program;
    this.data = data;
  }

  static async start(): Promise<Server> {
    const data = await mkdtemp(join(tmpdir(), "tidings-web-"));
    const flags = ["--rate-requests", "off", "--rate-frames", "off", "--rate-bytes", "off", "--rate-auth", "off", "--bcrypt-cost", "4", "--sync", "1s", "--log", "warn"];
    return new Server(await Program.start(program, ["--data", data, ...flags]), data);
  }

  get port(): number {
    return this.#program.port;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** Starts it again. */
  up(): Promise<void> {
    return this.#program.up();
  }

  /** `kill -9`. */
  kill(): Promise<void> {
    return this.#program.end("SIGKILL");
  }

  async stop(): Promise<void> {
    await this.#program.end("SIGTERM");
    await rm(this.data, { recursive: true, force: true });
  }
}

export function client(url: string, storage: Storage = memoryStorage()): Client {
  return connect({ url, platform: { storage, socket: (address) => new WebSocket(address) as unknown as Socket } });
}

let people = 0;

export async function person(url: string, storage?: Storage): Promise<Client> {
  const one = client(url, storage);
  const username = `u${process.pid}x${++people}`;
  await one.register({ username, email: `${username}@example.org`, password: "a wordy secret" });
  await live(one);
  return one;
}

export async function live(one: Client): Promise<void> {
  await until(() => one.store.status.phase === "live", "the client is live");
}

export async function until(true_: () => boolean | Promise<boolean>, what: string, within = 30_000): Promise<void> {
  const end = Date.now() + within;
  while (!(await true_())) {
    if (Date.now() > end) throw new Error(`not within ${within} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
