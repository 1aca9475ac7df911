/** The timelines that are on show: read page by page, kept fresh while they are open, and let go of after that. */
import { apply } from "./apply.ts";
import type { Platform } from "./platform.ts";
import { answer } from "./rest.ts";
import type { Rooms } from "./rooms.ts";
import type { Server } from "./server.ts";
import type { Store } from "./store.ts";
import type { Timeline } from "./timeline.ts";
import type { EventFrame, Message } from "./types.ts";

/** What happens while a page is read: it may or may not be in it. */
interface Meanwhile {
  /** The timeline that is read. */
  key: string;
  posted: string[];
  changed: EventFrame[];
}

/** Where a page of history is. */
interface At {
  before?: string | undefined;
  after?: string | undefined;
  around?: string | undefined;
}

/** Messages of a page of history. */
const PAGE = 50;
/** Rooms whose messages are kept when they are not open. */
const KEPT_ROOMS = 20;
/** Pages that are read to meet what is held, and milliseconds until a failed reading is tried again. */
const FRESH_PAGES = 20;
const FRESH_AGAIN = 2_000;
/** Milliseconds between two readings of a room in which something may have been missed, and at random before each: many clients are told of it together. */
const RELOAD_EVERY = 10_000;
const RELOAD_JITTER = 2_000;

export class History {
  readonly #platform: Platform;
  readonly #store: Store;
  readonly #server: Server;
  readonly #rooms: Rooms;
  readonly #meanwhile = new Set<Meanwhile>();
  /** Around which message a timeline was opened last; of none: at its end. */
  readonly #asked = new Map<string, string | undefined>();
  /** How often each timeline is on show, the least recently opened first. */
  readonly #open = new Map<string, number>();
  readonly #loading = new Map<string, Promise<void>>();
  /** When each room is, or was last, read anew because something of it may have been missed. */
  readonly #reloaded = new Map<string, number>();
  /** The oldest message of the page that was read last. */
  readonly #checkedFrom = new Map<string, string>();

  constructor(platform: Platform, store: Store, server: Server, rooms: Rooms) {
    this.#platform = platform;
    this.#store = store;
    this.#server = server;
    this.#rooms = rooms;
  }

