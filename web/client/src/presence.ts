/** Who is there and who is typing: what the user says of it, and what is heard of others. Nothing of it is stored. */
import type { Platform } from "./platform.ts";
import { ProblemError } from "./problem.ts";
import type { Server } from "./server.ts";
import type { PresenceView, Store } from "./store.ts";
import type { ServerFrame } from "./types.ts";

/** Milliseconds between two signs of typing, and after which one is over. */
const TYPING_EVERY = 3_000;
const TYPING_ENDS = 6_000;
/** Typing is said by the socket only. */
const NOT_BY_REST = () => Promise.reject(ProblemError.unreachable("there is no connection"));
/** Users that are watched, at most. */
const WATCHED = 200;

export class Presence {
  readonly #platform: Platform;
  readonly #store: Store;
  readonly #server: Server;
  /** When the user's own typing was said last, by room or thread. */
  readonly #typed = new Map<string, number>();
  readonly #typingEnds = new Map<string, () => void>();
  #watched: string[] = [];

  constructor(platform: Platform, store: Store, server: Server) {
    this.#platform = platform;
    this.#store = store;
    this.#server = server;
  }

  typing(room: string, thread?: string): void {
    const key = thread ?? room;
    const now = this.#platform.now();
    if (now - (this.#typed.get(key) ?? 0) < TYPING_EVERY) return;
    this.#typed.set(key, now);
    const frame = { type: "typing", room_id: room, active: true, ...(thread ? { thread_root_id: thread } : {}) };
    // One who may only read is told so at the first key, and not when all is written.
    if (this.#store.me?.email_verified === false && this.#server.live) this.#server.ask(frame, NOT_BY_REST).catch((error: unknown) => this.#store.refused(error));
    else this.#server.tell(frame);
  }

  watch(users: string[]): void {
    this.#watched = [...new Set(users)].sort().slice(0, WATCHED);
    this.#server.tell({ type: "watch_presence", user_ids: this.#watched });
  }

  set(status: "online" | "away" | "dnd" | "invisible", text?: string): void {
    this.#server.tell({ type: "presence", status, ...(text === undefined ? {} : { text: text || null }) });
  }

  /** There is a connection again: another socket knows nothing of what this one watched. */
  again(): void {
    if (this.#watched.length > 0) this.watch(this.#watched);
  }

  heard(frame: ServerFrame): void {
    const other = frame as unknown as { type: string; room_id: string; thread_root_id?: string; user_id: string; active: boolean } & PresenceView;
    if (other.type === "typing") this.typedBy(other.thread_root_id ? `${other.room_id}/${other.thread_root_id}` : other.room_id, other.user_id, other.active);
    if (other.type === "presence") {
      this.#store.presence.set(other.user_id, { status: other.status, text: other.text, last_seen_at: other.last_seen_at });
      this.#store.touch(`presence:${other.user_id}`);
    }
  }

  /** A user types in a room or thread, or does no more. */
  typedBy(key: string, user: string, active: boolean): void {
    const before = this.#store.typing.get(key) ?? [];
    if (!active && !before.includes(user)) return;
    this.#typingEnds.get(key + user)?.();
    this.#typingEnds.delete(key + user);
    if (active) this.#typingEnds.set(key + user, this.#platform.later(TYPING_ENDS, () => this.typedBy(key, user, false)));
    if (active && before.includes(user)) return;
    this.#store.typing.set(key, active ? [...before, user] : before.filter((one) => one !== user));
    this.#store.touch(`typing:${key}`);
  }

  close(): void {
    for (const cancel of this.#typingEnds.values()) cancel();
  }
}
