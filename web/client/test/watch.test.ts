/** Tabs of one browser: one keeps watch, the others give their connection back when they are hidden for long. */
import { describe, expect, test } from "vitest";
import { platform } from "../src/platform.ts";
import { Watch } from "../src/watch.ts";

/** A browser with a lock for all of its tabs. */
function browser() {
  let held: ((stolen: Error) => void) | undefined;
  const line: (() => void)[] = [];
  // As in a browser, one who is not patient takes the lock from the tab that has it, which is told.
  const exclusively = <T>(_name: string, patience: number, work: () => Promise<T>): Promise<T> => new Promise((resolve, reject) => {
    const grant = () => {
      held = reject;
      // A callback of a lock is never called at once.
      queueMicrotask(() => void work().then(resolve, reject).finally(() => {
        if (held !== reject) return;
        held = undefined;
        line.shift()?.();
      }));
    };
    if (held && patience === Infinity) return void line.push(grant);
    held?.(new Error("stolen"));
    grant();
  });
  const channels = new Set<(message: unknown) => void>();
  const said: unknown[] = [];
  const channel = () => {
    let own: (message: unknown) => void = () => undefined;
    return {
      // As in a browser, it is heard by all others.
      post: (message: unknown) => {
        said.push(message);
        channels.forEach((heard) => heard === own || heard(message));
      },
      listen: (heard: (message: unknown) => void) => void channels.add((own = heard)),
      close: () => void channels.delete(own),
    };
  };
  const tab = () => {
    const told: string[] = [];
    const timers = new Set<[number, () => void]>();
    let visible = true;
    let changed: () => void = () => undefined;
    let heard: (message: unknown) => void = () => undefined;
    let frozen: unknown[] | undefined;
    const given = platform({ exclusively, random: () => 0.5, channel: () => {
      const own = channel();
      return { ...own, listen: (hear) => own.listen((heard = (message) => (frozen ? void frozen.push(message) : hear(message)))) };
    }, visible: () => visible, onVisible: (heard) => {
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
      /** Nothing runs in it; what was said to it is heard afterwards. */
      freeze: () => void (frozen = []),
      thaw: () => {
        const missed = frozen ?? [];
        frozen = undefined;
        missed.forEach(heard);
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
  return { tab, said };
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
    // It only looks whether watch is kept.
    expect([...second.timers].map(([milliseconds]) => milliseconds)).toEqual([60_000]);
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

  test("the one that keeps watch answers at once that it does, and the others leave it to it", async () => {
    const { tab, said } = browser();
    const [first, second] = [tab(), tab()];
    for (const one of [first, second]) one.watch.start();
    await settle();
    said.length = 0;
    const both = Promise.all([second.watch.wanted(), second.watch.wanted()]);
    expect(said).toEqual(["who", "here"]);
    expect([await both, await first.watch.wanted(), second.timers.size]).toEqual([[false, false], true, 0]);
    // One without a session is told of nothing.
    expect(await tab().watch.wanted()).toBe(false);
  });

  test("a frozen tab does not silence the others: one of them takes the watch, and it stands in line again when it thaws", async () => {
    const { tab } = browser();
    const [first, second, third] = [tab(), tab(), tab()];
    for (const one of [first, second, third]) one.watch.start();
    await settle();
    first.freeze();
    const asked = Promise.all([second.watch.wanted(), third.watch.wanted()]);
    expect([...second.timers].map(([milliseconds]) => milliseconds)).toEqual([3_250]);
    // Of the two that wait the first one is enough: it says so, and the other one does not.
    second.wait();
    expect(await asked).toEqual([true, false]);
    await settle();
    expect([second.watch.leads, third.watch.leads, third.timers.size]).toEqual([true, false, 0]);
    first.thaw();
    await settle();
    expect(first.watch.leads).toBe(false);
    second.watch.close();
    await settle();
    // Both stand in line, and one of them is the next.
    expect([first.watch.leads, third.watch.leads].filter(Boolean).length).toBe(1);
  });

  test("one that was parked looks now and then, and has its connection again when no tab keeps watch any more", async () => {
    const { tab } = browser();
    const [first, second] = [tab(), tab()];
    for (const one of [first, second]) one.watch.start();
    for (const one of [first, second]) one.see(false);
    await settle();
    second.wait();
    // It is kept.
    second.wait();
    await settle();
    expect(second.told).toEqual(["parked"]);
    expect([...second.timers].map(([milliseconds]) => milliseconds)).toEqual([60_000]);
    first.freeze();
    second.wait();
    second.wait();
    await settle();
    expect([second.told, second.watch.leads, second.timers.size]).toEqual([["parked", "back"], true, 0]);
    // The frozen one is told when it thaws, and may be parked like any other.
    first.thaw();
    await settle();
    expect([first.watch.leads, first.timers.size]).toEqual([false, 1]);
  });
});
