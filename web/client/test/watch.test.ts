/** Tabs of one browser: one keeps watch, the others give their connection back when they are hidden for long. */
import { describe, expect, test } from "vitest";
import { platform } from "../src/platform.ts";
import { Watch } from "../src/watch.ts";

/** A browser with a lock for all of its tabs. */
function browser() {
  let queue: Promise<unknown> = Promise.resolve();
  const exclusively = <T>(_name: string, _patience: number, work: () => Promise<T>): Promise<T> => {
    const run = queue.then(work);
    queue = run.catch(() => undefined);
    return run;
  };
  const channels = new Set<(message: unknown) => void>();
  const channel = () => {
    let own: (message: unknown) => void = () => undefined;
    return {
      // As in a browser, it is heard by all others.
      post: (message: unknown) => channels.forEach((heard) => heard === own || heard(message)),
      listen: (heard: (message: unknown) => void) => void channels.add((own = heard)),
      close: () => void channels.delete(own),
    };
  };
  const tab = () => {
    const told: string[] = [];
    const timers = new Set<[number, () => void]>();
    let visible = true;
    let changed: () => void = () => undefined;
    const given = platform({ exclusively, channel, visible: () => visible, onVisible: (heard) => {
      changed = heard;
      return () => (changed = () => undefined);
    }, later: (milliseconds, work) => {
      const timer: [number, () => void] = [milliseconds, work];
      timers.add(timer);
      return () => void timers.delete(timer);
    } });
    const watch = new Watch(given, () => told.push("parked"), () => told.push("back"));
    return {
      watch, told, timers,
      see: (now: boolean) => {
        visible = now;
        changed();
      },
      /** Five minutes later. */
      wait: () => {
        for (const timer of [...timers]) {
          timers.delete(timer);
          timer[1]();
        }
      },
    };
  };
  return { tab };
}

const settle = () => new Promise((resolve) => setImmediate(resolve));

describe("keeping watch", () => {
  test("the first tab keeps watch and stays connected; another one that is hidden for five minutes is parked until it is looked at", async () => {
    const { tab } = browser();
    const [first, second] = [tab(), tab()];
    for (const one of [first, second]) one.watch.start();
    await settle();
    expect([first.watch.leads, second.watch.leads]).toEqual([true, false]);
    for (const one of [first, second]) one.see(false);
    expect([first.timers.size, second.timers.size]).toEqual([0, 1]);
    expect([...second.timers][0]?.[0]).toBe(5 * 60_000);
    // Looked at in time.
    second.see(true);
    expect(second.timers.size).toBe(0);
    second.see(false);
    second.wait();
    expect([first.told, second.told]).toEqual([[], ["parked"]]);
    expect(second.watch.parked).toBe(true);
    second.see(true);
    expect(second.told).toEqual(["parked", "back"]);
    second.see(false);
    second.wait();
    expect(second.told).toEqual(["parked", "back", "parked"]);
  });

  test("when the one that keeps watch is gone the next one does, and is connected for it", async () => {
    const { tab } = browser();
    const [first, second, third] = [tab(), tab(), tab()];
    for (const one of [first, second, third]) one.watch.start();
    for (const one of [second, third]) one.see(false);
    await settle();
    second.wait();
    third.wait();
    expect([second.told, third.told]).toEqual([["parked"], ["parked"]]);
    first.watch.close();
    await settle();
    expect([first.watch.leads, second.watch.leads, third.watch.leads]).toEqual([false, true, false]);
    expect([second.told, third.told]).toEqual([["parked", "back"], ["parked"]]);
    expect(second.timers.size).toBe(0);
  });

  test("a tab without a session keeps no watch, hands it on, and parks nothing", async () => {
    const { tab } = browser();
    const [first, second] = [tab(), tab()];
    first.watch.start();
    second.watch.start();
    await settle();
    first.watch.stop();
    first.see(false);
    await settle();
    expect([first.watch.leads, first.timers.size, second.watch.leads]).toEqual([false, 0, true]);
    // It signs in again, and stands in line.
    first.watch.start();
    await settle();
    expect(first.watch.leads).toBe(false);
    first.wait();
    expect(first.told).toEqual(["parked"]);
    // One that leaves while it stands in line never leads.
    first.watch.stop();
    second.watch.stop();
    await settle();
    expect([first.watch.leads, second.watch.leads]).toEqual([false, false]);
  });

  test("with too many connections a tab that is looked at is given those of hidden tabs, but not the one that keeps watch", async () => {
    const { tab } = browser();
    const [first, second, third] = [tab(), tab(), tab()];
    for (const one of [first, second, third]) one.watch.start();
    await settle();
    for (const one of [first, second]) one.see(false);
    expect(third.watch.crowded()).toBe(true);
    expect([first.told, second.told, third.told]).toEqual([[], ["parked"], []]);
    expect(second.timers.size).toBe(0);
    // A hidden one asks for nothing: it does without until it is looked at. The one that keeps watch goes on trying.
    third.see(false);
    expect([third.watch.crowded(), first.watch.crowded()]).toEqual([false, false]);
    expect([first.told, third.told]).toEqual([[], ["parked"]]);
    third.see(true);
    expect(third.told).toEqual(["parked", "back"]);
    // One without a session has none to give.
    second.see(true);
    second.watch.stop();
    second.see(false);
    third.watch.crowded();
    expect(second.told).toEqual(["parked", "back"]);
  });
});
