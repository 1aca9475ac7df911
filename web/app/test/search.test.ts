import { expect, test } from "vitest";
import { asked, filtered } from "../src/search/asked.ts";
import { parts } from "../src/search/snippet.ts";

const rooms = [{ id: "room_1", name: "harbour" }, { id: "room_2", name: "big harbour" }, { id: "room_3", name: "Café" }, { id: "room_4", name: "harbour" }];
const read = (text: string) => asked(text, rooms, "ana");

test("words are words, filters are filters, wherever they stand", () => {
  expect(read("tide from:bo in:#harbour turns has:file").question).toEqual({ q: "tide turns", from: "@bo", room: "room_1", has: "file" });
  expect(read('"in: the phrase" from:@Me').question).toEqual({ q: '"in: the phrase"', from: "@ana" });
  expect(read('tide in:"big harbour" FROM:usr_1').question).toEqual({ q: "tide", room: "room_2", from: "usr_1" });
  expect(read("in:room_4 in:CAFÉ").question.room).toBe("room_3");
  expect(read("http://x.org/from:me tide* from:").question).toEqual({ q: "http://x.org/from:me tide*" });
  expect(read("").question).toEqual({ q: "" });
});

test("days are the reader's, and left out themselves", () => {
  const { question } = read("tide after:2026-11-01 before:2026-11-24");
  expect(new Date(question.after ?? "").getTime()).toBe(new Date(2026, 10, 2).getTime() - 1);
  expect(new Date(question.before ?? "").getTime()).toBe(new Date(2026, 10, 24).getTime());
  for (const text of ["x after:2026-02-30", "x after:soon", "x after:2026-13-01"]) expect(read(text).wrong, text).toEqual(["after"]);
  expect(read("x in:#nowhere has:money before:x").wrong).toEqual(["in", "before", "has"]);
});

test("a filter that is chosen stands in the text, once", () => {
  expect(filtered("tide", "from", "bo")).toBe("tide from:bo");
  expect(filtered("tide from:bo turns", "from", "cy")).toBe("tide turns from:cy");
  expect(filtered("tide from:bo", "from", "")).toBe("tide");
  expect(filtered("", "in", "big harbour")).toBe('in:"big harbour"');
  expect(read(filtered("x", "in", 'big "harbour"')).question.room).toBe("room_2");
});

test("a snippet is texts, some of them marked, and no HTML of the writer's", () => {
  expect(parts("the <mark>tide</mark> &lt;mark&gt;turns&lt;/mark&gt; &amp; &quot;ebbs&quot; &#39;late&#39; &amp;lt;")).toEqual([
    { text: "the ", marked: false }, { text: "tide", marked: true }, { text: ` <mark>turns</mark> & "ebbs" 'late' &lt;`, marked: false },
  ]);
  expect(parts("a&#7;b&#99999999;<img src=x>")).toEqual([{ text: "ab&#99999999;<img src=x>", marked: false }]);
  expect(parts("")).toEqual([]);
});
