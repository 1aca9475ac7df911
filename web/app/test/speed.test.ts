import { expect, test } from "vitest";
import { still, until } from "./kit/browser.ts";
import { staged } from "./kit/stage.ts";

staged("the speed of the app in a browser", [], (world) => {
  test("how fast: printed beside the budget; a busy machine is no failure", async () => {
    const { page, username } = await world.newcomer("Jo Jung");
    const signedIn = await fetch(`${world.url}/v1/sessions`, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify({ login: username, password: "a wordy secret" }) });
    const { access_token } = (await signedIn.json()) as { access_token: string };
    const post = async (path: string, body: object) => (await (await fetch(world.url + path, { method: "POST", headers: { "content-type": "application/json", authorization: `Bearer ${access_token}` }, body: JSON.stringify(body) })).json()) as { id: string };
    const rooms: string[] = [];
    for (let n = 0; n < 5; n++) {
      const { id } = await post("/v1/rooms", { kind: "group", name: `speed ${n}` });
      rooms.push(id);
      for (let i = 0; i < (n === 0 ? 250 : 30); i++) await post(`/v1/rooms/${id}/messages`, { body: `of ${id}: line ${i} ${"word ".repeat(i % 30)}` });
    }
    for (const id of rooms) {
      await page.locator(`[data-room="${id}"]`).click();
      await page.getByText(`of ${id}`).first().waitFor();
    }
    const switches = await page.evaluate(async (ids) => {
      const times: number[] = [];
      for (let n = 0; n < 40; n++) {
        const id = ids[n % ids.length] ?? "";
        const began = performance.now();
        document.querySelector<HTMLElement>(`[data-room="${id}"]`)?.click();
        await new Promise<void>((resolve) => {
          const look = () => (document.querySelector("article")?.textContent?.includes(id) ? resolve() : requestAnimationFrame(look));
          requestAnimationFrame(look);
        });
        times.push(performance.now() - began);
      }
      return times;
    }, rooms);
    await page.locator(`[data-room="${rooms[0]}"]`).click();
    await page.getByText(`of ${rooms[0]}`).first().waitFor();
    const frames = await page.locator("[class*=scroller]").evaluate(async (element) => {
      const deltas: number[] = [];
      let last = performance.now();
      const end = last + 4_000;
      while (last < end) {
        const now = await new Promise<number>((resolve) => requestAnimationFrame(resolve));
        deltas.push(now - last);
        // Three screens a second, upwards.
        element.scrollTop -= (element.clientHeight * 3 * (now - last)) / 1000;
        last = now;
      }
      return deltas.slice(1);
    });
    const at = (times: number[], share: number) => [...times].sort((x, y) => x - y)[Math.min(times.length - 1, Math.floor(times.length * share))] ?? 0;
    for (const [what, value, budget] of [["click to a room seen before, p95", at(switches, 0.95), 100], ["frame while scrolling, p95", at(frames, 0.95), 17]] as const) {
      console.log(`${what.padEnd(36)} ${value.toFixed(1).padStart(7)} ms of ${budget} ms  ${value > budget * 1.05 ? "OVER" : "ok"}`);
    }
    expect(at(switches, 0.5)).toBeLessThan(500);
  });

  test("a message that comes draws itself, and no other one anew", async () => {
    const { page, username } = await world.newcomer("Ned Nye");
    const post = await world.rest(username);
    const { id } = await post<{ id: string }>("POST", "/v1/rooms", { kind: "group", name: "calm" });
    const say = (body: string) => post("POST", `/v1/rooms/${id}/messages`, { body, format: "markdown" });
    for (let n = 0; n < 5; n++) await say(`line ${n} of https://example.org/${n}`);
    // The names and pictures of all members come with one answer, a moment after the messages.
    const members = page.waitForResponse((answer) => answer.url().includes(`/v1/rooms/${id}/members`));
    await page.goto(`${world.url}/r/${id}`);
    const seen = (text: string) => page.getByRole("article", { name: text }).waitFor();
    await seen("line 4");
    await members;
    await still(page);
    // Whenever a message is drawn it sets which of its links are stops of Tab: that can be seen from outside.
    await page.evaluate(() => {
      const kept = window as unknown as { drawn: string[] };
      kept.drawn = [];
      const watch = new MutationObserver((all) => kept.drawn.push(...all.map((one) => (one.target as HTMLElement).getAttribute("href") ?? "")));
      for (const link of document.querySelectorAll("article a[href]")) watch.observe(link, { attributes: true });
    });
    for (let n = 5; n < 8; n++) {
      await say(`line ${n}`);
      await seen(`line ${n}`);
    }
    const drawn = () => page.evaluate(() => (window as unknown as { drawn: string[] }).drawn);
    // The one that was the last gives the stop of Tab on.
    await until(async () => (await drawn()).length > 0, "something is drawn");
    expect(new Set(await drawn())).toEqual(new Set(["https://example.org/4"]));
  });
});
