import { expect, test } from "vitest";
import { box, isGood, isPicture } from "../src/room/pictures.ts";

test("a picture's box keeps its shape, is not larger than it, and never too small to be hit", () => {
  expect(box(4_000, 3_000, true)).toEqual({ width: 400, height: 300 });
  expect(box(3_000, 4_000, true)).toEqual({ width: 225, height: 300 });
  expect(box(4_000, 3_000, false)).toEqual({ width: 200, height: 150 });
  expect(box(100, 80, true)).toEqual({ width: 100, height: 80 });
  expect(box(1, 1, true)).toEqual({ width: 44, height: 44 });
  expect(box(10_000, 10, true)).toEqual({ width: 400, height: 44 });
});

test("a URL is good until a minute before it runs out", () => {
  const until = (seconds: number) => `/media/media_1/file?until=${seconds}&signature=x`;
  expect(isGood(until(1_000), 900_000)).toBe(true);
  expect(isGood(until(1_000), 950_000)).toBe(false);
  const stored = "https://store.example/file?X-Amz-Date=20261126T170000Z&X-Amz-Expires=3600&X-Amz-Signature=x";
  expect([17, 18].map((hour) => isGood(stored, Date.UTC(2026, 10, 26, hour, 30)))).toEqual([true, false]);
  expect(isGood("https://store.example/file?X-Amz-Expires=3600", 0)).toBe(false);
});

test("only what has a smaller picture and a size is shown as one", () => {
  const file = { id: "media_1", filename: "a.png", content_type: "image/png", size: 1, sha256: "", url: "/x" };
  expect(isPicture({ ...file, width: 1, height: 1, thumbnail_url: "/y" })).toBe(true);
  expect(isPicture({ ...file, width: 1, height: 1 })).toBe(false);
  expect(isPicture({ ...file, thumbnail_url: "/y" })).toBe(false);
});
