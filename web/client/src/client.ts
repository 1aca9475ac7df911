/** Everything together: what a program or an app uses. */
import { apply } from "./apply.ts";
import { Commands } from "./commands.ts";
import { Connection } from "./connection.ts";
import { History } from "./history.ts";
import { Markers } from "./markers.ts";
import { Outbox } from "./outbox.ts";
import { isPost, unsent } from "./overlay.ts";
import { platform, type Platform } from "./platform.ts";
import { Presence } from "./presence.ts";
import { ProblemError } from "./problem.ts";
import { answer, rest, type Api } from "./rest.ts";
import { Rooms } from "./rooms.ts";
import { all, Server } from "./server.ts";
import { Sessions } from "./session.ts";
import { Store } from "./store.ts";
import { Threads } from "./threads.ts";
import type { Account, EventFrame, Media, Message, OutboxChange, OutboxEntry, OutboxFile, OutboxPost, Page, Provider, Unread, User } from "./types.ts";
import { Uploads } from "./uploads.ts";
import { Watch } from "./watch.ts";

export interface Options {
  /** Where the server is, like `https://chat.example.org`. In a browser: the page's own origin. */
  url?: string;
  /** Where the refresh token lives: in a cookie (pages), or in the memory of the process. */
  refresh?: "cookie" | "memory";
  platform?: Partial<Platform>;
}

