/** Everything together: what a program or an app uses. */
import { apply, putMessage, putRoom, reactedBy, type Wanted } from "./apply.ts";
import { agree, counted } from "./badge.ts";
import { Connection } from "./connection.ts";
import { Outbox } from "./outbox.ts";
import { deleted, isPost, unsent } from "./overlay.ts";
import { platform, type Platform } from "./platform.ts";
import { ProblemError } from "./problem.ts";
import { answer, rest, type Api } from "./rest.ts";
import { Sessions } from "./session.ts";
import { Store } from "./store.ts";
import type { Timeline } from "./timeline.ts";
import type { Account, EventFrame, Media, Message, Notification, OutboxChange, OutboxEntry, OutboxFile, OutboxPost, Page, Provider, Room, ServerFrame, Unread, User } from "./types.ts";
import { Uploads } from "./uploads.ts";
import { Watch } from "./watch.ts";

export interface Options {
  /** Where the server is, like `https://chat.example.org`. In a browser: the page's own origin. */
  url?: string;
  /** Where the refresh token lives: in a cookie (pages), or in the memory of the process. */
  refresh?: "cookie" | "memory";
  platform?: Partial<Platform>;
}

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
/** Frames above this many bytes go over REST. */
const LARGE = 48 * 1024;
/** Milliseconds between two markers of a room. */
const READ_EVERY = 2_000;
/** Milliseconds between two signs of typing, and after which one is over. */
const TYPING_EVERY = 3_000;
const TYPING_ENDS = 6_000;
/** Rooms whose messages are kept when they are not open. */
const KEPT_ROOMS = 20;
/** Pages that are read to meet what is held, and milliseconds until a failed reading is tried again. */
const FRESH_PAGES = 20;
const FRESH_AGAIN = 2_000;
/** Milliseconds between two countings of threads, and from an event to the next one. */
const COUNT_EVERY = 10_000;
const COUNT_SOON = 500;
/** Milliseconds after which the server's answer that little is left is too old to count. */
const SPARED = 60_000;
/** Threads of a room that are read. */
const THREADS = 100;

/** Makes a client. It connects when there is a session: `logIn`, or `restore` for the cookie's. */
export function connect(options: Options = {}): Client {
  return new Client(options);
}

export class Client {
  readonly store: Store;
  readonly sessions: Sessions;
  /** Every route of the API, typed. `answer(client.api.GET("/v1/rooms"))` throws what is refused. */
  readonly api: Api;
  readonly outbox: Outbox;
  readonly uploads: Uploads;
  readonly url: string;
  #sparedAt = -Infinity;
  readonly #platform: Platform;
  readonly #connection: Connection;
  readonly #watch: Watch;
  readonly #touched = new Map<string, number>();
  readonly #refetching = new Map<string, Promise<void>>();
  readonly #meanwhile = new Set<Meanwhile>();
  /** Around which message a timeline was opened last; of none: at its end. */
  readonly #asked = new Map<string, string | undefined>();
  readonly #open = new Map<string, number>();
  readonly #reading = new Map<string, { message: string; thread?: string | undefined }>();
  /** Markers that the server could not be told of. */
  readonly #unsaid = new Map<string, { room: string; message: string; thread?: string | undefined }>();
  readonly #readAt = new Map<string, number>();
  readonly #typed = new Map<string, number>();
  readonly #typingEnds = new Map<string, () => void>();
  #watched: string[] = [];
  /** How often the threads of a room have changed. */
  readonly #answered = new Map<string, number>();
  #countedAt = 0;
  #counting: (() => void) | undefined;

