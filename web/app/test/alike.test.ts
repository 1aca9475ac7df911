import type { Room } from "@tidings/client";
import { expect, test, vi } from "vitest";
import { alike } from "../src/room/still.ts";

vi.mock("../src/client.ts", () => ({ client: { store: {} } }));

const membership = { hidden: false, joined_at: "2026-11-28T05:00:00Z", mention_count: 0, muted: false, notify: "all", pinned: false, role: "member", unread_count: 0 };
const room = { id: "room_1", archived: false, created_at: "2026-11-28T05:00:00Z", kind: "group", member_count: 3, message_count: 7, name: "harbour", posting: "everyone", slow_mode_seconds: 0, visibility: "private", membership } as unknown as Room;
const other = (changes: object, own: object = {}) => ({ ...room, ...changes, membership: { ...membership, ...own } }) as Room;
const by = (name: string, id: string) => ({ last_message: { id, sender: { display_name: name } } });

test("what messages and readings count makes no other room", () => {
  expect(alike(room, other({}))).toBe(true);
  expect(alike(room, other({ message_count: 8 }, { unread_count: 1, mention_count: 1, last_read_message_id: "msg_1" }))).toBe(true);
  expect(alike(other(by("Ann", "msg_1")), other(by("Ann", "msg_2")))).toBe(true);
});

test("all else does", () => {
  for (const changes of [{ id: "room_2" }, { name: "quay" }, { topic: "boats" }, { archived: true }, { member_count: 4 }, { slow_mode_seconds: 5 }, by("Ben", "msg_1")]) expect(alike(room, other(changes)), JSON.stringify(changes)).toBe(false);
  for (const own of [{ role: "admin" }, { muted: true }, { muted_until: "2026-11-28T06:00:00Z" }, { pinned: true }, { notify: "none" }]) expect(alike(room, other({}, own)), JSON.stringify(own)).toBe(false);
  expect(alike(room, { ...room, membership: null })).toBe(false);
  expect(alike({ ...room, membership: null }, room)).toBe(false);
});
