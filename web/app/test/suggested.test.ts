import { expect, test } from "vitest";
import { mayCallAll, suggested } from "../src/room/suggested.ts";

const person = (username: string, display_name: string) => ({ id: username, username, display_name });
const all = [person("ana", "Ana Lima"), person("anatol", "Anatol Zed"), person("bo", "Bo Ananas"), person("me", "Ana Me"), person("cy", "Cy Cole")];
const names = (typed: string, spoke: string[] = []) => suggested(all, typed, spoke, "me").map((one) => one.username);

test("mentions rank: the exact name, who spoke last, the others, oneself", () => {
  expect(names("ana")).toEqual(["ana", "anatol", "bo", "me"]);
  expect(names("an", ["bo", "anatol"])).toEqual(["bo", "anatol", "ana", "me"]);
  expect(names("ÁNA", ["bo"])).toEqual(["ana", "bo", "anatol", "me"]);
  expect(names("zz")).toEqual([]);
});

test("of those who have not spoken, who was written to directly comes first", () => {
  expect(suggested(all, "an", ["anatol"], "me", ["bo", "ana"]).map((one) => one.username)).toEqual(["anatol", "bo", "ana", "me"]);
});

test("admins call all members, and everybody does where few are", () => {
  const room = (kind: string, member_count: number | null, role: string) => mayCallAll({ kind, member_count, membership: { role } });
  expect([room("group", 20, "member"), room("channel", 5_000, "admin"), room("channel", 21, "owner")]).toEqual([true, true, true]);
  expect([room("group", 21, "member"), room("channel", null, "member"), room("direct", 2, "member"), mayCallAll(undefined)]).toEqual([false, false, false, false]);
});
