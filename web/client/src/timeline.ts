/** What is held of a room's messages: runs without holes. One of them is the one on show. */
import { isPost } from "./overlay.ts";
import type { Store } from "./store.ts";
import type { Message, OutboxPost } from "./types.ts";

/** Messages that follow one another in the room, all of them. */
interface Run {
  ids: string[];
  /** Nothing is before it. */
  atStart: boolean;
  /** Nothing is behind it: what is posted joins it. */
  atEnd: boolean;
  /** Something may have changed unseen. */
  stale: boolean;
  /** Of a stale one: from this message to its end all has been read anew. */
  checked?: string | undefined;
}

/** One row: a message, or one that waits in the outbox. The key stays the same when one becomes the other. */
export interface Row {
  key: string;
  message?: Message;
  pending?: OutboxPost;
}

export interface TimelineView {
  rows: Row[];
  atStart: boolean;
  atEnd: boolean;
  stale: boolean;
  /** Something has been read. */
  loaded: boolean;
}

/** A page of a room's history, oldest first. */
export interface HistoryPage {
  messages: Message[];
  atStart: boolean;
  atEnd: boolean;
}

/** Messages of a timeline that are held in a row at most: those at the far end are let go of. */
export const MOST_ROWS = 2_000;

const EMPTY: TimelineView = { rows: [], atStart: false, atEnd: false, stale: false, loaded: false };

/** Under what a message's timeline is held: its room's, or its thread's. */
export function timelineOf(message: Pick<Message, "room_id" | "thread_root_id">): string {
  return message.thread_root_id ? `${message.room_id}/${message.thread_root_id}` : message.room_id;
}

export class Timeline {
  /** The room, or `room/root` for a thread. */
  readonly key: string;
  readonly room: string;
  readonly root: string | undefined;
  #runs: Run[] = [];
  #shown: Run | undefined;
  #view: TimelineView | undefined;
  readonly #rows = new Map<string, Row>();
  readonly #store: Store;

  constructor(key: string, store: Store) {
    this.key = key;
    const [room = key, root] = key.split("/");
    this.room = room;
    this.root = root;
    this.#store = store;
  }

