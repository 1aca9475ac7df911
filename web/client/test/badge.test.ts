/** Counts, and what is left of a person who was erased. */
import { expect, test } from "vitest";
import { apply } from "../src/apply.ts";
import { agree, counted } from "../src/badge.ts";
import { Outbox } from "../src/outbox.ts";
import { memoryStorage, platform } from "../src/platform.ts";
import { Store } from "../src/store.ts";
import type { Account, EventFrame, Message, OutboxEntry, Room } from "../src/types.ts";
import { Uploads, type Depot } from "../src/uploads.ts";

const room = (id: string, unread: number, mentions: number, more: object = {}, own: object = {}) => ({ id, archived: false, created_at: "2026-11-27T08:00:00.000Z", membership: { unread_count: unread, mention_count: mentions, notify: "mentions", ...own }, ...more }) as unknown as Room;

test("rooms that are quiet count by mentions, archived ones when they are asked for, others' not at all", () => {
  const rooms = [room("a", 3, 1), room("b", 5, 0, {}, { notify: "none" }), room("c", 4, 2, {}, { notify: "none" }), room("d", 7, 0, { archived: true }), room("e", 9, 9, { membership: null }), room("f", 0, 0)];
  expect(counted(rooms, false)).toEqual({ rooms: 2, unread_count: 5, mention_count: 3 });
  expect(counted(rooms, true)).toEqual({ rooms: 3, unread_count: 12, mention_count: 3 });
  const store = new Store((work) => queueMicrotask(work));
  for (const one of rooms) store.rooms.set(one.id, one);
  store.touch("rooms");
  expect(store.get("unread")).toMatchObject({ rooms: 2, unread_count: 5, mention_count: 3 });
  expect(agree(counted(rooms, true), counted(rooms, false))).toBe(false);
  expect(agree(counted(rooms, true), counted([...rooms].reverse(), true))).toBe(true);
});

test("of a person who was erased nothing stays to be seen, also what came late", async () => {
  const store = new Store((work) => queueMicrotask(work));
  store.me = { id: "usr_1", username: "ana" } as Account;
  const message = (id: string, sender: string, more: object = {}) => ({ id, room_id: "room_1", sender: { id: sender, username: sender, display_name: sender.toUpperCase() }, body: `of ${sender}`, attachments: [{ id: "media_1" }], mentions: ["usr_1"], reactions: [], created_at: "2026-11-27T09:00:00.000Z", position: "e:1", ...more }) as unknown as Message;
  const all = [message("msg_1", "usr_2"), message("msg_2", "usr_3"), message("msg_3", "usr_2", { thread_root_id: "msg_2" })];
  for (const one of all) store.messages.set(one.id, one);
  store.rooms.set("room_1", room("room_1", 0, 0, { last_message: all[0] }));
  store.timeline("room_1").put({ messages: all.slice(0, 2), atStart: true, atEnd: true }, true);
  store.typing.set("room_1", ["usr_3", "usr_2"]);
  store.presence.set("usr_2", { status: "online" });
  const frame = { type: "event", event: "user.changed", position: "e:9", room_id: null, data: { id: "usr_2", username: "deleted", display_name: "Deleted user", role: "user", created_at: "", deleted: true } } as unknown as EventFrame;
  apply(store, frame);
  apply(store, frame);
  for (const id of ["msg_1", "msg_3"]) expect(store.get(`message:${id}`)).toMatchObject({ body: "", attachments: [], sender: { id: "usr_2", username: "deleted", display_name: "Deleted user" }, deleted_at: "2026-11-27T09:00:00.000Z" });
  expect(store.get("timeline:room_1").rows.map((row) => row.message?.body)).toEqual(["", "of usr_3"]);
  expect(store.get("room:room_1")?.last_message).toMatchObject({ body: "", sender: { username: "deleted" } });
  expect(store.get("typing:room_1")).toEqual(["usr_3"]);
  expect(store.get("presence:usr_2")).toBeUndefined();
  // An edit of theirs that was under way is of a deleted message.
  apply(store, { type: "event", event: "message.edited", position: "e:8", room_id: "room_1", data: message("msg_1", "usr_2", { body: "late" }) } as unknown as EventFrame);
  expect(store.get("message:msg_1")?.body).toBe("");
});

test("what another person has left waiting in this browser goes when a session begins", async () => {
  const storage = memoryStorage();
  const entry = (client_id: string, user_id: string): OutboxEntry => ({ client_id, user_id, room_id: "room_1", body: "hi", format: "plain", submitted_at: Date.now(), state: "failed" });
  await storage.put(entry("theirs", "usr_2"));
  await storage.put(entry("own", "usr_1"));
  const store = new Store((work) => queueMicrotask(work));
  store.me = { id: "usr_1", username: "ana" } as Account;
  const given = platform({ storage, exclusively: (_name, _patience, work) => work() });
  const box = new Outbox(given, store, new Uploads(given, store, {} as Depot), async () => undefined);
  await box.begin();
  expect(store.outbox.map((one) => one.client_id)).toEqual(["own"]);
  expect((await storage.all()).map((one) => one.client_id)).toEqual(["own"]);
});
