import type { Room } from "@tidings/client";
import { expect, test } from "vitest";
import { arranged, joined, SECTIONS, type Places } from "../src/shell/sections.ts";

const NOWHERE: Places = { order: [], sections: new Map() };

/** Rooms by activity; of a name in capitals something is unread. */
const rooms = (...names: string[]) => names.map((name) => ({ id: name.toLowerCase(), kind: "group", membership: { unread_count: name === name.toLowerCase() ? 0 : 1, mention_count: 0, notify: "all", pinned: name.endsWith("*") } }) as unknown as Room);
const shown = ({ order, sections }: Places) => SECTIONS.map((section) => [section, order.filter((id) => sections.get(id) === section).join(" ")]).filter(([, ids]) => ids);

test("unread rooms come first, then pinned ones, each by activity", () => {
  expect(shown(arranged(NOWHERE, rooms("a", "B", "c*", "D"), undefined))).toEqual([["unread", "b d"], ["pinned", "c*"], ["rooms", "a"]]);
});

test("the open room keeps its place whatever happens in it and around it, until it is left", () => {
  const before = arranged(NOWHERE, rooms("a", "b", "c", "d"), "c");
  // It has activity, and so has the last one.
  const talked = arranged(before, rooms("c", "d", "a", "b"), "c");
  expect(shown(talked)).toEqual([["rooms", "d a c b"]]);
  expect(shown(arranged(talked, rooms("C", "d", "a", "b"), "c"))).toEqual([["rooms", "d a c b"]]);
  expect(shown(arranged(talked, rooms("c", "d", "a", "b"), "a"))).toEqual([["rooms", "c a d b"]]);
  expect(shown(arranged(talked, rooms("C", "d", "a", "b"), undefined))).toEqual([["unread", "c"], ["rooms", "d a b"]]);
});

test("an unread room that is opened and read stays among the unread until it is left", () => {
  const before = arranged(NOWHERE, rooms("A", "B", "c"), "c");
  const read = arranged(before, rooms("A", "b", "c"), "b");
  expect(shown(read)).toEqual([["unread", "a b"], ["rooms", "c"]]);
  expect(shown(arranged(read, rooms("A", "b", "c"), undefined))).toEqual([["unread", "a"], ["rooms", "b c"]]);
});

test("one that was not shown before stands where it belongs, also when it is the open one", () => {
  expect(shown(arranged(NOWHERE, rooms("A", "B", "c"), "b"))).toEqual([["unread", "a"], ["rooms", "b c"]]);
  const before = arranged(NOWHERE, rooms("a", "b"), "b");
  expect(shown(arranged(before, rooms("new", "a", "b"), "b"))).toEqual([["rooms", "new b a"]]);
  expect(shown(joined(before, rooms("NEW", "b", "a"), "b"))).toEqual([["unread", "new"], ["rooms", "a b"]]);
});
