/** Rooms of which something may have been missed: they are read anew soon, not all at once, and not time and again. */
import { expect, test } from "vitest";
import { History } from "../src/history.ts";
import { platform } from "../src/platform.ts";
import type { Rooms } from "../src/rooms.ts";
import type { Server } from "../src/server.ts";
import { Store } from "../src/store.ts";

const settle = () => new Promise((resolve) => setTimeout(resolve, 0));

/** A history whose time passes when the test says so. Chance is always in the middle. */
function world() {
  let now = 0;
  const timers: { at: number; work: () => void }[] = [];
  const asked: string[] = [];
  const given = platform({ now: () => now, random: () => 0.5, later: (milliseconds, work) => {
    timers.push({ at: now + milliseconds, work });
    return () => undefined;
  } });
  const store = new Store(given.soon);
  const server = { live: true, fresh: () => ({}), api: { GET: async (_: string, { params }: { params: { path: { room_id: string } } }) => {
    asked.push(params.path.room_id);
    return { data: { items: [], next_cursor: null }, response: new Response() };
  } } };
  const history = new History(given, store, server as unknown as Server, {} as Rooms);
  /** Goes on to a moment. */
  const pass = async (to: number) => {
    now = to;
    for (const timer of timers.splice(0)) {
      if (timer.at <= now) timer.work();
      else timers.push(timer);
    }
    await settle();
  };
  return { history, asked, timers, pass, server };
}

test("an open room is read once for many reloads, after a moment of its own, and again after ten seconds at the earliest", async () => {
  const { history, asked, timers, pass } = world();
  await history.open("room_1");
  expect(asked).toEqual(["room_1"]);
  for (let n = 0; n < 5; n++) history.reload("room_1");
  expect(timers.map((timer) => timer.at)).toEqual([1_000]);
  await pass(999);
  expect(asked).toHaveLength(1);
  await pass(1_000);
  expect(asked).toHaveLength(2);
  await pass(1_500);
  history.reload("room_1");
  history.reload("room_1");
  expect(timers.map((timer) => timer.at)).toEqual([12_000]);
  await pass(12_000);
  expect(asked).toHaveLength(3);
  // After a while it is as the first time.
  await pass(60_000);
  history.reload("room_1");
  expect(timers.map((timer) => timer.at)).toEqual([61_000]);
});

test("each room has its own turn; one that is shut is read when it is opened, and nothing is asked without a connection", async () => {
  const { history, asked, pass, server } = world();
  await history.open("room_1");
  await history.open("room_2");
  history.shut("room_2");
  history.reload("room_1");
  history.reload("room_2");
  await pass(2_000);
  expect(asked).toEqual(["room_1", "room_2", "room_1"]);
  await history.open("room_2");
  expect(asked.at(-1)).toBe("room_2");
  await pass(30_000);
  history.reload("room_1");
  server.live = false;
  await pass(60_000);
  expect(asked).toHaveLength(4);
});
