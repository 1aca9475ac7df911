/** What is on its way, messages and changes of them: each is written down before it is sent, sent in order, and carried out by the server once. */
import type { Channel, Platform } from "./platform.ts";
import { carriedOut, isPost, needless, pending, superseded, unsent } from "./overlay.ts";
import { ProblemError } from "./problem.ts";
import type { Store } from "./store.ts";
import type { EventFrame, Media, Message, OutboxChange, OutboxEntry, OutboxPost, Problem } from "./types.ts";
import type { Uploads } from "./uploads.ts";

const LOCK = "tidings-outbox";
/** Rooms that are sent to side by side. */
const ABREAST = 3;
/** Milliseconds after which a message that a page finds is not sent without being asked for. */
const OLD = 24 * 3_600_000;

/** Sends one message or change: what was stored, or a `ProblemError`. */
export type Deliver = (entry: OutboxEntry) => Promise<Message | undefined>;

export class Outbox {
  readonly #platform: Platform;
  readonly #store: Store;
  readonly #uploads: Uploads;
  readonly #deliver: Deliver;
  /** False: nothing can be sent, and is not tried. */
  readonly #reachable: () => boolean;
  readonly #channel: Channel;
  #running: Promise<void> | undefined;
  #again = false;
  #cancel: () => void = () => undefined;
  #last = 0;
  #closed = false;

  constructor(platform: Platform, store: Store, uploads: Uploads, deliver: Deliver, reachable: () => boolean = () => true) {
    this.#platform = platform;
    this.#store = store;
    this.#uploads = uploads;
    this.#deliver = deliver;
    this.#reachable = reachable;
    uploads.onDone = (id, media) => void this.#uploaded(id, media);
    uploads.onRefused = (id, problem) => void this.#refused(id, problem);
    this.#channel = platform.channel("tidings-outbox");
    this.#channel.listen(() => void this.load());
  }

  /** A session has begun here: what another person has left in this browser goes. */
  async begin(): Promise<void> {
    const user = this.#store.me?.id;
    const all = await this.#platform.storage.all().catch(() => []);
    for (const entry of all) if (user && entry.user_id !== user) await this.#platform.storage.remove(entry.client_id).catch(() => undefined);
    await this.load();
  }

