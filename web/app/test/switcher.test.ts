import { expect, test } from "vitest";
import { initials } from "../src/initials.ts";
import { ranked } from "../src/shell/ranked.ts";

const room = (name: string, waits = 0, archived = false) => ({ name, waits, archived });
const names = (rooms: { name: string }[]) => rooms.map((one) => one.name);

test("empty: mentions, unread, then the latest", () => {
  expect(names(ranked([room("a"), room("b", 1), room("c", 2), room("d")], ""))).toEqual(["c", "b", "a", "d"]);
});

test("among equals the one that was left last comes first, and where one is comes last", () => {
  const all = ["a", "b", "c", "d"].map((id) => ({ ...room(`room ${id}`), id }));
  expect(names(ranked(all, "", ["c", "b"], "a"))).toEqual(["room c", "room b", "room d", "room a"]);
  expect(names(ranked(all, "room", ["d"]))).toEqual(["room d", "room a", "room b", "room c"]);
  expect(names(ranked(all.map((one) => (one.id === "d" ? { ...one, waits: 1 } : one)), "", ["c"], "a"))).toEqual(["room d", "room c", "room b", "room a"]);
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
