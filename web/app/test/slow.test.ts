import type { OutboxEntry } from "@tidings/client";
import { expect, test } from "vitest";
import { client } from "../src/client.ts";
import { hasWritten, lastIn, left } from "../src/room/slow.ts";

test("the pause counts from the last message, and one who never wrote keeps none", () => {
  expect(left(30, 1_000, 11_000)).toBe(20_000);
  expect(left(30, 1_000, 31_000)).toBe(0);
  expect(left(30, undefined, 0)).toBe(0);
});

test("what was refused has cost no turn, what is on its way has", () => {
  hasWritten("room_1");
  const at = lastIn("room_1");
  expect(at).toBeGreaterThan(0);
  hasWritten("room_1", "client_1");
  client.store.outbox = [{ client_id: "client_1", room_id: "room_1", state: "waiting" } as OutboxEntry];
  expect(lastIn("room_1")).toBe(at);
  client.store.outbox = [{ client_id: "client_1", room_id: "room_1", state: "failed" } as OutboxEntry];
  expect(lastIn("room_1")).toBeUndefined();
  // Nor does it when it was dropped.
  client.store.outbox = [];
  expect(lastIn("room_1")).toBeUndefined();
});

test("another user who signs in in the same page keeps no pause of the one before", () => {
  const store = client.store as { me: unknown };
  store.me = { id: "usr_a" };
  hasWritten("room_2");
  expect(lastIn("room_2")).toBeGreaterThan(0);
  store.me = { id: "usr_b" };
  expect(lastIn("room_2")).toBeUndefined();
  store.me = undefined;
});