  constructor(options: Options) {
    this.url = (options.url ?? (typeof location === "undefined" ? "" : location.origin)).replace(/\/$/, "");
    this.#platform = platform(options.platform);
    this.store = new Store(this.#platform.soon);
    this.sessions = new Sessions(this.url, this.#platform, options.refresh === "cookie");
    this.api = rest(this.url, this.sessions, this.#platform, (spare) => {
      this.#sparedAt = spare ? -Infinity : this.#platform.now();
    });
    this.uploads = new Uploads(this.#platform, this.store, {
      ask: async (file, key) => {
        const made = await answer(this.api.POST("/v1/media", { params: { header: { "Idempotency-Key": key } }, body: file }));
        return { ...made, upload: { ...made.upload, url: this.link(made.upload.url) } };
      },
      complete: (media_id) => answer(this.api.POST("/v1/media/{media_id}/complete", { params: { path: { media_id } } })),
      remove: (media_id) => answer(this.api.DELETE("/v1/media/{media_id}", { params: { path: { media_id } } })),
    });
    this.outbox = new Outbox(this.#platform, this.store, this.uploads, (entry) => this.#deliver(entry), () => this.#connection.live || this.#platform.online());
    this.#connection = new Connection(this.#platform, {
      // Without cookies it goes over connections of its own: those of everything else may have died while the page slept.
      ticket: async () => (await answer(this.api.POST("/v1/ws-tickets", { credentials: "omit" }))).ticket,
      url: (ticket) => `${this.url.replace(/^http/, "ws")}/v1/ws?ticket=${encodeURIComponent(ticket)}`,
      sync: (position) => this.#sync(position),
      event: (frame) => this.#event(frame),
      reload: (room) => this.#reload(room),
      reset: () => this.store.timelines.forEach((timeline) => timeline.spoil()),
      live: (welcome) => {
        this.store.build = welcome.build;
        this.store.touch("build");
        this.#live(welcome.unread);
        void this.#compare(welcome.unread, welcome.position);
      },
      other: (frame) => this.#other(frame),
      status: (status) => {
        this.store.status = status;
        this.store.touch("status");
      },
      crowded: () => this.#watch.crowded(),
      sessionEnded: () => this.sessions.token(true).then(() => true, (error: unknown) => !(error instanceof ProblemError && error.status === 401)),
    });
    this.#watch = new Watch(this.#platform, () => this.#parked(), () => this.#connection.start());
    this.sessions.onChange = (state) => (state === "began" ? this.#began() : this.#ended(state));
  }

  // Sessions.

  logIn(login: string, password: string, code?: string): Promise<Account> {
    return this.sessions.logIn(login, password, code);
  }

  /** Who else one can log in with. Open to those without a session. */
  async providers(): Promise<Provider[]> {
    return ((await this.sessions.open("GET", "/v1/oidc")) as Page<Provider>).items;
  }

  /** Logs in with the code that a provider's way back has brought. It is not used up when a second factor is asked for. */
  logInByCode(code: string, verifier: string, secondFactor?: string): Promise<Account> {
    return this.sessions.logInByCode(code, verifier, secondFactor);
  }

  /** Makes an account, and logs in. */
  async register(account: { username: string; email: string; password: string; display_name?: string; invite?: string }): Promise<Account> {
    await this.sessions.open("POST", "/v1/users", account);
    return this.logIn(account.username, account.password);
  }

  /** Goes on with the browser's session, if there is one. */
  restore(): Promise<Account | undefined> {
    return this.sessions.restore();
  }

  /** Ends the session, and deletes everything that is kept of it. */
  async signOut(): Promise<void> {
    await this.sessions.leave();
  }

  /** Deletes everything that is kept of a session that the user has ended: with all others, or with the account. */
  forget(): void {
    this.sessions.forget();
  }

  /** Tries to connect at once. */
  reconnect(): void {
    this.#connection.now();
  }

