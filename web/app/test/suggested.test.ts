import { expect, test } from "vitest";
import { suggested } from "../src/room/suggested.ts";

const person = (username: string, display_name: string) => ({ id: username, username, display_name });
const all = [person("ana", "Ana Lima"), person("anatol", "Anatol Zed"), person("bo", "Bo Ananas"), person("me", "Ana Me"), person("cy", "Cy Cole")];
const names = (typed: string, spoke: string[] = []) => suggested(all, typed, spoke, "me").map((one) => one.username);

test("mentions rank: the exact name, who spoke last, the others, oneself", () => {
  expect(names("ana")).toEqual(["ana", "anatol", "bo", "me"]);
  expect(names("an", ["bo", "anatol"])).toEqual(["bo", "anatol", "ana", "me"]);
  expect(names("ÁNA", ["bo"])).toEqual(["ana", "bo", "anatol", "me"]);
  expect(names("zz")).toEqual([]);
});