  /** The run on show, as rows; queued messages of the main timeline stand at the end. */
  view(): TimelineView {
    return (this.#view ??= this.#make());
  }

  /** The view is to be made anew. */
  forget(): void {
    this.#view = undefined;
    this.#store.touch(`timeline:${this.key}`);
  }

  /** The ids on show. */
  get ids(): readonly string[] {
    return this.#shown?.ids ?? [];
  }

  get newest(): string | undefined {
    return this.#runs.find((run) => run.atEnd)?.ids.at(-1);
  }

  holds(id: string): boolean {
    return this.#runs.some((run) => run.ids.includes(id));
  }

  get stale(): boolean {
    return this.#runs.some((run) => run.stale);
  }

  /** What is shown may have holes, or has lost its end. */
  get shownStale(): boolean {
    return this.#shown?.stale ?? false;
  }

  /** Shows the run with a message, or the newest one. Whether there is one that can be trusted. */
  show(id?: string): boolean {
    const run = this.#runs.find((one) => (id ? one.ids.includes(id) : one.atEnd));
    if (!run) return false;
    this.#shown = run;
    this.forget();
    return !run.stale;
  }

  /** How often what is held came to be in doubt: a page that was asked for before that is in doubt, too. */
  spoiled = 0;

  /** All that is held may have holes. */
  spoil(): void {
    this.spoiled += 1;
    for (const run of this.#runs) {
      run.stale = true;
      run.checked = undefined;
    }
    this.forget();
  }

  /** A new message at the end. Not if the end is not held, or there may be a hole before it. */
  append(id: string): void {
    const run = this.#runs.find((one) => one.atEnd && (!one.stale || one.checked !== undefined));
    if (!run || run.ids.includes(id)) return;
    run.ids = [...run.ids, id];
    this.forget();
  }

  /** Puts a page in its place: joined with the runs it meets, whose messages it replaces where they overlap. */
  put(page: HistoryPage, show: boolean): void {
    let run: Run = { ids: page.messages.map((message) => message.id), atStart: page.atStart, atEnd: page.atEnd, stale: false };
    // What is posted while a page is read may have joined the end already.
    const rest: Run[] = [];
    let shown = show;
    for (const other of this.#runs) {
      const joined = join(run, other);
      if (joined) {
        run = joined;
        shown ||= other === this.#shown;
      } else {
        // The end is elsewhere now.
        if (run.atEnd) other.atEnd = false;
        rest.push(other);
      }
    }
    this.#runs = [...rest, run];
    if (shown || !this.#shown || !this.#runs.includes(this.#shown)) this.#shown = run;
    this.forget();
  }

  /** There is nothing at all. */
  empty(): void {
    this.#shown = { ids: [], atStart: true, atEnd: true, stale: false };
    this.#runs = [this.#shown];
    this.forget();
  }

  /** There is nothing before, or behind, what is shown. */
  ends(atStart: boolean, atEnd: boolean): void {
    if (!this.#shown) this.#runs.push((this.#shown = { ids: [], atStart: false, atEnd: false, stale: false }));
    this.#shown.atStart ||= atStart;
    this.#shown.atEnd ||= atEnd;
    this.forget();
  }

  /** Lets go of what is shown beyond `most` messages, at its start or at its end. Gives what is held no more. */
  trim(side: "start" | "end", most: number = MOST_ROWS): string[] {
    const run = this.#shown;
    if (!run || run.ids.length <= most) return [];
    const cut = side === "start" ? run.ids.length - most : most;
    const gone = side === "start" ? run.ids.slice(0, cut) : run.ids.slice(cut);
    run.ids = side === "start" ? run.ids.slice(cut) : run.ids.slice(0, cut);
    if (side === "start") run.atStart = false;
    else run.atEnd = false;
    this.forget();
    return gone.filter((id) => !this.holds(id));
  }

  #make(): TimelineView {
    const run = this.#shown;
    if (!run) return EMPTY;
    const me = this.#store.me?.id;
    const keep = new Set<string>();
    const row = (key: string, message?: Message, pending?: OutboxPost): Row => {
      keep.add(key);
      const before = this.#rows.get(key);
      if (before && before.message === message && before.pending === pending) return before;
      const fresh: Row = { key, ...(message ? { message } : {}), ...(pending ? { pending } : {}) };
      this.#rows.set(key, fresh);
      return fresh;
    };
    const rows: Row[] = [];
    for (const id of run.ids) {
      const message = this.#store.shown(id);
      if (message && (message.thread_root_id ?? undefined) === this.root) rows.push(row(message.sender.id === me && message.client_id ? message.client_id : id, message));
    }
    if (run.atEnd) {
      for (const entry of this.#store.outbox) {
        if (isPost(entry) && entry.room_id === this.room && entry.thread_root_id === this.root && !keep.has(entry.client_id)) rows.push(row(entry.client_id, undefined, this.#store.overlay.post(entry)));
      }
    }
    for (const key of this.#rows.keys()) if (!keep.has(key)) this.#rows.delete(key);
    return { rows, atStart: run.atStart, atEnd: run.atEnd, stale: run.stale, loaded: true };
  }
}

/** Two runs that share a message, as one; what stands in `page` wins where they overlap. */
export function join(page: Run, held: Run): Run | undefined {
  const shared = new Set(held.ids);
  const first = page.ids.findIndex((id) => shared.has(id));
  if (first < 0) return undefined;
  const last = page.ids.findLastIndex((id) => shared.has(id));
  const from = held.ids.indexOf(page.ids[first] as string);
  const to = held.ids.indexOf(page.ids[last] as string);
  const before = first === 0 ? held.ids.slice(0, from) : [];
  const behind = last === page.ids.length - 1 ? held.ids.slice(to + 1) : [];
  const beyondStart = before.length > 0;
  const beyondEnd = behind.length > 0;
  // What is behind the page is as good as it was read since.
  const checkedBehind = !beyondEnd || (held.checked !== undefined && held.ids.indexOf(held.checked) <= to + 1);
  const stale = held.stale && (beyondStart || !checkedBehind);
  const earlier = held.checked !== undefined && before.includes(held.checked);
  return {
    ids: [...before, ...page.ids, ...behind],
    atStart: beyondStart ? held.atStart : page.atStart || (held.atStart && first === 0),
    atEnd: beyondEnd ? held.atEnd : page.atEnd || (held.atEnd && last === page.ids.length - 1),
    stale,
    ...(stale ? { checked: checkedBehind && !earlier ? page.ids[0] : held.checked } : {}),
  };
}
