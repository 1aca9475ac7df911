/** A laptop that sleeps: its browser stands still, and its connections die without a word. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { Proxy } from "../../client/test/proxy.ts";
import { enter, Laptop, until } from "./kit/browser.ts";
import { pool } from "./kit/feeling.ts";
import { staged } from "./kit/stage.ts";

/** Messages that are written meanwhile. */
const MISSED = 500;

interface Listed {
  items: { id: string }[];
  next_cursor: string | null;
}

staged("a laptop asleep, in a browser", [], (world) => {
  let proxy: Proxy;
  let laptop: Laptop;

  beforeAll(async () => {
    laptop = await Laptop.start();
    proxy = await Proxy.to(Number(new URL(world.url).port));
  });

  afterAll(async () => {
    await laptop?.close();
    await proxy?.close();
  });

  test("awake again it has a new connection and all that it missed, and the page was not loaded anew", async () => {
    const sleeper = await world.comeIn(await (await world.context({}, laptop.browser)).newPage(), "Sue Sly", proxy.url);
    const watcher = await world.newcomer("Wes Wake");
    const rest = await world.rest(watcher.username);
    const { id } = await rest<{ id: string }>("POST", "/v1/rooms", { kind: "group", name: "asleep", members: [`@${sleeper.username}`] });
    await rest("POST", `/v1/rooms/${id}/messages`, { body: "before the night" });
    const { page } = sleeper;
    await enter(page, "asleep");
    await page.getByText("before the night").waitFor();
    await page.evaluate(() => Object.assign(window, { same: true }));
    await enter(watcher.page, "asleep");
    await watcher.page.getByRole("button", { name: /^Members/ }).click();
    const members = watcher.page.getByRole("complementary", { name: "Members" });
    await members.getByTitle("here").waitFor();

    laptop.sleep();
    proxy.lose();
    await pool(MISSED, (n) => rest("POST", `/v1/rooms/${id}/messages`, { body: `missed ${n}` }));
    // As long as it takes the server to give the connection up, which is about a minute.
    await members.getByTitle("here").waitFor({ state: "detached", timeout: 120_000 });

    const sockets: number[] = [];
    page.on("websocket", () => sockets.push(Date.now()));
    const woken = Date.now();
    laptop.wake();
    await until(() => sockets.length > 0, "there is another socket", 30_000);
    const reconnected = Math.min(...sockets) - woken;
    const all: string[] = [];
    for (let before = ""; ; ) {
      const listed = await rest<Listed>("GET", `/v1/rooms/${id}/messages?limit=200${before}`);
      all.unshift(...listed.items.map((one) => one.id));
      if (!listed.next_cursor) break;
      before = `&before=${listed.items[0]?.id}`;
    }
    expect(all).toHaveLength(MISSED + 1);
    await page.locator(`[data-message="${all.at(-1)}"]`).waitFor();
    console.log(`a new socket ${reconnected} ms after waking, the newest of ${MISSED} messages ${Date.now() - woken} ms after it`);
    expect(reconnected).toBeLessThan(5_000);
    // From the newest to the oldest, without a gap, in order.
    const scroller = page.getByRole("main").locator("[class*=scroller]").first();
    const seen: string[] = [];
    await until(async () => {
      const shown = await scroller.evaluate((element) => {
        const ids = [...element.querySelectorAll<HTMLElement>("[data-message]")].map((row) => row.dataset["message"] ?? "");
        element.scrollTop -= element.clientHeight / 2;
        return ids;
      });
      seen.unshift(...shown.filter((one) => !seen.includes(one)));
      return seen.length === all.length;
    }, "all of them went by", 60_000);
    expect(seen).toEqual(all);
    expect(await page.evaluate(() => (window as unknown as { same?: boolean }).same)).toBe(true);
    expect(await page.getByText(/Offline|Connecting/).count()).toBe(0);
  }, 300_000);
});
