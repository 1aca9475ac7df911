/** How messages are shown: their texts, those they name, when they were written; and at once. */
import { expect, test } from "vitest";
import { picture, still, until } from "./kit/browser.ts";
import { staged } from "./kit/stage.ts";

staged("what is shown of messages, in a browser", [], (world) => {
  test("a mention of another is marked, be it of one who has never spoken, and who they are is asked once", async () => {
    const [a, b, silent] = [await world.newcomer("Ada Ahl"), await world.newcomer("Bea Bru"), await world.newcomer("Cy Cole")];
    const [mine, theirs] = [await world.rest(a.username), await world.rest(b.username)];
    const { id } = await mine<{ id: string }>("POST", "/v1/rooms", { kind: "group", name: "named", members: [`@${b.username}`, `@${silent.username}`] });
    for (let n = 0; n < 5; n++) await theirs("POST", `/v1/rooms/${id}/messages`, { body: `hello ${n} @${silent.username} and @${a.username}`, format: "markdown" });
    const asked: string[] = [];
    a.page.on("request", (request) => asked.push(new URL(request.url()).pathname));
    await a.page.goto(`${world.url}/r/${id}`);
    const marked = a.page.getByRole("article").locator("span[class*=mention]", { hasText: new RegExp(`^@${silent.username}$`) });
    await until(async () => (await marked.count()) === 5, "all of them are marked");
    expect(await a.page.getByRole("article").locator("span[data-own]").count()).toBe(5);
    const questions = asked.filter((path) => path.startsWith("/v1/users/usr_"));
    expect(new Set(questions).size, "one question for each").toBe(questions.length);
  });

  test("with the first row that is drawn those are drawn that are in view: at the end, at the place that was left, and at a message of a link", async () => {
    const { page, username } = await world.newcomer("Dan Dye");
    const mine = await world.rest(username);
    const { id } = await mine<{ id: string }>("POST", "/v1/rooms", { kind: "group", name: "tall" });
    const ids: string[] = [];
    for (let n = 0; n < 44; n++) ids.push((await mine<{ id: string }>("POST", `/v1/rooms/${id}/messages`, { body: n % 8 === 5 ? `tall ${n} ${"word ".repeat(900)}` : `line ${n}` })).id);
    // Looked at right after each drawing, before the next frame: that one can be long in coming.
    await page.addInitScript(() => {
      const seen: string[] = [];
      const inView = () => {
        const list = [...document.querySelectorAll("main [class*=scroller]")].find((one) => one.querySelector("[data-row]"));
        if (!list) return undefined;
        const { top, bottom } = list.getBoundingClientRect();
        return [...list.querySelectorAll("[data-row]")].map((row) => ({ box: row.getBoundingClientRect(), id: row.getAttribute("data-message") ?? "" }))
          .filter(({ box }) => box.bottom > top && box.top < bottom).map((row) => row.id).join(" ");
      };
      Object.assign(window, { seen, inView });
      new MutationObserver(() => {
        const rows = inView();
        if (rows !== undefined) seen.push(rows);
      }).observe(document, { childList: true, subtree: true, attributes: true });
    });
    const drawn = async () => {
      await page.locator("main [data-row]").first().waitFor();
      return page.evaluate(() => (window as unknown as { seen: string[] }).seen);
    };
    const all = async (message: string, what: string) => {
      const seen = await drawn();
      expect(seen.length, what).toBeGreaterThan(0);
      expect(seen.filter((rows) => !rows.split(" ").includes(message)), what).toEqual([]);
    };
    await page.goto(`${world.url}/r/${id}`);
    await all(ids.at(-1) ?? "", "at the end");
    await page.reload();
    await all(ids.at(-1) ?? "", "at the end, after a reload");
    const list = page.locator("main [class*=scroller]").first();
    await list.hover();
    await until(async () => {
      await page.mouse.wheel(0, -700);
      return (await list.evaluate((one) => one.scrollHeight - one.scrollTop - one.clientHeight)) > 2_000;
    }, "one has scrolled up");
    await still(page);
    const before = await page.evaluate(() => (window as unknown as { inView: () => string }).inView());
    await page.reload();
    await all(before.split(" ")[0] ?? "", "at the place that was left");
    await page.goto(`${world.url}/r/${id}/m/${ids[20]}`);
    await all(ids[20] ?? "", "at a link's message");
  });

  test("a time stands on one line beside a name of any length, and nothing scrolls sideways", async () => {
    for (const [name, width] of [["Maximiliana-Friederike von Hohenstein und zu Gammelsdorf", 1_280], [`Rindfleisch${"etikettierung".repeat(4)}`, 1_280], ["Maximiliana-Friederike von Hohenstein", 320]] as const) {
      const { page, username } = await world.newcomer("Max Mo", { viewport: { width, height: 640 } });
      const mine = await world.rest(username);
      await mine("PATCH", "/v1/users/me", { display_name: name });
      const { id } = await mine<{ id: string }>("POST", "/v1/rooms", { kind: "group", name: "long" });
      const root = await mine<{ id: string }>("POST", `/v1/rooms/${id}/messages`, { body: "wrap" });
      await mine("POST", `/v1/rooms/${id}/messages`, { body: "answer", thread_root_id: root.id });
      await page.goto(`${world.url}/r/${id}/t/${root.id}`);
      await page.getByRole("article", { name: /: answer/ }).waitFor();
      const times = await page.locator("article [class*=time]").evaluateAll((all) => all.map((one) => ({ height: one.getBoundingClientRect().height, line: parseFloat(getComputedStyle(one).lineHeight), out: one.getBoundingClientRect().right > (one.closest("article")?.getBoundingClientRect().right ?? 0) })));
      expect(times.length).toBeGreaterThan(0);
      for (const { height, line, out } of times) expect([Math.round(height / line), out], `${name} at ${width}`).toEqual([1, false]);
      expect(await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth)).toBeLessThanOrEqual(0);
      await picture(page, `long-name-${width}`);
    }
  });
});
