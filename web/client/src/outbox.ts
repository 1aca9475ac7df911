/** Messages on their way: each is written down before it is sent, sent in order, and stored by the server once. */
import type { Channel, Platform } from "./platform.ts";
import { ProblemError } from "./problem.ts";
import type { Store } from "./store.ts";
import type { Media, Message, OutboxEntry, Problem } from "./types.ts";
import type { Uploads } from "./uploads.ts";

const LOCK = "tidings-outbox";
/** Rooms that are sent to side by side. */
const ABREAST = 3;
/** Milliseconds after which a message that a page finds is not sent without being asked for. */
const OLD = 24 * 3_600_000;

/** Sends one message: what was stored, or a `ProblemError`. */
export type Deliver = (entry: OutboxEntry) => Promise<Message>;

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

  /** Shows what is in the storage: after a reload, and when another tab has written. */
  async load(): Promise<void> {
    const user = this.#store.me?.id;
    const all = await this.#platform.storage.all().catch(() => this.#store.outbox);
    const own = new Map(all.filter((entry) => entry.user_id === user && !this.#delivered.has(entry.client_id)).map((entry) => [entry.client_id, entry]));
    const known = new Map(this.#store.outbox.map((entry) => [entry.client_id, entry.state]));
    for (const entry of own.values()) {
      const before = known.get(entry.client_id);
      // A page that lies open knows its own: only what is found is too late to be meant.
      const late = before === undefined && this.#platform.now() - entry.submitted_at > OLD;
      if (pending(entry) && (late || before === "old")) own.set(entry.client_id, { ...entry, state: "old" });
    }
    // What is being written is newer than what was read; what was sent, or could not be written, is in no storage.
    for (const entry of this.#store.outbox) if (entry.state === "sent" || this.#writing.has(entry.client_id) || this.#unkept.has(entry.client_id)) own.set(entry.client_id, entry);
    this.#show([...own.values()]);
  }

  /** Messages the server has: a late look at the storage must not bring them back. */
  readonly #delivered = new Set<string>();
  readonly #writing = new Set<string>();
  /** Messages that the storage did not take: there is no place for a file. They are sent all the same, while the page lives. */
  readonly #unkept = new Set<string>();

  async submit(message: Pick<OutboxEntry, "room_id" | "body"> & Partial<Pick<OutboxEntry, "thread_root_id" | "format" | "client_id" | "files">>): Promise<OutboxEntry> {
    const user = this.#store.me;
    if (!user) throw new Error("submitting a message wants a session");
    this.#last = Math.max(this.#last + 1, this.#platform.now());
    const entry: OutboxEntry = { format: "markdown", ...message, client_id: message.client_id ?? this.#platform.id(), user_id: user.id, submitted_at: this.#last, state: "waiting" };
    this.#show([...this.#store.outbox, entry]);
    await this.#write(entry);
    this.flush();
    return entry;
  }

  /** Sends a message that failed once more. */
  async retry(clientId: string): Promise<void> {
    const entry = this.#find(clientId);
    if (!entry) return;
    const { problem: _, ...rest } = entry;
    await this.#change({ ...rest, state: "waiting" });
    this.flush();
  }

  /** Changes the text of a message that was never sent, or was refused. Whether it could be: after that only an edit of the stored message will do. */
  edit(clientId: string, body: string): Promise<boolean> {
    // No tab sends meanwhile.
    return this.#platform.exclusively(LOCK, 15_000, async () => {
      await this.load();
      const entry = this.#find(clientId);
      if (!entry || !["waiting", "failed", "old"].includes(entry.state)) return false;
      const { problem: _, ...rest } = entry;
      await this.#change({ ...rest, body, state: "waiting" });
      return true;
    }).then((changed) => {
      if (changed) this.flush();
      return changed;
    });
  }

  /** Gives up a message. If it was sent already it may be there all the same. */
  async drop(clientId: string): Promise<void> {
    for (const file of this.#find(clientId)?.files ?? []) this.#uploads.cancel(file.id);
    this.#show(this.#store.outbox.filter((entry) => entry.client_id !== clientId));
    await this.#remove(clientId);
  }

  /** The server has it; the row stays until the message comes in its place among the others. */
  async #confirmed(entry: OutboxEntry): Promise<void> {
    if (this.#delivered.has(entry.client_id)) return;
    this.#show(this.#store.outbox.map((one) => (one.client_id === entry.client_id ? { ...entry, state: "sent" } : one)));
    await this.#remove(entry.client_id);
  }

  /** The server has it, and it is among the messages. */
  async delivered(clientId: string): Promise<void> {
    this.#delivered.add(clientId);
    const entry = this.#find(clientId);
    if (!entry) return;
    for (const file of entry.files ?? []) this.#uploads.forget(file.id);
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
      const entry = this.#store.outbox.find((one) => one.room_id === room && pending(one));
      if (!entry || this.#closed || entry.user_id !== this.#store.me?.id) return;
      // Files first; what was written after them waits, so that the order stays.
      const lacking = entry.files?.filter((file) => !file.media) ?? [];
      if (lacking.length > 0) {
        for (const file of lacking) this.#uploads.resume(file, () => this.#lacks(file.id));
        return;
      }
      if (!this.#reachable()) return this.#wait(2_000);
      try {
        await this.#change({ ...entry, state: "unknown" });
        await this.#deliver(entry);
        await this.#confirmed(entry);
      } catch (error) {
        const problem = error instanceof ProblemError ? error : ProblemError.unreachable(String(error));
        // Without a session nothing is refused: it waits for the next one.
        if (problem.retryable || problem.status === 401 || problem.status === 429) {
          this.#wait(problem.retryAfter ?? 2_000);
          return;
        }
        await this.#change({ ...entry, state: "failed", problem: problem.problem });
      }
    }
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

  #withFile(id: string): OutboxEntry | undefined {
    return this.#store.outbox.find((entry) => entry.files?.some((file) => file.id === id));
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
    if (this.#delivered.has(entry.client_id)) await this.#platform.storage.remove(entry.client_id).catch(() => undefined);
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

function pending(entry: OutboxEntry): boolean {
  return entry.state === "waiting" || entry.state === "unknown";
}
