/**
 * `tidings serve` as a process. It takes a port that is free and says which: one that was free a moment ago may be another program's,
 * and that may be another Tidings, which answers as if it were the test's.
 */
import { spawn, type ChildProcess } from "node:child_process";
import { createInterface } from "node:readline";

/** Milliseconds for it to be up. */
const PATIENCE = 40_000;

export class Program {
  /** Where it listens. It stays there when it is started again. */
  port = 0;
  readonly #path: string;
  readonly #flags: string[];
  #process: ChildProcess | undefined;

  private constructor(path: string, flags: string[]) {
    this.#path = path;
    this.#flags = flags;
  }

  static async start(path: string, flags: string[]): Promise<Program> {
    const program = new Program(path, flags);
    await program.up();
    return program;
  }

  /** Starts it, and waits until it serves. On a port that another program holds for the moment it is tried again. */
  async up(): Promise<void> {
    const end = Date.now() + PATIENCE;
    let address: string | undefined;
    do {
      if (Date.now() > end) throw new Error(`the server does not start at port ${this.port}`);
      address = await this.#begin(end - Date.now());
      if (address === undefined && this.port === 0) throw new Error("the server ended before it served");
    } while (address === undefined);
    this.port = Number(address.split(":").at(-1));
  }

  /** Starts it once. Gives where it listens; nothing when it ends before it serves. */
  async #begin(patience: number): Promise<string | undefined> {
    const running = spawn(this.#path, ["serve", "--listen", `127.0.0.1:${this.port}`, ...this.#flags], { stdio: ["ignore", "pipe", "inherit"] });
    this.#process = running;
    const slow = setTimeout(() => running.kill("SIGKILL"), patience);
    const lines = createInterface({ input: running.stdout as NonNullable<typeof running.stdout> });
    try {
      return await new Promise<string | undefined>((resolve, reject) => {
        lines.once("line", (line) => resolve((JSON.parse(line) as { http: string }).http));
        lines.once("close", () => resolve(undefined));
        running.once("error", reject);
      });
    } finally {
      clearTimeout(slow);
    }
  }

  /** Ends it, if it runs. */
  async end(signal: "SIGTERM" | "SIGKILL"): Promise<void> {
    const running = this.#process;
    this.#process = undefined;
    if (!running || running.exitCode !== null || running.signalCode !== null) return;
    const gone = new Promise((resolve) => running.once("exit", resolve));
    running.kill(signal);
    await gone;
  }
}
