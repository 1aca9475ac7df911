/** The threads of rooms, and how many of them have something unread: only the server knows which ones the user follows. */
import type { Platform } from "./platform.ts";
import { answer } from "./rest.ts";
import type { Rooms } from "./rooms.ts";
import type { Server } from "./server.ts";
import type { Store } from "./store.ts";
import type { Unread } from "./types.ts";

/** Threads of a room that are read. */
const THREADS = 100;
/** Milliseconds between two countings of threads, and from an event to the next one. */
const COUNT_EVERY = 10_000;
const COUNT_SOON = 500;

export class Threads {
  readonly #platform: Platform;
  readonly #store: Store;
  readonly #server: Server;
  readonly #rooms: Rooms;
  /** How often the threads of a room have changed. */
  readonly #answered = new Map<string, number>();
  #countedAt = 0;
  #counting: (() => void) | undefined;

  constructor(platform: Platform, store: Store, server: Server, rooms: Rooms) {
    this.#platform = platform;
    this.#store = store;
    this.#server = server;
    this.#rooms = rooms;
  }

  /** Reads the threads of a room into the store, the newest answer first. */
  async read(room: string): Promise<void> {
    const before = this.#answered.get(room);
    const page = await answer(this.#server.api.GET("/v1/rooms/{room_id}/threads", { params: { path: { room_id: room }, query: { limit: THREADS }, header: this.#server.fresh() } }));
    for (const thread of page.items) this.#rooms.takeMessage(thread.root);
    // What came in between may or may not be in it.
    this.#store.threads.set(room, { items: page.items, stale: this.#answered.get(room) !== before });
    this.#store.touch(`threads:${room}`);
  }

  /** Answers, or what the user has done with them. */
  changed(room: string, own: boolean): void {
    this.#answered.set(room, (this.#answered.get(room) ?? 0) + 1);
    const held = this.#store.threads.get(room);
    if (held) {
      this.#store.threads.set(room, { ...held, stale: true });
      this.#store.touch(`threads:${room}`);
    }
    this.#count(own);
  }

  /** There is a connection again, and the server has counted, or not. */
  live(unread: Unread | null | undefined): void {
    if (unread) this.#counted(unread);
    else this.#count();
  }

  close(): void {
    this.#counting?.();
  }

  /** Asks how many threads have something unread. */
  #count(atOnce = false): void {
    if (atOnce) this.#counting?.();
    else if (this.#counting) return;
    const wait = atOnce ? COUNT_SOON : Math.max(COUNT_SOON, this.#countedAt + COUNT_EVERY - this.#platform.now());
    this.#counting = this.#platform.later(wait, () => {
      this.#counting = undefined;
      this.#countedAt = this.#platform.now();
      if (!this.#server.live) return;
      answer(this.#server.api.GET("/v1/users/me/unread", { params: { header: this.#server.fresh() } })).then((unread) => this.#counted(unread), () => undefined);
    });
  }

  #counted(unread: Unread): void {
    this.#store.unreadThreads = unread.threads;
    this.#store.touch("unread");
  }
}
