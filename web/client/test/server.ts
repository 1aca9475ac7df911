/** A real `tidings serve`; `proxy.ts` has what can stand before it. */
import { spawn, type ChildProcess } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import WebSocket from "ws";
import { connect, memoryStorage, type Client, type Socket, type Storage } from "../src/index.ts";

export { Proxy } from "./proxy.ts";

const program = process.env["TIDINGS_BIN"] ?? "";
/** In CI a test that cannot run is a failure. */
export const here = program !== "" || process.env["CI"] === "true";
if (!here) console.warn("\n*** no TIDINGS_BIN: THE TESTS AGAINST A REAL SERVER ARE SKIPPED (tools/web test sets it) ***\n");

export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

export class Server {
  readonly port: number;
  readonly data: string;
  #process: ChildProcess | undefined;

  private constructor(port: number, data: string) {
    this.port = port;
    this.data = data;
  }

  static async start(): Promise<Server> {
    const server = new Server(await freePort(), await mkdtemp(join(tmpdir(), "tidings-web-")));
    await server.up();
    return server;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  async up(): Promise<void> {
    const flags = ["--rate-requests", "off", "--rate-frames", "off", "--rate-bytes", "off", "--rate-auth", "off", "--bcrypt-cost", "4", "--sync", "1s", "--log", "warn"];
    this.#process = spawn(program, ["serve", "--listen", `127.0.0.1:${this.port}`, "--data", this.data, ...flags], { stdio: ["ignore", "ignore", "inherit"] });
    await until(async () => (await fetch(`${this.url}/readyz`).catch(() => undefined))?.ok === true, "the server is ready", 40_000);
  }

  /** Ends the process, if it runs. */
  async #end(signal: "SIGTERM" | "SIGKILL"): Promise<void> {
    const running = this.#process;
    this.#process = undefined;
    if (!running || running.exitCode !== null || running.signalCode !== null) return;
    const gone = new Promise((resolve) => running.once("exit", resolve));
    running.kill(signal);
    await gone;
  }

  /** `kill -9`. */
  async kill(): Promise<void> {
    await this.#end("SIGKILL");
  }

  async stop(): Promise<void> {
    await this.#end("SIGTERM");
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
