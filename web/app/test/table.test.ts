import { expect, test } from "vitest";
import { table } from "../src/room/table.ts";

test("cells with tabs between them become a table", () => {
  expect(table("tide\ttime\r\nlow\t12:04\r\nhigh|flood\t18:10\r\n")).toBe("| tide | time |\n| --- | --- |\n| low | 12:04 |\n| high\\|flood | 18:10 |");
  expect(table("a\t\nb\tc")).toBe("| a |  |\n| --- | --- |\n| b | c |");
});

test("what is no table stays as it is", () => {
  for (const text of ["", "one line\twith a tab", "a\tb\nc", "no\nnone", Array.from({ length: 200 }, () => "a\tb").join("\n"), Array.from({ length: 20 }, () => "x").join("\t") + "\n" + Array.from({ length: 20 }, () => "y").join("\t")]) expect(table(text), text).toBeUndefined();
});
