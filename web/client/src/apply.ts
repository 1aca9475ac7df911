/** Events, put into the store. Applying one twice is the same as once. */
import { deleted } from "./overlay.ts";
import { isAfter } from "./position.ts";
import type { MembersView, Store } from "./store.ts";
import { withReaction } from "./reaction.ts";
import { timelineOf } from "./timeline.ts";
import type { EventFrame, Member, Message, Notification, Room, User } from "./types.ts";

/** What is to be read anew, as the event does not say enough. */
export interface Wanted {
  /** The room's document: its counts. */
  room?: string;
  /** The whole list of rooms. */
  rooms?: boolean;
  /** The caller's own submitted message has arrived. */
  delivered?: { client_id: string; id: string };
  /** The room is not the caller's any more. */
  gone?: { room: string; banned: boolean };
}

interface MemberData {
  user_id: string;
  role?: Member["role"];
  user?: User;
  muted_until?: string | null;
  banned?: boolean;
}

/** Keeps what is held where the new document says null for "not told here". */
export function merged(held: Message | undefined, told: Message): Message {
  if (!held) return told;
  const kept: Partial<Message> = {};
  for (const field of ["number", "reactions", "pinned", "reply_count"] as const) {
    if (told[field] === null || told[field] === undefined) (kept as Record<string, unknown>)[field] = held[field];
  }
  // A frame that does not know how many answers there are does not know the newest one either.
  if (told.reply_count === null || told.reply_count === undefined) kept.last_reply_at = told.last_reply_at ?? held.last_reply_at ?? null;
  if (!told.client_id && held.client_id) kept.client_id = held.client_id;
  return { ...told, ...kept };
}

/** A room as an event tells it, without what only its reader knows. */
export function mergedRoom(held: Room | undefined, told: Room): Room {
  if (!held) return told;
  return {
    ...told,
    membership: told.membership ?? held.membership,
    last_message: told.last_message ?? held.last_message,
    member_count: told.member_count ?? held.member_count,
    message_count: told.message_count ?? held.message_count,
  };
}

export function putMessage(store: Store, message: Message): void {
  const held = store.messages.get(message.id);
  store.messages.set(message.id, merged(held, message));
  store.touch(`message:${message.id}`);
  store.timelines.get(timelineOf(message))?.forget();
}

export function apply(store: Store, frame: EventFrame): Wanted {
  const room = frame.room_id ?? undefined;
  switch (frame.event) {
    case "message.posted": return posted(store, frame.data as Message, frame.position);
    case "message.edited": case "message.changed": case "message.deleted":
      return changed(store, frame.data as Message, frame.event);
    case "reaction.added": case "reaction.removed":
      reacted(store, frame.data as { message_id: string; user_id: string; emoji: string }, frame.event === "reaction.added");
      return {};
    case "message.pinned": case "message.unpinned":
      patchMessage(store, (frame.data as { message_id: string }).message_id, { pinned: frame.event === "message.pinned" });
      return {};
    case "read.moved": return read(store, room, frame.data as { user_id: string; message_id: string });
    case "member.joined": case "member.left": case "member.changed": case "member.added": case "member.removed":
      return member(store, room, frame.data as MemberData, frame.event);
    case "membership.changed": {
      const held = room ? store.rooms.get(room) : undefined;
      if (held?.membership) putRoom(store, { ...held, membership: { ...held.membership, ...(frame.data as object) } });
      return {};
    }
    case "room.created": case "room.changed": case "room.archived": case "room.restored": {
      const told = frame.data as Room;
      const held = store.rooms.get(told.id);
      putRoom(store, mergedRoom(held, told));
      return held?.membership ? {} : { room: told.id };
    }
    case "notification.created": case "notification.read": {
      const told = frame.data as Notification;
      const held = store.notifications.get(told.id);
      // A marker that was read is not unread again.
      store.notifications.set(told.id, { ...held, ...told, read: told.read || (held?.read ?? false) || frame.event === "notification.read" });
      store.touch("notifications");
      return {};
    }
    case "notification.removed":
      store.notifications.delete((frame.data as { id: string }).id);
      store.touch("notifications");
      return {};
    case "user.changed": {
      const user = frame.data as User;
      // It is all there is to say: what is left out is not there any more.
      store.users.set(user.id, user);
      if (store.me?.id === user.id) {
        store.me = { ...store.me, avatar_url: null, bio: null, ...user };
        store.touch("me");
      }
      store.touch(`user:${user.id}`);
      if (user.deleted) blank(store, user);
      return {};
    }
  }
  return {};
}

/** All of a person is erased: nothing that they wrote, and no name of theirs, stays to be seen. */
function blank(store: Store, user: User): void {
  const sender = { id: user.id, username: user.username, display_name: user.display_name };
  for (const held of [...store.messages.values()]) {
    if (held.sender.id === user.id) patchMessage(store, held.id, { ...deleted(held, held.deleted_at ?? held.created_at), sender });
  }
  for (const room of [...store.rooms.values()]) {
    if (room.last_message?.sender.id === user.id) putRoom(store, { ...room, last_message: { ...deleted(room.last_message, room.last_message.created_at), sender } });
  }
  for (const [key, typing] of store.typing) {
    if (!typing.includes(user.id)) continue;
    store.typing.set(key, typing.filter((one) => one !== user.id));
    store.touch(`typing:${key}`);
  }
  if (store.presence.delete(user.id)) store.touch(`presence:${user.id}`);
}

