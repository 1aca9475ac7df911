import type { Row } from "@tidings/client";
import { expect, test, vi } from "vitest";

// The client of a page, which this does not need.
vi.mock("../src/client.ts", () => ({ client: { store: {} } }));
const { afterMarker, amongNewest } = await import("../src/room/new-line.ts");

/** Rows by their writers: `a` is the reader, `-` a deleted message of another one, `+` one of the reader's own that is on its way. */
const rows = (writers: string): Row[] => [...writers].map((who, n) => (who === "+" ? { key: `c${n}`, pending: { client_id: `c${n}` } } : { key: `m${n}`, message: { id: `m${n}`, sender: { id: who === "-" ? "b" : who }, deleted_at: who === "-" ? "2026-11-27T10:00:00Z" : null } }) as unknown as Row);

test("in a room it stands above the first message of another person after the marker, and nowhere when that is not among the rows", () => {
  expect(afterMarker(rows("bbabb"), "m1", "a")).toBe("m3");
  expect(afterMarker(rows("bbbb"), undefined, "a")).toBe("m0");
  expect(afterMarker(rows("bbb"), "m9", "a")).toBeUndefined();
  expect(afterMarker(rows("bba+"), "m1", "a")).toBeUndefined();
});

test("in a thread it stands above the first of those that the server has counted", () => {
  expect(amongNewest(rows("bbbb"), 2, "m3", "a")).toBe("m2");
  // Deleted ones, and one's own, are not counted.
  expect(amongNewest(rows("bab-b"), 2, "m4", "a")).toBe("m2");
  // What came after they were counted.
  expect(amongNewest(rows("bbbbbb"), 2, "m3", "a")).toBe("m2");
  expect(amongNewest(rows("bbbb+"), 1, "m3", "a")).toBe("m3");
  // The first of them is not loaded yet.
  expect(amongNewest(rows("bb"), 3, "m1", "a")).toBeUndefined();
  expect(amongNewest(rows("bb"), 0, "m1", "a")).toBeUndefined();
});
