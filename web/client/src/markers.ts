/** How far the user has read: said to the server now and then, the newest only. */
import type { Platform } from "./platform.ts";
import { ProblemError } from "./problem.ts";
import type { Server } from "./server.ts";

/** Milliseconds between two markers of a room. */
const READ_EVERY = 2_000;

interface Marker {
  message: string;
  thread?: string | undefined;
}

export class Markers {
  readonly #platform: Platform;
  readonly #server: Server;
  /** What is said next, by room or thread. */
  readonly #reading = new Map<string, Marker>();
  /** Markers that the server could not be told of. */
  readonly #unsaid = new Map<string, Marker & { room: string }>();
  readonly #readAt = new Map<string, number>();

  constructor(platform: Platform, server: Server) {
    this.#platform = platform;
    this.#server = server;
  }

  read(room: string, message: string, thread?: string): void {
    const key = thread ?? room;
    const waits = this.#reading.has(key);
    this.#reading.set(key, { message, thread });
    if (waits) return;
    const wait = Math.max(0, (this.#readAt.get(key) ?? 0) + READ_EVERY - this.#platform.now());
    this.#platform.later(wait, () => void this.#send(room, key));
  }

  /** There is a connection again: says what could not be said. */
  again(): void {
    for (const [key, { room, message, thread }] of this.#unsaid) if (!this.#reading.has(key)) this.read(room, message, thread);
  }

  /** Another user is here. */
  clear(): void {
    this.#unsaid.clear();
  }

  async #send(room: string, key: string): Promise<void> {
    const marker = this.#reading.get(key);
    this.#reading.delete(key);
    if (!marker) return;
    this.#unsaid.delete(key);
    this.#readAt.set(key, this.#platform.now());
    const { message, thread } = marker;
    const frame = { type: "read", room_id: room, message_id: message, ...(thread ? { thread_root_id: thread } : {}) };
    const byRest = () => (thread
      ? this.#server.request("PUT", `/v1/messages/${thread}/thread/read`, { message_id: message })
      : this.#server.api.PUT("/v1/rooms/{room_id}/read", { params: { path: { room_id: room } }, body: { message_id: message } }));
    await this.#server.ask(frame, byRest).catch((error: unknown) => {
      // It is said when there is a connection again, unless there is a newer one by then.
      if (!(error instanceof ProblemError) || error.retryable) this.#unsaid.set(key, { room, ...marker });
    });
  }
}
