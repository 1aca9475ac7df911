/** One normalized store. What is read out of it never changes in place: a change is another object, so that `===` tells. */
import { counted } from "./badge.ts";
import { Overlay } from "./overlay.ts";
import { ProblemError } from "./problem.ts";
import type { Account, LostRoom, Member, Message, Notification, OutboxChange, OutboxEntry, Room, Status, Thread, Unread, UploadView, User } from "./types.ts";
import { Timeline, type TimelineView } from "./timeline.ts";

/** What can be subscribed to; those with a colon name one thing, like `room:room_1`. */
export type Key =
  | "me" | "rooms" | "notifications" | "unread" | "status" | "outbox" | "build" | "unverified"
  | `room:${string}` | `user:${string}` | `message:${string}` | `timeline:${string}` | `members:${string}` | `markers:${string}` | `typing:${string}` | `presence:${string}` | `upload:${string}` | `threads:${string}` | `changes:${string}` | `lost:${string}`;

export interface MembersView {
  items: Member[];
  /** They may have changed since they were read. */
  stale: boolean;
  /** When they were read, in milliseconds since 1970. Of a room that all users belong to the server does not tell who is new. */
  at: number;
}

export interface PresenceView {
  status: "online" | "away" | "dnd" | "offline";
  text?: string | null;
  last_seen_at?: string | null;
}

/** The threads of a room, the newest answer first. */
export interface ThreadsView {
  items: Thread[];
  /** They may have changed since they were read. */
  stale: boolean;
}

/** A room as far as it is known without the reader's part. */
type Read<K extends Key> =
  K extends "me" ? Account | undefined
  : K extends "rooms" ? Room[]
  : K extends "notifications" ? Notification[]
  : K extends "unread" ? Unread
  : K extends "status" ? Status
  : K extends "outbox" ? OutboxEntry[]
  : K extends "build" ? string | undefined
  : K extends "unverified" ? boolean
  : K extends `room:${string}` ? Room | undefined
  : K extends `user:${string}` ? User | undefined
  : K extends `message:${string}` ? Message | undefined
  : K extends `timeline:${string}` ? TimelineView
  : K extends `members:${string}` ? MembersView | undefined
  : K extends `markers:${string}` ? ReadonlyMap<string, string>
  : K extends `typing:${string}` ? string[]
  : K extends `presence:${string}` ? PresenceView | undefined
  : K extends `upload:${string}` ? UploadView | undefined
  : K extends `threads:${string}` ? ThreadsView | undefined
  : K extends `changes:${string}` ? readonly OutboxChange[]
  : K extends `lost:${string}` ? LostRoom | undefined
  : never;

const NO_MARKERS: ReadonlyMap<string, string> = new Map();
const NO_ONE: string[] = [];

export class Store {
  readonly users = new Map<string, User>();
  readonly rooms = new Map<string, Room>();
  readonly messages = new Map<string, Message>();
  readonly members = new Map<string, MembersView>();
  readonly markers = new Map<string, Map<string, string>>();
  readonly notifications = new Map<string, Notification>();
  readonly presence = new Map<string, PresenceView>();
  readonly typing = new Map<string, string[]>();
  readonly timelines = new Map<string, Timeline>();
  readonly uploads = new Map<string, UploadView>();
  readonly threads = new Map<string, ThreadsView>();
  readonly lost = new Map<string, LostRoom>();
  /** Threads with something unread, as the server counted them last. */
  unreadThreads = 0;
  outbox: OutboxEntry[] = [];
  readonly overlay = new Overlay();
  me: Account | undefined;
  status: Status = { phase: "signedOut" };
  /** The build of the server, as it greeted last: another one than before means that the page is older than the server. */
  build: string | undefined;
  /** The server has said that those whose address is not verified may only read. */
  #readOnly = false;
  readonly #soon: (work: () => void) => void;
  readonly #listeners = new Map<Key, Set<() => void>>();
  readonly #changed = new Set<Key>();
  #rooms: Room[] | undefined;
  #notifications: Notification[] | undefined;
  #unread: Unread | undefined;

  constructor(soon: (work: () => void) => void) {
    this.#soon = soon;
  }

  /** What is held under a key now; the same object until it changes. */
  get<K extends Key>(key: K): Read<K> {
    return this.#get(key) as Read<K>;
  }