  async open(key: string, at?: string): Promise<void> {
    // The least recently opened first.
    const times = this.#open.get(key) ?? 0;
    this.#open.delete(key);
    this.#open.set(key, times + 1);
    // What was asked for before may take long: it is not waited for.
    if (this.#asked.has(key) && this.#asked.get(key) !== at) this.#loading.delete(key);
    this.#asked.set(key, at);
    const timeline = this.#store.timeline(key);
    if (timeline.show(at)) return;
    await this.#load(timeline, at ? { around: at } : {}, true);
  }

  async prefetch(key: string): Promise<void> {
    // What is on show, or on its way there, stays as it was asked for.
    if ((this.#open.get(key) ?? 0) > 0 || this.#store.timeline(key).view().loaded) return;
    await this.open(key).finally(() => this.shut(key));
  }

  shut(key: string): void {
    this.#open.set(key, Math.max(0, (this.#open.get(key) ?? 1) - 1));
    const shut = [...this.#open].filter(([, times]) => times === 0).map(([one]) => one);
    for (const old of shut.slice(0, Math.max(0, shut.length - KEPT_ROOMS))) {
      this.#open.delete(old);
      this.#asked.delete(old);
      this.#store.timelines.delete(old);
      for (const message of [...this.#store.messages.values()]) {
        if (message.room_id === old && !message.thread_root_id) this.#store.messages.delete(message.id);
      }
    }
  }

  async older(key: string): Promise<void> {
    const timeline = this.#store.timeline(key);
    await this.#load(timeline, () => (timeline.view().atStart ? undefined : { before: timeline.ids[0] }), true);
    this.#trim(timeline, "end");
  }

  async newer(key: string): Promise<void> {
    const timeline = this.#store.timeline(key);
    await this.#load(timeline, () => (timeline.view().atEnd ? undefined : { after: timeline.ids.at(-1) }), true);
    this.#trim(timeline, "start");
  }

  trim(key: string): void {
    this.#trim(this.#store.timeline(key), "start");
  }

  /** An event has come: pages that are being read may or may not have it. */
  heard(frame: EventFrame): void {
    const room = frame.room_id;
    if (frame.event === "message.posted") {
      const message = frame.data as Message;
      const keys = [message.room_id, `${message.room_id}/${message.thread_root_id}`];
      for (const reading of this.#meanwhile) if (keys.includes(reading.key)) reading.posted.push(message.id);
    } else if (room && /^(message|reaction)\./.test(frame.event)) {
      for (const { key, changed } of this.#meanwhile) if (key.split("/")[0] === room) changed.push(frame);
    }
  }

  /** Something of the room may have been missed. What is open is read anew soon; until then it is shown as it is. */
  reload(room: string): void {
    for (const timeline of this.#timelines(room)) timeline.spoil();
    const now = this.#platform.now();
    const last = this.#reloaded.get(room);
    // It is on its way.
    if (last !== undefined && last > now) return;
    const wait = Math.max(0, last === undefined ? 0 : last + RELOAD_EVERY - now) + this.#platform.random() * RELOAD_JITTER;
    this.#reloaded.set(room, now + wait);
    this.#platform.later(wait, () => {
      // Another connection reads what is on show by itself.
      if (this.#server.live) for (const timeline of this.#timelines(room)) if (timeline.stale && this.#open.get(timeline.key)) void this.#freshen(timeline);
    });
  }

  #timelines(room: string): Timeline[] {
    return [...this.#store.timelines.values()].filter((timeline) => timeline.room === room);
  }

  /** There is a connection again: what is on show and in doubt is read anew. */
  again(): void {
    for (const timeline of this.#store.timelines.values()) if (timeline.stale && this.#open.get(timeline.key)) void this.#freshen(timeline);
  }

  /** Another user is here. */
  clear(): void {
    this.#open.clear();
    this.#reloaded.clear();
  }

  /** Reads what is shown anew. It stays in view: pages are read from the end until they meet what is held. */
  async #freshen(timeline: Timeline): Promise<void> {
    const { atEnd } = timeline.view();
    const first = timeline.ids[0];
    try {
      if (!atEnd && first) return await this.#load(timeline, { around: first }, true);
      await this.#load(timeline, {}, false);
      for (let pages = 1; timeline.shownStale && pages < FRESH_PAGES; pages++) {
        await this.#load(timeline, () => ({ before: this.#checkedFrom.get(timeline.key) }), false);
      }
      // Too much was missed: the end is what counts.
      if (timeline.shownStale) timeline.show();
    } catch {
      // Lost again: the next connection tries anew. Else the server could not, and can soon.
      this.#platform.later(FRESH_AGAIN, () => {
        if (this.#server.live && timeline.shownStale && this.#open.get(timeline.key)) void this.#freshen(timeline);
      });
    }
  }

  #trim(timeline: Timeline, side: "start" | "end"): void {
    for (const id of timeline.trim(side)) {
      // The root of a thread that is held is shown with it.
      if (!this.#store.timelines.has(`${timeline.room}/${id}`)) this.#store.messages.delete(id);
    }
  }

  /** One reading of a timeline at a time: what arrives during one is put behind it. */
  async #load(timeline: Timeline, at: At | (() => At | undefined), show: boolean): Promise<void> {
    const before = this.#loading.get(timeline.key) ?? Promise.resolve();
    const asked = this.#asked.get(timeline.key);
    const wanted = () => this.#asked.get(timeline.key) === asked;
    const work = before.catch(() => undefined).then(async () => {
      const where = typeof at === "function" ? at() : at;
      if (where) await this.#loadPage(timeline, where, show, wanted);
    });
    this.#loading.set(timeline.key, work);
    await work;
  }

  /** `wanted`: no other place has been asked for since. */
  async #loadPage(timeline: Timeline, at: At, show: boolean, wanted: () => boolean): Promise<void> {
    const meanwhile: Meanwhile = { key: timeline.key, posted: [], changed: [] };
    const { spoiled } = timeline;
    this.#meanwhile.add(meanwhile);
    try {
      await this.#takePage(timeline, at, show, wanted);
    } finally {
      this.#meanwhile.delete(meanwhile);
    }
    // Once is the same as twice.
    for (const frame of meanwhile.changed) apply(this.#store, frame);
    for (const id of meanwhile.posted) this.#append(timeline, id);
    if (timeline.spoiled === spoiled) return;
    // It was asked for before the place of the log that all else is of: something may have come in between.
    timeline.spoil();
    if (this.#server.live && this.#open.get(timeline.key)) void this.#freshen(timeline);
  }

  async #takePage(timeline: Timeline, at: At, show: boolean, wanted: () => boolean): Promise<void> {
    const threads = timeline.root ? { thread: timeline.root } : { threads: false };
    const query = { ...at, ...threads, limit: PAGE };
    const page = await answer(this.#server.api.GET("/v1/rooms/{room_id}/messages", { params: { path: { room_id: timeline.room }, query, header: this.#server.fresh() } }));
    const messages = page.items;
    // Of a message that was deleted while we asked the event has told, and it wins.
    for (const message of messages) if (!this.#store.messages.get(message.id)?.deleted_at || message.deleted_at) this.#rooms.takeMessage(message);
    const more = page.next_cursor !== null && page.next_cursor !== undefined;
    const full = messages.length >= PAGE;
    const atStart = at.after ? false : at.around ? !full : !more;
    const atEnd = at.after ? !more : at.around ? !full : at.before === undefined;
    if (messages.length === 0 && !at.before && !at.after && !at.around) timeline.empty();
    else if (messages.length === 0) {
      // The end of another place than the one on show by now is not its end.
      if (wanted()) timeline.ends(atStart, atEnd);
    } else {
      // The anchor is in no page of its own, but it is what the page adjoins.
      const before = at.after ? this.#store.messages.get(at.after) : undefined;
      const behind = at.before ? this.#store.messages.get(at.before) : undefined;
      timeline.put({ messages: [...(before ? [before] : []), ...messages, ...(behind ? [behind] : [])], atStart, atEnd }, show && wanted());
    }
    const oldest = messages[0];
    if (oldest) this.#checkedFrom.set(timeline.key, oldest.id);
  }

  #append(timeline: Timeline, id: string): void {
    const message = this.#store.messages.get(id);
    if (message && (message.thread_root_id ?? undefined) === timeline.root) timeline.append(id);
  }
}