export function putRoom(store: Store, room: Room): void {
  store.rooms.set(room.id, room);
  store.touch(`room:${room.id}`);
}

function patchMessage(store: Store, id: string, patch: Partial<Message>): void {
  const held = store.messages.get(id);
  if (!held) return;
  store.messages.set(id, { ...held, ...patch });
  store.touch(`message:${id}`);
  store.timelines.get(timelineOf(held))?.forget();
}

function posted(store: Store, message: Message, position: string): Wanted {
  const own = message.sender.id === store.me?.id;
  const known = store.messages.has(message.id);
  putMessage(store, message);
  store.timelines.get(timelineOf(message))?.append(message.id);
  const wanted: Wanted = own && message.client_id ? { delivered: { client_id: message.client_id, id: message.id } } : {};
  if (appeared(store, message)) wanted.room = message.room_id;
  if (message.thread_root_id) {
    const root = store.messages.get(message.thread_root_id);
    if (!known && root && typeof root.reply_count === "number") patchMessage(store, root.id, { reply_count: root.reply_count + 1, last_reply_at: message.created_at });
    return wanted;
  }
  const room = store.rooms.get(message.room_id);
  if (!room) return { ...wanted, room: message.room_id };
  // What the document of the room counts already is not counted again.
  if (room.last_message && !isAfter(position, room.last_message.position)) return wanted;
  const membership = room.membership && { ...room.membership };
  if (membership && own) {
    Object.assign(membership, { last_read_message_id: message.id, unread_count: 0, mention_count: 0 });
  } else if (membership && !message.deleted_at) {
    membership.unread_count += 1;
    if (message.mentions.includes(store.me?.id ?? "") || message.mentions_room === "room") membership.mention_count += 1;
  }
  const count = typeof room.message_count === "number" ? room.message_count + 1 : room.message_count;
  putRoom(store, { ...room, membership, message_count: count, ...(message.deleted_at ? {} : { last_message: message }) });
  return wanted;
}

/** Who writes is a member: a list without them is behind, as that of a room that new users belong to without an event. */
function appeared(store: Store, message: Message): boolean {
  const list = store.members.get(message.room_id);
  if (!list || list.stale || list.items.some((member) => member.user_id === message.sender.id)) return false;
  doubt(store, message.room_id, list);
  return true;
}

function doubt(store: Store, room: string, list: MembersView): void {
  store.members.set(room, { ...list, stale: true });
  store.touch(`members:${room}`);
}

function changed(store: Store, message: Message, event: string): Wanted {
  const held = store.messages.get(message.id);
  // Nothing is true of a message after its deletion.
  if (held?.deleted_at && event !== "message.deleted") return {};
  const counted = held?.deleted_at;
  putMessage(store, held ? { ...held, ...merged(held, message) } : message);
  const room = store.rooms.get(message.room_id);
  if (room?.last_message?.id === message.id && event !== "message.deleted") {
    putRoom(store, { ...room, last_message: store.messages.get(message.id) ?? message });
  }
  if (event !== "message.deleted" || counted) return {};
  const root = message.thread_root_id ? store.messages.get(message.thread_root_id) : undefined;
  if (root && typeof root.reply_count === "number" && root.reply_count > 0) patchMessage(store, root.id, { reply_count: root.reply_count - 1 });
  return { room: message.room_id };
}

/** Puts a reaction of the user's own in its place once the server has it; its event changes no more than the emoji's name. */
export function reactedBy(store: Store, message: string, emoji: string, on: boolean): void {
  if (store.me) reacted(store, { message_id: message, user_id: store.me.id, emoji }, on, false);
}

function reacted(store: Store, data: { message_id: string; user_id: string; emoji: string }, added: boolean, told = true): void {
  const held = store.messages.get(data.message_id);
  if (!held) return;
  const { reactions } = withReaction(held, { user: data.user_id, me: store.me?.id ?? "", emoji: data.emoji, told }, added);
  if (reactions !== held.reactions) patchMessage(store, held.id, { reactions });
}

function read(store: Store, room: string | undefined, data: { user_id: string; message_id: string }): Wanted {
  if (!room) return {};
  const markers = new Map(store.markers.get(room));
  markers.set(data.user_id, data.message_id);
  store.markers.set(room, markers);
  store.touch(`markers:${room}`);
  const held = store.rooms.get(room);
  if (data.user_id !== store.me?.id || !held?.membership) return {};
  const all = held.last_message?.id === data.message_id || store.timelines.get(room)?.newest === data.message_id;
  const counts = all ? { unread_count: 0, mention_count: 0 } : {};
  putRoom(store, { ...held, membership: { ...held.membership, ...counts, last_read_message_id: data.message_id } });
  return all ? {} : { room };
}

function member(store: Store, room: string | undefined, data: MemberData, event: string): Wanted {
  if (!room) return {};
  const list = store.members.get(room);
  if (list) doubt(store, room, list);
  if (data.user_id !== store.me?.id) return { room };
  if (event !== "member.left" && event !== "member.removed") return { room };
  return { gone: { room, banned: data.banned === true } };
}