  /** Calls back, at most once a frame, when what is held under `key` has changed. Gives what ends it. */
  subscribe(key: Key, changed: () => void): () => void {
    const all = this.#listeners.get(key) ?? new Set();
    this.#listeners.set(key, all.add(changed));
    return () => {
      all.delete(changed);
      if (all.size === 0 && this.#listeners.get(key) === all) this.#listeners.delete(key);
    };
  }

  /** Says that what stands under some keys has changed. */
  touch(...keys: Key[]): void {
    if (keys.length === 0) return;
    if (this.#changed.size === 0) this.#soon(() => this.#tell());
    for (const key of keys) {
      this.#changed.add(key);
      if (key === "rooms" || key.startsWith("room:")) {
        this.#rooms = this.#unread = undefined;
        this.#changed.add("rooms").add("unread");
      }
      if (key === "unread") this.#unread = undefined;
      if (key === "notifications") {
        this.#notifications = this.#unread = undefined;
        this.#changed.add("unread");
      }
      if (key === "outbox") this.#laidOver();
      if (key === "me") this.#changed.add("unverified");
    }
  }

  /** Takes from a refusal what the server tells in no other way. */
  refused(error: unknown): void {
    if (!(error instanceof ProblemError) || error.code !== "not_verified" || this.#readOnly) return;
    this.#readOnly = true;
    this.touch("unverified");
  }

  /** A message as the user has left it, which the server may not know yet. */
  shown(id: string): Message | undefined {
    const message = this.messages.get(id);
    return message && this.overlay.message(message, this.me?.id ?? "");
  }

  #laidOver(): void {
    for (const id of this.overlay.take(this.outbox)) this.#changed.add(`changes:${id}`).add(`message:${id}`);
    for (const timeline of this.timelines.values()) timeline.forget();
  }

  /** The timeline of a room, or of a thread (`room/root`). */
  timeline(key: string): Timeline {
    let timeline = this.timelines.get(key);
    if (!timeline) this.timelines.set(key, (timeline = new Timeline(key, this)));
    return timeline;
  }

  /** Forgets everything: the user has signed out. */
  clear(): void {
    for (const map of [this.users, this.rooms, this.messages, this.members, this.markers, this.notifications, this.presence, this.typing, this.timelines, this.uploads, this.threads, this.lost]) map.clear();
    this.outbox = [];
    this.overlay.take([]);
    this.unreadThreads = 0;
    this.#readOnly = false;
    this.me = undefined;
    this.#rooms = this.#notifications = this.#unread = undefined;
    this.touch(...this.#listeners.keys());
  }

  #tell(): void {
    const keys = [...this.#changed];
    this.#changed.clear();
    const called = new Set<() => void>();
    for (const key of keys) for (const one of this.#listeners.get(key) ?? []) called.add(one);
    for (const one of called) one();
  }

  #get(key: Key): unknown {
    switch (key) {
      case "me": return this.me;
      case "status": return this.status;
      case "outbox": return this.outbox;
      case "build": return this.build;
      case "unverified": return this.#readOnly && this.me?.email_verified === false;
      case "rooms": return (this.#rooms ??= this.#sortedRooms());
      case "notifications": return (this.#notifications ??= [...this.notifications.values()].sort((a, b) => order(b.created_at, a.created_at) || order(b.id, a.id)));
      case "unread": return (this.#unread ??= this.#count());
    }
    const at = key.indexOf(":");
    const id = key.slice(at + 1);
    switch (key.slice(0, at)) {
      case "room": return this.rooms.get(id);
      case "user": return this.users.get(id);
      case "message": return this.shown(id);
      case "changes": return this.overlay.of(id);
      case "timeline": return this.timeline(id).view();
      case "members": return this.members.get(id);
      case "markers": return this.markers.get(id) ?? NO_MARKERS;
      case "typing": return this.typing.get(id) ?? NO_ONE;
      case "presence": return this.presence.get(id);
      case "upload": return this.uploads.get(id);
      case "lost": return this.lost.get(id);
      case "threads": return this.threads.get(id);
    }
    return undefined;
  }

  #sortedRooms(): Room[] {
    const activity = (room: Room) => room.last_message?.created_at ?? room.created_at;
    return [...this.rooms.values()].filter((room) => room.membership).sort((a, b) => order(activity(b), activity(a)));
  }

  #count(): Unread {
    const counts: Unread = { ...counted(this.rooms.values(), false), threads: this.unreadThreads, notifications: 0 };
    for (const notification of this.notifications.values()) if (!notification.read) counts.notifications += 1;
    return counts;
  }
}

function order(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