/** Milliseconds after which the server's answer that little is left is too old to count. */
const SPARED = 60_000;

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
  readonly #server: Server;
  readonly #rooms: Rooms;
  readonly #threads: Threads;
  readonly #history: History;
  readonly #markers: Markers;
  readonly #presence: Presence;
  readonly #watch: Watch;

  constructor(options: Options) {
    this.url = (options.url ?? (typeof location === "undefined" ? "" : location.origin)).replace(/\/$/, "");
    const given = (this.#platform = platform(options.platform));
    const store = (this.store = new Store(given.soon));
    this.sessions = new Sessions(this.url, given, options.refresh === "cookie");
    this.api = rest(this.url, this.sessions, given, (spare) => {
      this.#sparedAt = spare ? -Infinity : given.now();
    });
    this.#connection = this.#connecting();
    const server = (this.#server = new Server(this.api, this.#connection));
    this.#rooms = new Rooms(store, server, (client_id, id) => void this.outbox.delivered(client_id, id));
    this.#threads = new Threads(given, store, server, this.#rooms);
    this.#history = new History(given, store, server, this.#rooms);
    this.#markers = new Markers(given, server);
    this.#presence = new Presence(given, store, server);
    this.uploads = this.#uploading();
    const commands = new Commands(given, store, server, (frame) => this.#apply(frame));
    const deliver = (entry: OutboxEntry) => commands.deliver(entry).catch((error: unknown) => {
      store.refused(error);
      throw error;
    });
    this.outbox = new Outbox(given, store, this.uploads, deliver, () => server.live || given.online());
    this.#watch = new Watch(given, () => this.#parked(), () => this.#connection.start());
    this.sessions.onChange = (state) => (state === "began" ? this.#began() : this.#ended(state));
  }

  #connecting(): Connection {
    return new Connection(this.#platform, {
      // Without cookies it goes over connections of its own: those of everything else may have died while the page slept.
      ticket: async () => (await answer(this.api.POST("/v1/ws-tickets", { credentials: "omit" }))).ticket,
      url: (ticket) => `${this.url.replace(/^http/, "ws")}/v1/ws?ticket=${encodeURIComponent(ticket)}`,
      sync: (position) => this.#rooms.sync(position),
      event: (frame) => this.#event(frame),
      reload: (room) => {
        this.#history.reload(room);
        void this.refresh(room).catch(() => undefined);
      },
      reset: () => this.store.timelines.forEach((timeline) => timeline.spoil()),
      live: (welcome) => {
        this.store.build = welcome.build;
        this.store.touch("build");
        this.#live(welcome.unread);
        void this.#rooms.compare(welcome.unread, welcome.position);
      },
      other: (frame) => this.#presence.heard(frame),
      status: (status) => {
        this.store.status = status;
        this.store.touch("status");
      },
      crowded: () => this.#watch.crowded(),
      sessionEnded: () => this.sessions.token(true).then(() => true, (error: unknown) => !(error instanceof ProblemError && error.status === 401)),
    });
  }

  #uploading(): Uploads {
    return new Uploads(this.#platform, this.store, {
      ask: async (file, key) => {
        const made = await answer(this.api.POST("/v1/media", { params: { header: { "Idempotency-Key": key } }, body: file }));
        return { ...made, upload: { ...made.upload, url: this.link(made.upload.url) } };
      },
      complete: (media_id) => answer(this.api.POST("/v1/media/{media_id}/complete", { params: { path: { media_id } } })),
      remove: (media_id) => answer(this.api.DELETE("/v1/media/{media_id}", { params: { path: { media_id } } })),
    });
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

  /** Ends the session, and deletes everything that is kept of it. Gives the id of a session that the server could not be told of: `settle` ends it there later. */
  signOut(): Promise<string | undefined> {
    return this.sessions.leave();
  }

  /** Ends a session on the server that was left without it. */
  settle(session: string): Promise<void> {
    return this.sessions.settle(session);
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
    this.#threads.close();
    this.#presence.close();
  }

  /** Whether the server answers enough more questions this minute that some may be asked on suspicion. Over 40 % must be left for what the user does. */
  get spare(): boolean {
    return this.#platform.now() - this.#sparedAt > SPARED;
  }

  /** Whether this is the tab that keeps watch for all of this browser: it shows notifications and makes sounds, and stays connected while it is hidden. */
  get leads(): boolean {
    return this.#watch.leads;
  }

  /** Something has happened that the user is to be told of: whether this tab tells it. When the one that keeps watch is frozen another one does, a few seconds later. */
  keepsWatch(): Promise<boolean> {
    return this.#watch.wanted();
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
    this.#markers.read(room, message, thread);
  }

  /** Says that the user is typing; call it with every key. */
  typing(room: string, thread?: string): void {
    this.#presence.typing(room, thread);
  }

  /** Wants to know of some users whether they are there; replaces those of the last call. */
  watchPresence(users: string[]): void {
    this.#presence.watch(users);
  }

  /** Says what the user is to others. `away` is said of this device, and `online` takes that back; else it is for all of their devices, until the last one is gone. A text that is left out stays, an empty one goes. */
  setPresence(status: "online" | "away" | "dnd" | "invisible", text?: string): void {
    this.#presence.set(status, text);
  }

  // What is read.

  /**
   * Opens a timeline (`room`, or `room/root` for a thread) at its end or around a message, and keeps it fresh until it is closed. What is held is shown at once.
   * The last place that was asked for is the one that is shown, however late the others are answered.
   */
  open(key: string, at?: string): Promise<void> {
    return this.#history.open(key, at);
  }

  /** Reads the end of a timeline that will probably be opened. Of one that is open, or held, nothing changes. */
  prefetch(key: string): Promise<void> {
    return this.#history.prefetch(key);
  }

  /** The timeline is not on show any more. Only the latest ones are kept. */
  shut(key: string): void {
    this.#history.shut(key);
  }

  /** Reads the page before what is shown. */
  older(key: string): Promise<void> {
    return this.#history.older(key);
  }

  /** Reads the page behind what is shown. */
  newer(key: string): Promise<void> {
    return this.#history.newer(key);
  }

  /** The reader of a timeline is at its end: what is far above is let go of. `older` and `newer` do it by themselves. */
  trim(key: string): void {
    this.#history.trim(key);
  }

  /** Reads the members of a room into the store. */
  members(room: string): Promise<void> {
    return this.#rooms.members(room);
  }

  /** Reads the threads of a room into the store, the newest answer first. */
  threads(room: string): Promise<void> {
    return this.#threads.read(room);
  }

  user(id: string): Promise<User> {
    return this.#rooms.user(id);
  }

  /** Reads a room's document: after a change of one's own, or when an event does not say enough. */
  refresh(room: string): Promise<void> {
    return this.#rooms.refresh(room);
  }

  /** Leaves a room. */
  leave(room: string): Promise<void> {
    return this.#rooms.leave(room);
  }

  /** A route that the generated types do not know yet. */
  request<T = unknown>(method: string, path: string, body?: unknown): Promise<{ data: T; response: Response }> {
    return this.#server.request<T>(method, path, body);
  }

  /** All items of a list. */
  all<T>(page: (cursor: { cursor?: string }) => Promise<Page<T>>): Promise<T[]> {
    return all(page);
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
    this.#history.clear();
    this.#rooms.clear();
    this.#markers.clear();
    this.store.clear();
    void this.#platform.storage.wipe().catch(() => undefined);
  }

  #live(unread: Unread | null | undefined): void {
    this.uploads.wake();
    this.outbox.flush();
    this.#markers.again();
    this.#threads.live(unread);
    this.#presence.again();
    this.#history.again();
  }

  #event(frame: EventFrame): void {
    const room = frame.room_id;
    if (room) this.#rooms.touch(room);
    this.#history.heard(frame);
    if (room && frame.event === "message.posted") this.#presence.typedBy(room, (frame.data as Message).sender.id, false);
    this.#apply(frame);
    this.outbox.told(frame);
    if (room && (frame.data as { thread_root_id?: string | null } | null)?.thread_root_id) this.#threads.changed(room, frame.event.startsWith("thread."));
  }

  /** Puts an event into the store, and does what it asks for. */
  #apply(frame: EventFrame): void {
    const wanted = apply(this.store, frame);
    if (wanted.delivered) void this.outbox.delivered(wanted.delivered.client_id, wanted.delivered.id);
    if (wanted.gone) this.#rooms.gone(wanted.gone.room, wanted.gone.banned);
    if (wanted.room) void this.refresh(wanted.room).catch(() => undefined);
  }
}