  /** Lets go of everything: for programs that end. */
  close(): void {
    this.#watch.close();
    this.#connection.close();
    this.outbox.close();
    this.uploads.close();
    this.sessions.close();
    this.#counting?.();
    for (const cancel of this.#typingEnds.values()) cancel();
  }

  /** Whether the server answers enough more questions this minute that some may be asked on suspicion. Over 40 % must be left for what the user does. */
  get spare(): boolean {
    return this.#platform.now() - this.#sparedAt > SPARED;
  }

  /** Whether this is the tab that keeps watch for all of this browser: it shows notifications and makes sounds, and stays connected while it is hidden. */
  get leads(): boolean {
    return this.#watch.leads;
  }

  // Messages.

  /** Begins to upload a file. Gives the id under which the store tells how far it is (`upload:ID`), and for `send`. */
  upload(data: Blob, filename = "name" in data ? String(data.name) : "file"): string {
    return this.uploads.begin(data, filename);
  }

  /** Submits a message: it is shown at once, survives a reload, and is stored once. `files` are the ids of uploads: it is sent when they are done. */
  send(room: string, body: string, more: { thread?: string; format?: "plain" | "markdown"; files?: string[] } = {}): Promise<OutboxPost> {
    const files = (more.files ?? []).map((id) => this.store.uploads.get(id)?.file).filter((file): file is OutboxFile => file !== undefined);
    return this.outbox.submit({
      room_id: room, body, ...(more.thread ? { thread_root_id: more.thread } : {}), ...(more.format ? { format: more.format } : {}), ...(files.length > 0 ? { files } : {}),
    });
  }

  /** What a file's `url` is for this client. Signed paths are good under every name of the server, and pages may load from their own only. */
  link(url: string): string {
    const at = new URL(url, this.url || undefined);
    return at.pathname.startsWith("/media/media_") ? this.url + at.pathname + at.search : at.href;
  }

  /** A file with URLs that are good for an hour at least. */
  media(id: string): Promise<Media> {
    return answer(this.api.GET("/v1/media/{media_id}", { params: { path: { media_id: id } } }));
  }

  /** Changes the text of a message, or of one that is on its way (by its `client_id`): shown at once, kept over a reload, carried out once. */
  async edit(message: string, body: string): Promise<void> {
    if (await this.outbox.edit(message, body)) return;
    await this.#change("edit", message, { body });
  }

  /** Deletes a message, or drops one that was not sent yet (by its `client_id`). */
  async remove(message: string): Promise<void> {
    const waits = this.store.outbox.find((entry) => isPost(entry) && entry.client_id === message);
    if (waits && unsent(waits)) await this.outbox.drop(message);
    else await this.#change("delete", message);
  }

  /** Reacts, or takes a reaction back: shown at once, kept over a reload, carried out once. */
  async react(message: string, emoji: string, on: boolean): Promise<void> {
    await this.#change(on ? "react" : "unreact", message, { emoji });
  }

  /** What is not held is of a room that is not known: it waits for nothing else then. */
  #change(kind: OutboxChange["kind"], message: string, more: { body?: string; emoji?: string } = {}): Promise<OutboxChange> {
    const waits = this.store.outbox.find((entry) => entry.client_id === message);
    const room = waits?.room_id ?? this.store.messages.get(this.outbox.stored(message) ?? message)?.room_id;
    return this.outbox.change({ kind, message_id: message, room_id: room ?? "", ...more });
  }

