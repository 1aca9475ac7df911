import { expect, test } from "vitest";
import { initials } from "../src/initials.ts";
import { ranked } from "../src/shell/ranked.ts";

const room = (name: string, waits = 0, archived = false) => ({ name, waits, archived });
const names = (rooms: { name: string }[]) => rooms.map((one) => one.name);

test("empty: mentions, unread, then the latest", () => {
  expect(names(ranked([room("a"), room("b", 1), room("c", 2), room("d")], ""))).toEqual(["c", "b", "a", "d"]);
});

test("typed: start of the name, start of a word, loosely; archived last", () => {
  const all = [room("big harbour"), room("harbour-old", 0, true), room("chart room"), room("harbour"), room("Café")];
  expect(names(ranked(all, "har"))).toEqual(["harbour", "big harbour", "chart room", "harbour-old"]);
  expect(names(ranked(all, "#cafe"))).toEqual(["Café"]);
  expect(ranked(all, "zzz")).toEqual([]);
});

test("initials", () => {
  expect(["Ana Lima", "bo", "Ana Maria Lima", "  "].map(initials)).toEqual(["AL", "B", "AL", ""]);
});
