/** Frames that were sent and wait for their answers. */
import type { Platform } from "./platform.ts";
import { ProblemError } from "./problem.ts";
import type { Message, ServerFrame } from "./types.ts";

/** Milliseconds for an answer to a frame. */
const ANSWER = 10_000;

type Answer = Extract<ServerFrame, { type: "ok" | "error" }>;

interface Waiting {
  done(result: Message | null): void;
  failed(error: ProblemError): void;
  cancel(): void;
}

export class Answers {
  readonly #platform: Platform;
  readonly #waiting = new Map<number, Waiting>();
  #frames = 0;

  constructor(platform: Platform) {
    this.#platform = platform;
  }

  /** Sends a frame under an id of its own and waits for its answer. No answer: `unreachable`, and it may have been carried out. */
  ask(frame: Record<string, unknown>, send: (text: string) => void): Promise<Message | null> {
    const id = ++this.#frames;
    return new Promise((done, failed) => {
      const cancel = this.#platform.later(ANSWER, () => this.#settle(id)?.failed(ProblemError.unreachable("no answer came")));
      this.#waiting.set(id, { done, failed, cancel });
      send(JSON.stringify({ ...frame, id }));
    });
  }

  heard(answer: Answer): void {
    const waiting = this.#settle(Number(answer.id));
    if (answer.type === "ok") waiting?.done(answer.result ?? null);
    else waiting?.failed(new ProblemError(answer.error, (answer.error as { retry_after_ms?: number }).retry_after_ms));
  }

  /** The connection is gone: no answer comes any more. */
  lost(): void {
    for (const id of [...this.#waiting.keys()]) this.#settle(id)?.failed(ProblemError.unreachable("the connection was lost"));
  }

  #settle(id: number): Waiting | undefined {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    waiting?.cancel();
    return waiting;
  }
}