  /** Says that everything up to a message has been read: at most once in two seconds a room, the newest. */
  read(room: string, message: string, thread?: string): void {
    const key = thread ?? room;
    const waits = this.#reading.has(key);
    this.#reading.set(key, { message, thread });
    if (waits) return;
    const wait = Math.max(0, (this.#readAt.get(key) ?? 0) + READ_EVERY - this.#platform.now());
    this.#platform.later(wait, () => void this.#sendRead(room, key));
  }

  async #sendRead(room: string, key: string): Promise<void> {
    const marker = this.#reading.get(key);
    this.#reading.delete(key);
    if (!marker) return;
    this.#unsaid.delete(key);
    this.#readAt.set(key, this.#platform.now());
    const { message, thread } = marker;
    const frame = { type: "read", room_id: room, message_id: message, ...(thread ? { thread_root_id: thread } : {}) };
    const byRest = () => (thread
      ? this.request("PUT", `/v1/messages/${thread}/thread/read`, { message_id: message })
      : this.api.PUT("/v1/rooms/{room_id}/read", { params: { path: { room_id: room } }, body: { message_id: message } }));
    await this.#ask(frame, byRest).catch((error: unknown) => {
      // It is said when there is a connection again, unless there is a newer one by then.
      if (!(error instanceof ProblemError) || error.retryable) this.#unsaid.set(key, { room, ...marker });
    });
  }

  /** Says that the user is typing; call it with every key. */
  typing(room: string, thread?: string): void {
    const key = thread ?? room;
    const now = this.#platform.now();
    if (now - (this.#typed.get(key) ?? 0) < TYPING_EVERY) return;
    this.#typed.set(key, now);
    this.#connection.tell({ type: "typing", room_id: room, active: true, ...(thread ? { thread_root_id: thread } : {}) });
  }

  /** Wants to know of some users whether they are there; replaces those of the last call. */
  watchPresence(users: string[]): void {
    this.#watched = [...new Set(users)].sort().slice(0, 200);
    this.#connection.tell({ type: "watch_presence", user_ids: this.#watched });
  }

  /** Says what the user is to others. `away` is said of this device, and `online` takes that back; else it is for all of their devices, until the last one is gone. A text that is left out stays, an empty one goes. */
  setPresence(status: "online" | "away" | "dnd" | "invisible", text?: string): void {
    this.#connection.tell({ type: "presence", status, ...(text === undefined ? {} : { text: text || null }) });
  }

  // What is read.

  /**
   * Opens a timeline (`room`, or `room/root` for a thread) at its end or around a message, and keeps it fresh until it is closed. What is held is shown at once.
   * The last place that was asked for is the one that is shown, however late the others are answered.
   */
  async open(key: string, at?: string): Promise<void> {
    // The least recently opened first.
    const times = this.#open.get(key) ?? 0;
    this.#open.delete(key);
    this.#open.set(key, times + 1);
    // What was asked for before may take long: it is not waited for.
    if (this.#asked.has(key) && this.#asked.get(key) !== at) this.#loading.delete(key);
    this.#asked.set(key, at);
    const timeline = this.store.timeline(key);
    if (timeline.show(at)) return;
    await this.#load(timeline, at ? { around: at } : {}, true);
  }

  /** The timeline is not on show any more. Only the latest ones are kept. */
  shut(key: string): void {
    this.#open.set(key, Math.max(0, (this.#open.get(key) ?? 1) - 1));
    const shut = [...this.#open].filter(([, times]) => times === 0).map(([one]) => one);
    for (const old of shut.slice(0, Math.max(0, shut.length - KEPT_ROOMS))) {
      this.#open.delete(old);
      this.#asked.delete(old);
      this.store.timelines.delete(old);
      for (const message of [...this.store.messages.values()]) {
        if (message.room_id === old && !message.thread_root_id) this.store.messages.delete(message.id);
      }
    }
  }

  /** Reads the page before what is shown. */
  async older(key: string): Promise<void> {
    const timeline = this.store.timeline(key);
    await this.#load(timeline, () => (timeline.view().atStart ? undefined : { before: timeline.ids[0] }), true);
    this.#trim(timeline, "end");
  }

  /** Reads the page behind what is shown. */
  async newer(key: string): Promise<void> {
    const timeline = this.store.timeline(key);
    await this.#load(timeline, () => (timeline.view().atEnd ? undefined : { after: timeline.ids.at(-1) }), true);
    this.#trim(timeline, "start");
  }

  /** The reader of a timeline is at its end: what is far above is let go of. `older` and `newer` do it by themselves. */
  trim(key: string): void {
    this.#trim(this.store.timeline(key), "start");
  }

  /** Reads the members of a room into the store. */
  async members(room: string): Promise<void> {
    const items = await this.all((cursor) => answer(this.api.GET("/v1/rooms/{room_id}/members", { params: { path: { room_id: room }, query: { limit: 200, ...cursor }, header: this.#fresh() } })));
    for (const member of items) this.#user(member.user);
    this.store.members.set(room, { items, stale: false });
    this.store.touch(`members:${room}`);
  }

  /** Reads the threads of a room into the store, the newest answer first. */
  async threads(room: string): Promise<void> {
    const before = this.#answered.get(room);
    const page = await answer(this.api.GET("/v1/rooms/{room_id}/threads", { params: { path: { room_id: room }, query: { limit: THREADS }, header: this.#fresh() } }));
    for (const thread of page.items) this.#message(thread.root);
    // What came in between may or may not be in it.
    this.store.threads.set(room, { items: page.items, stale: this.#answered.get(room) !== before });
    this.store.touch(`threads:${room}`);
  }

  async user(id: string): Promise<User> {
    const user = await answer(this.api.GET("/v1/users/{user_id}", { params: { path: { user_id: id } } }));
    this.#user(user);
    return user;
  }

  /** Reads a room's document: after a change of one's own, or when an event does not say enough. */
  refresh(room: string): Promise<void> {
    const running = this.#refetching.get(room);
    if (running) return running;
    const work = this.#readRoom(room).finally(() => this.#refetching.delete(room));
    this.#refetching.set(room, work);
    return work;
  }

  /** A route that the generated types do not know yet. */
  async request<T = unknown>(method: string, path: string, body?: unknown): Promise<{ data: T; response: Response }> {
    const send = this.api as unknown as Record<string, (path: string, init: unknown) => Promise<{ data?: T; error?: unknown; response: Response }>>;
    const result = send[method]?.(path, body === undefined ? {} : { body });
    if (!result) throw new Error(`no such method: ${method}`);
    const data = (await answer(result)) as T;
    return { data, response: (await result).response };
  }

  /** All items of a list. */
  async all<T>(page: (cursor: { cursor?: string }) => Promise<Page<T>>): Promise<T[]> {
    const items: T[] = [];
    let cursor: string | null | undefined;
    do {
      const one = await page(cursor ? { cursor } : {});
      items.push(...one.items);
      cursor = one.next_cursor;
    } while (cursor);
    return items;
  }

  // Inside.

  #began(): void {
    const before = this.store.me;
    const user = this.sessions.user;
    if (before && user && before.id !== user.id) this.#wipe();
    this.store.me = user;
    this.store.touch("me");
    void this.outbox.begin();
    this.#connection.start();
    this.#watch.start();
  }

  #parked(): void {
    this.#connection.stop();
    this.store.status = { phase: "parked" };
    this.store.touch("status");
  }

  #ended(how: "ended" | "left"): void {
    this.#watch.stop();
    this.#connection.stop();
    if (how === "left") this.#wipe();
    this.store.status = { phase: "signedOut", reason: how };
    this.store.touch("status");
  }

  #wipe(): void {
    this.uploads.clear();
    this.#connection.forget();
    this.#open.clear();
    this.#touched.clear();
    this.#unsaid.clear();
    this.store.clear();
    void this.#platform.storage.wipe().catch(() => undefined);
  }

  async #sync(position: string): Promise<void> {
    // What was read before is of no known place: something may have come between it and this one.
    for (const timeline of this.store.timelines.values()) timeline.spoil();
    const header = { "Tidings-Min-Position": position };
    const [rooms, inbox] = await Promise.all([
      this.all<Room>((cursor) => answer(this.api.GET("/v1/rooms", { params: { query: { limit: 200, ...cursor }, header } }))),
      answer(this.api.GET("/v1/notifications", { params: { query: { limit: 100 }, header } })),
    ]);
    const mine = new Set(rooms.map((room) => room.id));
    for (const room of this.store.rooms.values()) if (!mine.has(room.id) && room.membership) this.#gone(room.id);
    for (const room of rooms) this.#room(room);
    this.store.notifications.clear();
    for (const one of inbox.items as Notification[]) this.store.notifications.set(one.id, one);
    this.store.touch("notifications", "rooms");
  }

  #live(unread: Unread | null | undefined): void {
    this.uploads.wake();
    this.outbox.flush();
    for (const [key, { room, message, thread }] of this.#unsaid) if (!this.#reading.has(key)) this.read(room, message, thread);
    if (unread) this.#counted(unread);
    else this.#count();
    if (this.#watched.length > 0) this.watchPresence(this.#watched);
    for (const timeline of this.store.timelines.values()) if (timeline.stale && this.#open.get(timeline.key)) void this.#freshen(timeline);
  }

  /** One truth for every badge: where the server has counted otherwise at the same place of the log, it is right. */
  async #compare(unread: Unread | null | undefined, position: string): Promise<void> {
    await Promise.allSettled(this.#refetching.values());
    const held = counted(this.store.rooms.values(), true);
    if (!unread || this.#connection.position !== position || agree(held, unread)) return;
    console.warn(`tidings: ${JSON.stringify(held)} counted as unread, and the server has ${JSON.stringify(unread)}`);
    void this.#recount().catch(() => undefined);
  }

  async #recount(): Promise<void> {
    const rooms = await this.all<Room>((cursor) => answer(this.api.GET("/v1/rooms", { params: { query: { limit: 200, ...cursor }, header: this.#fresh() } })));
    for (const room of rooms) {
      const held = this.store.rooms.get(room.id);
      // What came in between is for the room's own reading to find out.
      if (!held || !agree(counted([held], true), counted([room], true))) await this.refresh(room.id);
    }
  }

  #event(frame: EventFrame): void {
    const room = frame.room_id;
    if (room) this.#touched.set(room, (this.#touched.get(room) ?? 0) + 1);
    if (frame.event === "message.posted") {
      const message = frame.data as Message;
      const keys = [message.room_id, `${message.room_id}/${message.thread_root_id}`];
      for (const reading of this.#meanwhile) if (keys.includes(reading.key)) reading.posted.push(message.id);
      if (room) this.#typedBy(room, message.sender.id, false);
    } else if (room && /^(message|reaction)\./.test(frame.event)) {
      for (const { key, changed } of this.#meanwhile) if (key.split("/")[0] === room) changed.push(frame);
    }
    this.#fetch(apply(this.store, frame));
    this.outbox.told(frame);
    if (room && (frame.data as { thread_root_id?: string | null } | null)?.thread_root_id) this.#threadsChanged(room, frame.event.startsWith("thread."));
  }

  /** Answers, or what the user has done with them. */
  #threadsChanged(room: string, own: boolean): void {
    this.#answered.set(room, (this.#answered.get(room) ?? 0) + 1);
    const held = this.store.threads.get(room);
    if (held) {
      this.store.threads.set(room, { ...held, stale: true });
      this.store.touch(`threads:${room}`);
    }
    this.#count(own);
  }

  /** Asks how many threads have something unread: only the server knows which ones the user follows. */
  #count(atOnce = false): void {
    if (atOnce) this.#counting?.();
    else if (this.#counting) return;
    const wait = atOnce ? COUNT_SOON : Math.max(COUNT_SOON, this.#countedAt + COUNT_EVERY - this.#platform.now());
    this.#counting = this.#platform.later(wait, () => {
      this.#counting = undefined;
      this.#countedAt = this.#platform.now();
      if (this.#connection.live) answer(this.api.GET("/v1/users/me/unread", { params: { header: this.#fresh() } })).then((unread) => this.#counted(unread), () => undefined);
    });
  }

  #counted(unread: Unread): void {
    this.store.unreadThreads = unread.threads;
    this.store.touch("unread");
  }

  #fetch(wanted: Wanted): void {
    if (wanted.delivered) void this.outbox.delivered(wanted.delivered.client_id, wanted.delivered.id);
    if (wanted.gone) this.#gone(wanted.gone);
    if (wanted.room) void this.refresh(wanted.room).catch(() => undefined);
  }

  #other(frame: ServerFrame): void {
    const other = frame as unknown as { type: string; room_id: string; thread_root_id?: string; user_id: string; active: boolean; status: "online" | "away" | "dnd" | "offline"; text?: string; last_seen_at?: string };
    if (other.type === "typing") this.#typedBy(other.thread_root_id ? `${other.room_id}/${other.thread_root_id}` : other.room_id, other.user_id, other.active);
    if (other.type === "presence") {
      this.store.presence.set(other.user_id, { status: other.status, text: other.text, last_seen_at: other.last_seen_at });
      this.store.touch(`presence:${other.user_id}`);
    }
  }

  #typedBy(key: string, user: string, active: boolean): void {
    const before = this.store.typing.get(key) ?? [];
    if (!active && !before.includes(user)) return;
    this.#typingEnds.get(key + user)?.();
    this.#typingEnds.delete(key + user);
    if (active) this.#typingEnds.set(key + user, this.#platform.later(TYPING_ENDS, () => this.#typedBy(key, user, false)));
    if (active && before.includes(user)) return;
    this.store.typing.set(key, active ? [...before, user] : before.filter((one) => one !== user));
    this.store.touch(`typing:${key}`);
  }

  /** Something of the room may have been missed. */
  #reload(room: string): void {
    for (const timeline of this.store.timelines.values()) {
      if (timeline.room !== room) continue;
      timeline.spoil();
      if (this.#open.get(timeline.key) && this.#connection.live) void this.#freshen(timeline);
    }
    void this.refresh(room).catch(() => undefined);
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
        if (this.#connection.live && timeline.shownStale && this.#open.get(timeline.key)) void this.#freshen(timeline);
      });
    }
  }

  /** The oldest message of the page that was read last. */
  readonly #checkedFrom = new Map<string, string>();

  #gone(room: string): void {
    const held = this.store.rooms.get(room);
    if (held) putRoom(this.store, { ...held, membership: null });
    for (const key of [...this.store.timelines.keys()]) {
      if (key === room || key.startsWith(`${room}/`)) {
        this.store.timelines.delete(key);
        this.store.touch(`timeline:${key}`);
      }
    }
  }

  #fresh(): { "Tidings-Min-Position"?: string } {
    return this.#connection.seen ? { "Tidings-Min-Position": this.#connection.seen } : {};
  }

  async #readRoom(room: string): Promise<void> {
    for (let tries = 0; tries < 5; tries++) {
      const before = this.#touched.get(room);
      const asked = this.api.GET("/v1/rooms/{room_id}", { params: { path: { room_id: room }, header: this.#fresh() } });
      const { data, response } = await asked;
      // An event came in between: the document may or may not have it.
      if (this.#touched.get(room) !== before && tries < 4) continue;
      if (response.status === 404) {
        if (this.store.rooms.delete(room)) this.store.touch("rooms", `room:${room}`);
        return;
      }
      if (!data) throw await ProblemError.of(response, (await asked).error);
      this.#room(data);
      return;
    }
  }

  #room(room: Room): void {
    if (room.last_message) this.#message(room.last_message);
    putRoom(this.store, room);
  }

  #user(user: User): void {
    this.store.users.set(user.id, user);
    this.store.touch(`user:${user.id}`);
  }

  #message(message: Message): void {
    putMessage(this.store, message);
    if (message.client_id && message.sender.id === this.store.me?.id) void this.outbox.delivered(message.client_id, message.id);
  }

  #trim(timeline: Timeline, side: "start" | "end"): void {
    for (const id of timeline.trim(side)) {
      // The root of a thread that is held is shown with it.
      if (!this.store.timelines.has(`${timeline.room}/${id}`)) this.store.messages.delete(id);
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

  readonly #loading = new Map<string, Promise<void>>();

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
    for (const frame of meanwhile.changed) apply(this.store, frame);
    for (const id of meanwhile.posted) this.#append(timeline, id);
    if (timeline.spoiled === spoiled) return;
    // It was asked for before the place of the log that all else is of: something may have come in between.
    timeline.spoil();
    if (this.#connection.live && this.#open.get(timeline.key)) void this.#freshen(timeline);
  }

  async #takePage(timeline: Timeline, at: At, show: boolean, wanted: () => boolean): Promise<void> {
    const threads = timeline.root ? { thread: timeline.root } : { threads: false };
    const query = { ...at, ...threads, limit: PAGE };
    const page = await answer(this.api.GET("/v1/rooms/{room_id}/messages", { params: { path: { room_id: timeline.room }, query, header: this.#fresh() } }));
    const messages = page.items;
    // Of a message that was deleted while we asked the event has told, and it wins.
    for (const message of messages) if (!this.store.messages.get(message.id)?.deleted_at || message.deleted_at) this.#message(message);
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
      const before = at.after ? this.store.messages.get(at.after) : undefined;
      const behind = at.before ? this.store.messages.get(at.before) : undefined;
      timeline.put({ messages: [...(before ? [before] : []), ...messages, ...(behind ? [behind] : [])], atStart, atEnd }, show && wanted());
    }
    const oldest = messages[0];
    if (oldest) this.#checkedFrom.set(timeline.key, oldest.id);
  }

  #append(timeline: Timeline, id: string): void {
    const message = this.store.messages.get(id);
    if (message && (message.thread_root_id ?? undefined) === timeline.root) timeline.append(id);
  }

  async #deliver(entry: OutboxEntry): Promise<Message | undefined> {
    if (!isPost(entry)) return this.#carryOut(entry);
    const { room_id, client_id, body, format, thread_root_id } = entry;
    const attachments = entry.files?.flatMap((file) => file.media?.id ?? []);
    const content = { client_id, body, format, ...(thread_root_id ? { thread_root_id } : {}), ...(attachments ? { attachments } : {}) };
    const byRest = () => this.api.POST("/v1/rooms/{room_id}/messages", { params: { path: { room_id } }, body: content });
    return (await this.#ask({ type: "post", room_id, ...content }, byRest)) as Message;
  }

  /** Does what was done to a message, and puts it in its place: its event may come much later. */
  async #carryOut({ kind, message_id, body = "", emoji = "" }: OutboxChange): Promise<undefined> {
    const path = { message_id };
    if (kind === "edit") {
      const changed = (await this.#ask({ type: "edit", message_id, body }, () => this.api.PATCH("/v1/messages/{message_id}", { params: { path }, body: { body } }))) as Message | null;
      const held = this.store.messages.get(message_id);
      if (changed && held && !held.deleted_at) putMessage(this.store, { ...held, body: changed.body, edited_at: changed.edited_at });
    } else if (kind === "delete") {
      await this.#ask({ type: "delete", message_id }, () => this.api.DELETE("/v1/messages/{message_id}", { params: { path } }));
      const held = this.store.messages.get(message_id);
      if (held && !held.deleted_at) this.#fetch(apply(this.store, { type: "event", event: "message.deleted", room_id: held.room_id, position: held.position, data: deleted(held, new Date(this.#platform.now()).toISOString()) } as EventFrame));
    } else {
      const on = kind === "react";
      await this.#ask({ type: kind, message_id, emoji }, () => this.request(on ? "PUT" : "DELETE", `/v1/messages/${message_id}/reactions/${encodeURIComponent(emoji)}`));
      reactedBy(this.store, message_id, emoji, on);
    }
  }

  /** By the socket when it is live, else over REST. */
  async #ask(frame: Record<string, unknown>, byRest: () => Promise<{ data?: unknown; error?: unknown; response: Response }>): Promise<unknown> {
    if (!this.#connection.live || JSON.stringify(frame).length > LARGE) return answer(byRest());
    return this.#connection.ask(frame);
  }
}
