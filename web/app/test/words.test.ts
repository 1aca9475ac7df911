import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { named, type Emoji } from "../src/kit/emojis.ts";
import { wordBefore } from "../src/room/completion.tsx";
import { matching } from "../src/shell/commands.ts";

test("a word becomes a name after an @, an emoji after a colon and two letters, and nothing else does", () => {
  const words = { "@": "@", "@an": "@an", "hi @ana.l": "@ana.l", "(@bo": "@bo", "a@b": undefined, ":th": ":th", "so :thumbs_up": ":thumbs_up", ":D": undefined, ":)": undefined, "12:30": undefined, "http://x": undefined, ":th ": undefined, "": undefined };
  for (const [text, word] of Object.entries(words)) expect(wordBefore(text), text).toBe(word);
});

test("emoji by their names, then by words in them, then by their tags; parts of others never", () => {
  const all: Emoji[] = [
    { emoji: "🏻", label: "light skin tone", tags: ["heart"], group: 2 },
    { emoji: "🇦", label: "regional indicator heart" },
    { emoji: "😍", label: "smiling face with heart-eyes", group: 0 },
    { emoji: "😊", label: "smiling face", tags: ["hearty"], group: 0 },
    { emoji: "❤️", label: "red heart", tags: ["heart"], group: 8 },
    { emoji: "💟", label: "heart decoration", group: 8 },
  ];
  expect(named(all, "heart").map((one) => one.emoji)).toEqual(["❤️", "💟", "😍", "😊"]);
  expect(named(all, "HEART_DEC").map((one) => one.emoji)).toEqual(["💟"]);
  expect(named(all, "nothing")).toEqual([]);
});

test("what most people mean by a word comes first, of all emoji there are", () => {
  const read = (path: string) => JSON.parse(readFileSync(new URL(import.meta.resolve(`emojibase-data/${path}.json`)), "utf8")) as unknown;
  const short = read("en/shortcodes/github") as Record<string, string | string[]>;
  const all = (language: string) => (read(`${language}/data`) as (Emoji & { hexcode: string })[]).map((one) => ({ ...one, shortcodes: [short[one.hexcode] ?? []].flat() }));
  const first = (language: string, typed: string) => named(all(language), typed)[0]?.emoji.replace("\uFE0F", "");
  const meant = { thumb: "👍", thumbsup: "👍", "+1": "👍", fire: "🔥", check: "✅", heart: "❤", smile: "😄", party: "🎉", tada: "🎉", rocket: "🚀", thumbs_d: "👎", white_check_mark: "✅" };
  for (const [typed, emoji] of Object.entries(meant)) expect(first("en", typed), typed).toBe(emoji);
  for (const [typed, emoji] of Object.entries({ "daumen hoch": "👍", feuer: "🔥", "+1": "👍", tada: "🎉" })) expect(first("de", typed), typed).toBe(emoji);
});

test("commands by what they are called, those that begin with it first", () => {
  const all = ["Browse", "Room settings", "Settings"].map((label) => ({ id: label, label, run: () => undefined }));
  expect(matching(all, " sett").map((one) => one.label)).toEqual(["Settings", "Room settings"]);
  expect(matching(all, "").length).toBe(3);
});
