/** What is measured of how the app feels. Times are printed where they are of interest; they depend on the machine, and no test is decided by them. */
import type { CDPSession, Page } from "playwright-core";

export async function metric(cdp: CDPSession, name: string): Promise<number> {
  const { metrics } = await cdp.send("Performance.getMetrics");
  return metrics.find((one) => one.name === name)?.value ?? 0;
}

export const share = (all: number[], part: number) => [...all].sort((a, b) => a - b)[Math.min(all.length - 1, Math.floor(all.length * part))] ?? 0;

export interface Cold {
  /** Milliseconds from the navigation to the first message that can be read. */
  time: number;
  /** Bytes of script until then, packed. */
  script: number;
  /** What was asked for until then, the page itself included. */
  requests: string[];
}

/** Opens a path in a page that knows nothing yet, on a processor so many times slower. */
export async function cold(page: Page, path: string, slower: number): Promise<Cold> {
  const fresh = await page.context().newPage();
  const cdp = await fresh.context().newCDPSession(fresh);
  await cdp.send("Network.enable");
  await cdp.send("Network.setCacheDisabled", { cacheDisabled: true });
  if (slower > 1) await cdp.send("Emulation.setCPUThrottlingRate", { rate: slower });
  await fresh.addInitScript(() => {
    const look = () => {
      if (!document.querySelector("article")) return requestAnimationFrame(look);
      requestAnimationFrame(() => {
        (window as unknown as { read: number }).read = performance.now();
      });
      return 0;
    };
    requestAnimationFrame(look);
  });
  await fresh.goto(new URL(path, page.url()).href);
  await fresh.waitForFunction(() => (window as unknown as { read?: number }).read !== undefined, undefined, { timeout: 60_000 });
  await fresh.getByRole("textbox", { name: /Message/ }).waitFor();
  const found = await fresh.evaluate(() => {
    const { read } = window as unknown as { read: number };
    // What was asked for afterwards is not what one waited for.
    const all = (performance.getEntriesByType("resource") as PerformanceResourceTiming[]).filter((one) => one.startTime < read);
    const scripts = all.filter((one) => new URL(one.name).pathname.endsWith(".js"));
    return { time: read, script: scripts.reduce((sum, one) => sum + one.encodedBodySize, 0), requests: [location.pathname, ...all.map((one) => new URL(one.name).pathname)] };
  });
  await fresh.close();
  return found;
}

export interface Switch {
  /** Milliseconds from the click to the messages. */
  time: number;
  /** Frames until then. */
  frames: number;
  /** Grey rows stood there meanwhile. */
  skeleton: boolean;
}

/** Clicks on one room after another, each until its messages, which name it, are there. */
export function switching(page: Page, rooms: string[], times: number): Promise<Switch[]> {
  return page.evaluate(async ([ids, count]) => {
    const all: { time: number; frames: number; skeleton: boolean }[] = [];
    for (let n = 0; n < count; n++) {
      const id = ids[n % ids.length] ?? "";
      const began = performance.now();
      let skeleton = false;
      let frames = 0;
      document.querySelector<HTMLElement>(`[data-room="${id}"]`)?.click();
      await new Promise<void>((resolve) => {
        const look = () => {
          frames += 1;
          skeleton ||= document.querySelector("[class*=waiting] > span") !== null;
          if (document.querySelector("article")?.textContent?.includes(id)) setTimeout(resolve);
          else requestAnimationFrame(look);
        };
        requestAnimationFrame(look);
      });
      all.push({ time: performance.now() - began, frames, skeleton });
    }
    return all;
  }, [rooms, times] as const);
}

/** Does something for each number, some side by side. */
export async function pool(count: number, work: (n: number) => Promise<unknown>, abreast = 16): Promise<void> {
  let next = 0;
  const worker = async () => {
    for (let n = next++; n < count; n = next++) await work(n);
  };
  await Promise.all(Array.from({ length: abreast }, worker));
}
