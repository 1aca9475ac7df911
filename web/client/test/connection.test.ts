/** A connection whose server, clock and chance are the test's. */
import { describe, expect, test } from "vitest";
import { Connection } from "../src/connection.ts";
import { platform, type Socket } from "../src/platform.ts";
import type { Status } from "../src/types.ts";

const settle = () => new Promise((resolve) => setImmediate(resolve));

/** A user's connection; `asked` says whether other tabs can be asked for theirs. */
function world(asked: boolean) {
  const said: Status[] = [];
  const waits: [number, () => void][] = [];
  let socket: { onclose?: (event: { code: number }) => void; onmessage?: (event: { data: string }) => void } = {};
  let sockets = 0;
  let wake: () => void = () => undefined;
  const given = platform({
    now: () => 0, random: () => 0,
    later: (milliseconds, work) => {
      const timer: [number, () => void] = [milliseconds, work];
      waits.push(timer);
      return () => void (waits.includes(timer) && waits.splice(waits.indexOf(timer), 1));
    },
    socket: () => {
      sockets += 1;
      socket = { close: () => undefined, send: () => undefined } as never;
      return socket as unknown as Socket;
    },
    onWake: (awake) => {
      wake = awake;
      return () => undefined;
    },
    onOffline: () => () => undefined,
  });
  const nothing = () => undefined;
  const connection = new Connection(given, {
    ticket: async () => "ticket", url: (ticket) => `ws://x/${ticket}`, sync: async () => undefined, sessionEnded: async () => false, crowded: () => asked,
    event: nothing, reload: nothing, reset: nothing, live: nothing, other: nothing, status: (status) => said.push(status),
  });
  return {
    connection, said,
    sockets: () => sockets,
    wake: () => wake(),
    /** The server closes the socket. Gives how long the client waits now. */
    close: async (code: number) => {
      await settle();
      socket.onclose?.({ code });
      await settle();
      return waits.at(-1)?.[0];
    },
    /** The wait is over. */
    wait: async () => {
      waits.pop()?.[1]();
      await settle();
    },
    welcome: async () => {
      await settle();
      socket.onmessage?.({ data: JSON.stringify({ type: "welcome", position: "e:1", heartbeat_ms: 30_000 }) });
      await settle();
    },
  };
}

describe("a user with too many sockets", () => {
  test("is told so, and asks again ever more rarely, until there is room", async () => {
    const one = world(false);
    one.connection.start();
    const waited: (number | undefined)[] = [];
    for (let turn = 0; turn < 7; turn++) {
      waited.push(await one.close(4409));
      expect(one.said.at(-1)).toMatchObject({ phase: "waiting", code: 4409, until: waited.at(-1) });
      await one.wait();
    }
    expect(waited).toEqual([15_000, 30_000, 60_000, 120_000, 240_000, 300_000, 300_000]);
    expect(one.sockets()).toBe(8);
    await one.welcome();
    expect(one.said.at(-1)).toEqual({ phase: "live" });
    // The next time begins anew.
    expect(await one.close(4409)).toBe(15_000);
    one.connection.close();
  });

  test("has the socket of another tab soon, where there is one to be asked", async () => {
    const one = world(true);
    one.connection.start();
    const waited: (number | undefined)[] = [];
    for (let turn = 0; turn < 3; turn++) {
      waited.push(await one.close(4409));
      await one.wait();
    }
    expect(waited).toEqual([1_000, 15_000, 30_000]);
    one.connection.close();
  });

  test("need not wait when they come back to the page, or say so", async () => {
    const one = world(false);
    one.connection.start();
    await one.close(4409);
    one.wake();
    await settle();
    expect(one.sockets()).toBe(2);
    await one.close(4409);
    one.connection.now();
    await settle();
    expect(one.sockets()).toBe(3);
    one.connection.close();
  });

  test("other ends are waited for as before, and said without a code", async () => {
    const one = world(false);
    one.connection.start();
    expect(await one.close(1006)).toBe(0);
    expect(one.said.at(-1)).toEqual({ phase: "waiting", until: 0, attempt: 1 });
    await one.wait();
    expect(await one.close(4429)).toBe(5_000);
    one.connection.close();
  });
});