  /** Shows what is in the storage: after a reload, and when another tab has written. */
  async load(): Promise<void> {
    const user = this.#store.me?.id;
    // The user has signed out: a look at the storage would make it anew.
    if (!user) return;
    const all = await this.#platform.storage.all().catch(() => this.#store.outbox);
    const own = new Map(all.filter((entry) => entry.user_id === user && !this.#done.has(entry.client_id)).map((entry) => [entry.client_id, { ...entry }]));
    for (const entry of own.values()) {
      const held = this.#find(entry.client_id);
      // A page that lies open knows its own: only what is found is too late to be meant.
      const late = held === undefined && this.#platform.now() - entry.submitted_at > OLD;
      if (pending(entry) && (late || held?.state === "old")) entry.state = "old";
      if (!isPost(entry)) entry.message_id = this.stored(entry.message_id) ?? entry.message_id;
      // What has not changed stays the same object: it is not drawn again.
      if (held && JSON.stringify(held) === JSON.stringify(entry)) own.set(entry.client_id, held);
    }
    // What is being written is newer than what was read; what was sent, or could not be written, is in no storage.
    for (const entry of this.#store.outbox) if (entry.state === "sent" || this.#writing.has(entry.client_id) || this.#unkept.has(entry.client_id)) own.set(entry.client_id, entry);
    this.#show([...own.values()]);
  }

  /** What the server has, or the user has given up: a late look at the storage must not bring it back. */
  readonly #done = new Set<string>();
  /** The messages that those of this page have become. */
  readonly #ids = new Map<string, string>();
  readonly #writing = new Set<string>();
  /** Messages that the storage did not take: there is no place for a file. They are sent all the same, while the page lives. */
  readonly #unkept = new Set<string>();

  submit(message: Pick<OutboxPost, "room_id" | "body"> & Partial<Pick<OutboxPost, "thread_root_id" | "format" | "client_id" | "files">>): Promise<OutboxPost> {
    return this.#enter<OutboxPost>({ format: "markdown", ...message });
  }

  /** Does something to a message, behind all that waits in its room. What it makes needless is not sent. */
  change(change: Pick<OutboxChange, "kind" | "message_id" | "room_id" | "body" | "emoji">): Promise<OutboxChange> {
    return this.#enter<OutboxChange>({ ...change, message_id: this.stored(change.message_id) ?? change.message_id });
  }

  /** The message that one of this page has become, once the server has it. */
  stored(clientId: string): string | undefined {
    return this.#ids.get(clientId);
  }

  async #enter<T extends OutboxEntry>(what: Omit<T, "client_id" | "user_id" | "submitted_at" | "state"> & { client_id?: string | undefined }): Promise<T> {
    const user = this.#store.me;
    if (!user) throw new Error("submitting wants a session");
    this.#last = Math.max(this.#last + 1, this.#platform.now());
    const entry = { ...what, client_id: what.client_id ?? this.#platform.id(), user_id: user.id, submitted_at: this.#last, state: "waiting" } as T;
    this.#show([...this.#store.outbox, entry]);
    await this.#write(entry);
    this.flush();
    return entry;
  }

  /** Sends what failed once more. */
  async retry(clientId: string): Promise<void> {
    const entry = this.#find(clientId);
    if (!entry) return;
    const { problem: _, ...rest } = entry;
    await this.#change({ ...rest, state: "waiting" });
    this.flush();
  }

  /** Changes the text of a message that is on its way. One that was never sent, or was refused, goes out with it; one that is just being sent is edited behind that. Whether it is on its way: else only an edit of the stored message will do. */
  async edit(clientId: string, body: string): Promise<boolean> {
    const now = this.#post(clientId);
    if (!now) return false;
    if (!unsent(now)) return this.#editBehind(now, body);
    // No tab sends meanwhile.
    const changed = await this.#platform.exclusively(LOCK, 15_000, async () => {
      await this.load();
      const entry = this.#post(clientId);
      if (!entry || !unsent(entry)) return false;
      const { problem: _, ...rest } = entry;
      await this.#change({ ...rest, body, state: "waiting" });
      return true;
    });
    if (changed) this.flush();
    const left = changed ? undefined : this.#post(clientId);
    return changed || (left !== undefined && this.#editBehind(left, body));
  }

  async #editBehind({ client_id, room_id, state }: OutboxPost, body: string): Promise<boolean> {
    // The server has it, and did not say as what: its event does.
    if (state === "sent" && !this.stored(client_id)) return false;
    await this.change({ kind: "edit", message_id: client_id, room_id, body });
    return true;
  }

  /** Gives something up. If it was sent already it may be there all the same. */
  async drop(clientId: string): Promise<void> {
    for (const file of this.#post(clientId)?.files ?? []) this.#uploads.cancel(file.id);
    for (const change of this.#changesOf(clientId)) await this.#finish(change.client_id);
    await this.#finish(clientId);
  }

  #changesOf(message: string): OutboxChange[] {
    return this.#store.outbox.filter((entry): entry is OutboxChange => !isPost(entry) && entry.message_id === message);
  }

  /** The server has it. The row of a message stays until the message comes in its place among the others. */
  async #confirmed(entry: OutboxEntry, stored: Message | undefined): Promise<void> {
    if (this.#done.has(entry.client_id)) return;
    if (!isPost(entry)) return this.#finish(entry.client_id);
    this.#show(this.#store.outbox.map((one) => (one.client_id === entry.client_id ? { ...entry, state: "sent" } : one)));
    if (stored) await this.#became(entry.client_id, stored.id);
    await this.#remove(entry.client_id);
  }

  /** The server has it, and it is among the messages. */
  async delivered(clientId: string, id: string): Promise<void> {
    for (const file of this.#post(clientId)?.files ?? []) this.#uploads.forget(file.id);
    await this.#became(clientId, id);
    await this.#finish(clientId);
  }

  /** An event may tell that a change was carried out whose answer is on its way, or was lost. */
  told(frame: EventFrame): void {
    const me = this.#store.me?.id ?? "";
    const done = this.#store.outbox.find((entry) => !isPost(entry) && entry.state === "unknown" && carriedOut(entry, frame, me));
    if (done) void this.#finish(done.client_id);
  }

  /** What was done to a message on its way is done to the one that it has become. */
  async #became(clientId: string, id: string): Promise<void> {
    if (!id) return;
    this.#ids.set(clientId, id);
    for (const change of this.#changesOf(clientId)) await this.#change({ ...change, message_id: id });
  }

  /** It is not on its way any more. */
  async #finish(clientId: string): Promise<void> {
    this.#done.add(clientId);
    if (!this.#find(clientId)) return;
    this.#show(this.#store.outbox.filter((entry) => entry.client_id !== clientId));
    await this.#remove(clientId);
  }

  /** Sends what waits. Many calls are as one. */
  flush(): void {
    if (this.#closed) return;
    this.#cancel();
    if (this.#running) {
      this.#again = true;
      return;
    }
    this.#running = this.#platform
      .exclusively(LOCK, 15_000, () => this.#sendAll())
      .catch(() => undefined)
      .finally(() => {
        this.#running = undefined;
        if (this.#again) {
          this.#again = false;
          this.flush();
        }
      });
  }

  close(): void {
    this.#closed = true;
    this.#cancel();
    this.#channel.close();
  }

  async #sendAll(): Promise<void> {
    await this.load();
    const rooms = [...new Set(this.#store.outbox.filter(pending).map((entry) => entry.room_id))];
    let next = 0;
    const worker = async () => {
      for (let room = rooms[next++]; room !== undefined; room = rooms[next++]) await this.#sendRoom(room);
    };
    await Promise.all(Array.from({ length: ABREAST }, worker));
  }

  async #sendRoom(room: string): Promise<void> {
    for (;;) {
      await this.#clear(room);
      const entry = this.#next(room);
      if (!entry || this.#closed || entry.user_id !== this.#store.me?.id) return;
      if (!this.#reachable()) return this.#wait(2_000);
      try {
        await this.#change({ ...entry, state: "unknown" });
        await this.#confirmed(entry, await this.#deliver(entry));
      } catch (error) {
        const problem = error instanceof ProblemError ? error : ProblemError.unreachable(String(error));
        // Without a session nothing is refused: it waits for the next one.
        if (problem.retryable || problem.status === 401 || problem.status === 429) {
          this.#wait(problem.retryAfter ?? 2_000);
          return;
        }
        await this.#refuse(entry, problem);
      }
    }
  }

  /** What of a room goes out next. */
  #next(room: string): OutboxEntry | undefined {
    let waits = false;
    for (const entry of this.#store.outbox) {
      if (entry.room_id !== room || !pending(entry)) continue;
      // Files first; what was written after them waits, so that the order stays. Other messages can be changed meanwhile.
      if (!isPost(entry)) {
        if (!this.#post(entry.message_id)) return entry;
        continue;
      }
      if (waits) continue;
      const lacking = entry.files?.filter((file) => !file.media) ?? [];
      if (lacking.length === 0) return entry;
      waits = true;
      for (const file of lacking) this.#uploads.resume(file, () => this.#lacks(file.id));
    }
    return undefined;
  }

  /** Takes away what would be sent for nothing: what a later change makes needless, and what would change nothing. */
  async #clear(room: string): Promise<void> {
    const changes = this.#store.outbox.filter((one): one is OutboxChange => !isPost(one) && one.room_id === room);
    const gone = new Set(superseded(changes));
    const left = changes.filter((change) => !gone.has(change));
    for (const change of left) {
      const held = this.#store.messages.get(change.message_id);
      const alone = change.state === "waiting" && !left.some((other) => other !== change && other.message_id === change.message_id);
      if (held && alone && needless(held, change)) gone.add(change);
    }
    for (const change of gone) await this.#finish(change.client_id);
  }

  /** The server will not have it. */
  async #refuse(entry: OutboxEntry, refusal: ProblemError): Promise<void> {
    const gone = refusal.status === 404 || refusal.status === 410;
    // There is nothing left of which anything could be taken away.
    if (gone && (entry.kind === "delete" || entry.kind === "unreact")) return this.#finish(entry.client_id);
    const later = isPost(entry) ? this.#changesOf(entry.client_id) : [];
    const body = later.findLast((one) => one.kind === "edit")?.body;
    // It is tried with the text that it was given since.
    if (isPost(entry) && body !== undefined) await this.#change({ ...entry, body, state: "waiting" });
    else await this.#change({ ...entry, state: "failed", problem: refusal.problem });
    for (const change of later) await this.#finish(change.client_id);
  }

  /** A file is on the server: its message need not keep it any more. */
  async #uploaded(id: string, media: Media): Promise<void> {
    const entry = this.#withFile(id);
    if (!entry) return;
    const files = entry.files?.map(({ data, ...file }) => (file.id === id ? { ...file, media } : { ...file, ...(data ? { data } : {}) }));
    await this.#change({ ...entry, files });
    this.flush();
  }

  async #refused(id: string, problem: Problem): Promise<void> {
    const entry = this.#withFile(id);
    if (!entry) return;
    await this.#change({ ...entry, state: "failed", problem });
    this.flush();
  }

  /** Whether a file is still to be uploaded: another tab may have done it, or given it up. */
  async #lacks(id: string): Promise<boolean> {
    await this.load();
    const entry = this.#withFile(id);
    return entry !== undefined && pending(entry) && entry.files?.find((file) => file.id === id)?.media === undefined;
  }

  #find(clientId: string): OutboxEntry | undefined {
    return this.#store.outbox.find((one) => one.client_id === clientId);
  }

  /** A message on its way. */
  #post(clientId: string): OutboxPost | undefined {
    const entry = this.#find(clientId);
    return entry && isPost(entry) ? entry : undefined;
  }

