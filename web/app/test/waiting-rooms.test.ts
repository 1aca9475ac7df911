import { expect, test } from "vitest";
import type { Room } from "@tidings/client";
import { waiting } from "../src/waiting.ts";

const room = (notify: string, unread_count: number, mention_count: number) => ({ membership: { notify, unread_count, mention_count } }) as unknown as Room;

test("of a room one wants to hear nothing of mentions wait, of others all that is unread, of one that is not one's own nothing", () => {
  expect([room("all", 5, 2), room("mentions", 5, 2), room("none", 5, 2), room("none", 5, 0)].map(waiting)).toEqual([5, 5, 2, 0]);
  expect([{ membership: null } as unknown as Room, undefined].map(waiting)).toEqual([0, 0]);
});
