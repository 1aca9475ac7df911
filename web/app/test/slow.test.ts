import { expect, test } from "vitest";
import { left } from "../src/room/slow.ts";

test("the pause counts from the last message, and one who never wrote keeps none", () => {
  expect(left(30, 1_000, 11_000)).toBe(20_000);
  expect(left(30, 1_000, 31_000)).toBe(0);
  expect(left(30, undefined, 0)).toBe(0);
});