  #withFile(id: string): OutboxPost | undefined {
    return this.#store.outbox.filter(isPost).find((entry) => entry.files?.some((file) => file.id === id));
  }

  #wait(milliseconds: number): void {
    this.#cancel();
    this.#cancel = this.#platform.later(milliseconds, () => this.flush());
  }

  async #change(entry: OutboxEntry): Promise<void> {
    // Dropped or delivered in the meantime.
    if (!this.#store.outbox.some((one) => one.client_id === entry.client_id)) return;
    this.#show(this.#store.outbox.map((one) => (one.client_id === entry.client_id ? entry : one)));
    await this.#write(entry);
  }

  async #write(entry: OutboxEntry): Promise<void> {
    this.#writing.add(entry.client_id);
    await this.#platform.storage.put(entry).then(() => this.#unkept.delete(entry.client_id), () => this.#unkept.add(entry.client_id));
    this.#writing.delete(entry.client_id);
    // Delivered while it was written down.
    if (this.#done.has(entry.client_id)) await this.#platform.storage.remove(entry.client_id).catch(() => undefined);
    this.#channel.post("changed");
  }

  async #remove(clientId: string): Promise<void> {
    await this.#platform.storage.remove(clientId).catch(() => undefined);
    this.#channel.post("changed");
  }

  #show(entries: OutboxEntry[]): void {
    this.#store.outbox = entries.sort((a, b) => a.submitted_at - b.submitted_at);
    this.#store.touch("outbox");
  }
}
