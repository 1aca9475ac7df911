/** The documents of rooms, their members and the inbox, read into the store: all of them at the beginning, and one again when an event does not say enough. */
import { putMessage, putRoom } from "./apply.ts";
import { agree, counted } from "./badge.ts";
import { ProblemError } from "./problem.ts";
import { answer } from "./rest.ts";
import { all, type Server } from "./server.ts";
import type { Store } from "./store.ts";
import type { Message, Notification, Room, Unread, User } from "./types.ts";

/** Readings of one room until one is taken although events came in between. */
const TRIES = 5;

export class Rooms {
  readonly #store: Store;
  readonly #server: Server;
  readonly #delivered: (client_id: string, id: string) => void;
  /** How many events of each room have come. */
  readonly #touched = new Map<string, number>();
  /** Rooms that the user is leaving. */
  readonly #leaving = new Set<string>();
  readonly #refetching = new Map<string, Promise<void>>();

  /** `delivered` hears of messages of the user's own that the server has. */
  constructor(store: Store, server: Server, delivered: (client_id: string, id: string) => void) {
    this.#store = store;
    this.#server = server;
    this.#delivered = delivered;
  }

  /** Reads everything that is held of all rooms, as of a place of the log or later. */
  async sync(position: string): Promise<void> {
    // What was read before is of no known place: something may have come between it and this one.
    for (const timeline of this.#store.timelines.values()) timeline.spoil();
    const header = { "Tidings-Min-Position": position };
    const [rooms, inbox] = await Promise.all([
      this.#all(header),
      answer(this.#server.api.GET("/v1/notifications", { params: { query: { limit: 100 }, header } })),
    ]);
    const mine = new Set(rooms.map((room) => room.id));
    for (const room of this.#store.rooms.values()) if (!mine.has(room.id) && room.membership) this.gone(room.id);
    for (const room of rooms) this.#take(room);
    this.#store.notifications.clear();
    for (const one of inbox.items as Notification[]) this.#store.notifications.set(one.id, one);
    this.#store.touch("notifications", "rooms");
  }

  /** An event of a room has come: what is being read of it may or may not have it. */
  touch(room: string): void {
    this.#touched.set(room, (this.#touched.get(room) ?? 0) + 1);
  }

  refresh(room: string): Promise<void> {
    const running = this.#refetching.get(room);
    if (running) return running;
    const work = this.#read(room).finally(() => this.#refetching.delete(room));
    this.#refetching.set(room, work);
    return work;
  }

  /** One truth for every badge: where the server has counted otherwise at the same place of the log, it is right. */
  async compare(unread: Unread | null | undefined, position: string): Promise<void> {
    await Promise.allSettled(this.#refetching.values());
    const held = counted(this.#store.rooms.values(), true);
    if (!unread || this.#server.position !== position || agree(held, unread)) return;
    console.warn(`tidings: ${JSON.stringify(held)} counted as unread, and the server has ${JSON.stringify(unread)}`);
    void this.#recount().catch(() => undefined);
  }

  async members(room: string): Promise<void> {
    const items = await all((cursor) => answer(this.#server.api.GET("/v1/rooms/{room_id}/members", { params: { path: { room_id: room }, query: { limit: 200, ...cursor }, header: this.#server.fresh() } })));
    for (const member of items) this.#takeUser(member.user);
    this.#store.members.set(room, { items, stale: false, at: Date.now() });
    this.#store.touch(`members:${room}`);
    if (this.#store.rooms.get(room)?.member_count !== items.length) await this.refresh(room);
  }

  async user(id: string): Promise<User> {
    const user = await answer(this.#server.api.GET("/v1/users/{user_id}", { params: { path: { user_id: id } } }));
    this.#takeUser(user);
    return user;
  }

  async leave(room: string): Promise<void> {
    this.#leaving.add(room);
    try {
      await this.#server.request("DELETE", `/v1/rooms/${room}/members/me`);
    } catch (error) {
      this.#leaving.delete(room);
      throw error;
    }
  }

  /** The room is not the user's any more: what only its members may see is not kept. */
  gone(room: string, banned = false): void {
    const store = this.#store;
    const held = store.rooms.get(room);
    const before = store.lost.get(room);
    if (held?.membership || before) {
      const how = banned ? "banned" : (before?.how ?? (this.#leaving.has(room) ? "left" : "removed"));
      store.lost.set(room, { name: held?.name ?? before?.name ?? null, how });
      store.touch(`lost:${room}`);
    }
    this.#leaving.delete(room);
    for (const key of [...store.timelines.keys()]) {
      if (key === room || key.startsWith(`${room}/`)) {
        store.timelines.delete(key);
        store.touch(`timeline:${key}`);
      }
    }
    for (const message of [...store.messages.values()]) {
      if (message.room_id === room && store.messages.delete(message.id)) store.touch(`message:${message.id}`);
    }
    if (store.threads.delete(room)) store.touch(`threads:${room}`);
    if (store.members.delete(room)) store.touch(`members:${room}`);
    if (!held) return;
    if (held.visibility !== "public") {
      store.rooms.delete(room);
      store.touch("rooms", `room:${room}`);
      return;
    }
    putRoom(store, { ...held, membership: null, last_message: null });
    void this.refresh(room).catch(() => undefined);
  }

  takeMessage(message: Message): void {
    putMessage(this.#store, message);
    if (message.client_id && message.sender.id === this.#store.me?.id) this.#delivered(message.client_id, message.id);
  }

  /** Another user is here. */
  clear(): void {
    this.#touched.clear();
  }

  #all(header: { "Tidings-Min-Position"?: string }): Promise<Room[]> {
    return all<Room>((cursor) => answer(this.#server.api.GET("/v1/rooms", { params: { query: { limit: 200, ...cursor }, header } })));
  }

  async #recount(): Promise<void> {
    for (const room of await this.#all(this.#server.fresh())) {
      const held = this.#store.rooms.get(room.id);
      // What came in between is for the room's own reading to find out.
      if (!held || !agree(counted([held], true), counted([room], true))) await this.refresh(room.id);
    }
  }

  async #read(room: string): Promise<void> {
    for (let tries = 1; tries <= TRIES; tries++) {
      const before = this.#touched.get(room);
      const asked = this.#server.api.GET("/v1/rooms/{room_id}", { params: { path: { room_id: room }, header: this.#server.fresh() } });
      const { data, response } = await asked;
      // An event came in between: the document may or may not have it.
      if (this.#touched.get(room) !== before && tries < TRIES) continue;
      if (response.status === 404) {
        if (this.#store.rooms.delete(room)) this.#store.touch("rooms", `room:${room}`);
        return;
      }
      if (!data) throw await ProblemError.of(response, (await asked).error);
      this.#take(data);
      return;
    }
  }

  #take(room: Room): void {
    if (room.membership && this.#store.lost.delete(room.id)) this.#store.touch(`lost:${room.id}`);
    if (room.last_message) this.takeMessage(room.last_message);
    putRoom(this.#store, room);
  }

  #takeUser(user: User): void {
    this.#store.users.set(user.id, user);
    this.#store.touch(`user:${user.id}`);
  }
}
