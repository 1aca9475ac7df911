import { expect, test } from "vitest";
import { beginning } from "../src/kit/roving.ts";

const names = ["books", "harbour", "Häfen", "kitchen", "boats"];

test("a letter leads on to the next name that begins with it, around the end", () => {
  expect([beginning(names, 0, "b"), beginning(names, 4, "b"), beginning(names, 1, "h"), beginning(names, 2, "H")]).toEqual([4, 0, 2, 1]);
  expect(beginning(names, 0, "x")).toBe(-1);
});

test("letters together name one, and the one they have led to is kept", () => {
  expect([beginning(names, 0, "bo"), beginning(names, 0, "boa"), beginning(names, 4, "boa"), beginning(names, -1, "haf")]).toEqual([0, 4, 4, 2]);
});
