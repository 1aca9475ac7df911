import type { Page } from "@tidings/client";
import { expect, test } from "vitest";
import { filled, joined } from "../src/kit/pages.tsx";

/** A list of the API whose pages are these; a cursor is the number of the next one. */
function list(...pages: number[][]): { ask: (cursor?: string) => Promise<Page<number>>; asked: string[] } {
  const asked: string[] = [];
  const ask = async (cursor = "0") => {
    asked.push(cursor);
    const next = Number(cursor) + 1;
    return { items: pages[next - 1] ?? [], next_cursor: next < pages.length ? String(next) : null };
  };
  return { ask, asked };
}

test("a page that comes empty although there is more is gone over", async () => {
  const { ask, asked } = list([], [], [1, 2], [3]);
  expect(await filled(ask)).toEqual({ items: [1, 2], cursor: "3" });
  expect(asked).toEqual(["0", "1", "2"]);
  expect(await filled(ask, "3")).toEqual({ items: [3], cursor: undefined });
});

test("it is not gone on for ever", async () => {
  const { ask, asked } = list(...Array.from({ length: 100 }, () => []));
  expect(await filled(ask)).toEqual({ items: [], cursor: "20" });
  expect(asked.length).toBe(20);
});

test("an empty list is empty at once", async () => {
  const { ask, asked } = list([]);
  expect(await filled(ask)).toEqual({ items: [], cursor: undefined });
  expect(asked.length).toBe(1);
});

test("what a page repeats stands once, where it stood", () => {
  expect(joined([1, 2, 3], [3, 4, 2], String)).toEqual([1, 2, 3, 4]);
  expect(joined([], [1, 1], String)).toEqual([1, 1]);
});
