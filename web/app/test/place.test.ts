/** Nothing moves that the reader did not move, and every place is found again. */
import type { Page, Route } from "playwright-core";
import { expect, test } from "vitest";
import { enter, png, until, type World, write } from "./kit/browser.ts";
import { switching } from "./kit/feeling.ts";
import { staged } from "./kit/stage.ts";

type Rest = Awaited<ReturnType<World["rest"]>>;

staged("places in a timeline, in a browser", [], (world) => {
  const scroller = (page: Page) => page.getByRole("main").locator("[class*=scroller]").first();
  const frames = (page: Page) => page.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(() => resolve(true)))));

  /** The first message in view, and where its top is. */
  const first = (page: Page) => scroller(page).evaluate((element) => {
    const top = element.getBoundingClientRect().top;
    const row = [...element.querySelectorAll<HTMLElement>("[data-row]")].find((one) => one.getBoundingClientRect().top >= top);
    return { key: row?.dataset["row"] ?? "", top: (row?.getBoundingClientRect().top ?? 0) - top };
  });

  /** Waits until nothing has moved for a while. */
  async function settled(page: Page): Promise<{ key: string; top: number }> {
    let before = await first(page);
    for (let same = 0; same < 6; ) {
      await frames(page);
      const now = await first(page);
      same = now.key === before.key && Math.abs(now.top - before.top) < 0.5 ? same + 1 : 0;
      before = now;
    }
    return before;
  }

  const behind = (page: Page) => scroller(page).evaluate((element) => element.scrollHeight - element.scrollTop - element.clientHeight);

  async function filled(username: string, name: string, count: number, ...members: string[]): Promise<{ id: string; rest: Rest; ids: string[] }> {
    const rest = await world.rest(username);
    const { id } = await rest<{ id: string }>("POST", "/v1/rooms", { kind: "group", name, members: members.map((one) => `@${one}`) });
    const ids: string[] = [];
    for (let n = 0; n < count; n++) ids.push((await rest<{ id: string }>("POST", `/v1/rooms/${id}/messages`, { body: `${name} ${n} ${"word ".repeat((n * 7) % 50)}` })).id);
    return { id, rest, ids };
  }

  test("the end is followed while one is there, and nowhere else; the button and one's own message lead back to it", async () => {
    const { page, username } = await world.newcomer("Finn Fay");
    const other = await world.newcomer("Olga Orr");
    const { id } = await filled(username, "tides", 150, other.username);
    const theirs = await world.rest(other.username);
    await enter(page, "tides");
    await page.getByText("tides 149 ").waitFor();
    for (let n = 0; n < 50; n++) await theirs("POST", `/v1/rooms/${id}/messages`, { body: `arrived ${n}` });
    await page.getByText("arrived 49", { exact: true }).waitFor();
    await until(async () => (await behind(page)) <= 80, "the end is kept");
    await scroller(page).hover();
    await page.mouse.wheel(0, -3_000);
    const before = await settled(page);
    for (let n = 50; n < 100; n++) await theirs("POST", `/v1/rooms/${id}/messages`, { body: `arrived ${n}` });
    await page.getByRole("button", { name: "50 new" }).waitFor();
    const after = await settled(page);
    expect(after.key).toBe(before.key);
    expect(Math.abs(after.top - before.top)).toBeLessThanOrEqual(1);
    await page.getByRole("button", { name: "50 new" }).click();
    await page.getByText("arrived 99", { exact: true }).waitFor();
    await until(async () => (await behind(page)) <= 80, "the true end");
    await page.mouse.wheel(0, -3_000);
    await settled(page);
    await write(page, "mine");
    await page.getByText("mine", { exact: true }).waitFor();
    await until(async () => (await behind(page)) <= 80, "one's own message leads to the end");
  });

  test("from an old message, with pages between, the button leads to the true end, and so does what one writes", async () => {
    const { page, username } = await world.newcomer("Olle Old");
    const other = await world.newcomer("Nora New");
    const { id, ids } = await filled(username, "between", 220, other.username);
    const theirs = await world.rest(other.username);
    await page.goto(`${world.url}/r/${id}/m/${ids[20]}`);
    await until(() => page.evaluate((message) => document.activeElement?.getAttribute("data-message") === message, ids[20]), "the message has the focus");
    expect(await page.getByText("between 219 ").count()).toBe(0);
    await page.getByRole("button", { name: "To the newest" }).waitFor();
    // What comes meanwhile is counted, though it is not among what is shown.
    for (let n = 0; n < 3; n++) await theirs("POST", `/v1/rooms/${id}/messages`, { body: `meanwhile ${n}` });
    await page.getByRole("button", { name: "3 new" }).click();
    await page.getByText("meanwhile 2").waitFor();
    await page.getByRole("button", { name: /new/ }).and(page.locator("[class*=newsButton]")).waitFor({ state: "detached" });
    await settled(page);
    expect(await behind(page)).toBeLessThanOrEqual(1);
    // Back there by another link; one writes while the end is out of sight.
    await page.evaluate((path) => history.pushState(null, "", path), `/r/${id}/m/${ids[60]}`);
    await until(() => page.evaluate((message) => document.activeElement?.getAttribute("data-message") === message, ids[60]), "the other one has the focus");
    await write(page, "about that");
    await page.getByRole("article", { name: /: about that$/ }).waitFor();
    await until(async () => (await page.getByRole("article", { name: /: about that$/ }).getAttribute("data-message")) !== null, "it is stored");
    await settled(page);
    expect(await behind(page)).toBeLessThanOrEqual(1);
    // And at the keyboard: End is the newest message, wherever one reads.
    await page.evaluate((path) => history.pushState(null, "", path), `/r/${id}/m/${ids[20]}`);
    await until(() => page.evaluate((message) => document.activeElement?.getAttribute("data-message") === message, ids[20]), "the first one has the focus");
    await page.keyboard.press("End");
    await until(() => page.evaluate(() => document.activeElement?.getAttribute("aria-label")?.endsWith(": about that") ?? false), "the newest has the focus");
  });

  test("of a room with more news than are read at once the button tells how many there are, and goes on telling when the last of them are read", async () => {
    const { page, username } = await world.newcomer("Anni Away");
    const { id, ids } = await filled((await world.newcomer("Berta Busy")).username, "busy", 120, username);
    const own = await world.rest(username);
    await own("PUT", `/v1/rooms/${id}/read`, { message_id: ids[9] });
    const unread = async () => (await own<{ membership: { unread_count: number } }>("GET", `/v1/rooms/${id}`)).membership.unread_count;
    await until(async () => (await unread()) === 110, "it is known what is read");
    // Where one begins is decided at the opening.
    await page.reload();
    await enter(page, "busy");
    const button = page.locator("[class*=newsButton]");
    await page.getByRole("button", { name: /^1\d\d new$/ }).waitFor();
    await scroller(page).hover();
    const told = async () => Number(/^(\d+) new$/.exec((await button.textContent()) ?? "")?.[1]);
    for (let n = 0; n < 200 && (await page.getByText("busy 119 ").count()) === 0; n++) {
      expect(await told()).toBeGreaterThan(0);
      expect(await told()).toBeLessThanOrEqual(110);
      await page.mouse.wheel(0, 300);
      await frames(page);
    }
    expect(await page.getByText("busy 119 ").count()).toBe(1);
    expect(await behind(page)).toBeGreaterThan(80);
    expect(await told()).toBeGreaterThan(0);
    expect(await told()).toBeLessThanOrEqual(110);
    await button.click();
    await button.waitFor({ state: "detached" });
    expect(await behind(page)).toBeLessThanOrEqual(80);
    // By now all are read: of those that one goes by again none is new.
    await until(async () => (await unread()) === 0, "all are read");
    await page.goto(`${world.url}/r/${id}/m/${ids[5]}`);
    await page.getByText("busy 5 ").waitFor();
    await button.waitFor();
    await scroller(page).hover();
    for (let n = 0; n < 200 && (await button.count()) > 0; n++) {
      expect(await button.textContent({ timeout: 1_000 }).catch(() => "To the newest")).toBe("To the newest");
      await page.mouse.wheel(0, 300);
      await frames(page);
    }
    expect(await button.count()).toBe(0);
  });

  test("a room whose end was asked for is let go of like any other, once twenty were opened after it", async () => {
    const { page, username } = await world.newcomer("Lena Let");
    const { id, ids, rest } = await filled(username, "held", 120);
    const others: string[] = [];
    for (let n = 0; n < 21; n++) {
      const other = (await rest<{ id: string }>("POST", "/v1/rooms", { kind: "group", name: `other ${n}` })).id;
      await rest("POST", `/v1/rooms/${other}/messages`, { body: `of ${other}` });
      others.push(other);
    }
    await page.goto(`${world.url}/r/${id}/m/${ids[5]}`);
    await page.getByText("held 5 ").waitFor();
    await page.getByRole("button", { name: "To the newest" }).click();
    await page.getByText("held 119 ").waitFor();
    await page.locator(`[data-room="${others[20]}"]`).waitFor();
    await switching(page, others, others.length);
    const again = page.waitForRequest((request) => request.url().includes(`/rooms/${id}/messages`));
    await page.locator(`[data-room="${id}"]`).click();
    await page.getByText("held 119 ").waitFor();
    await again;
  });

  test("of twenty pages that come above while one turns the wheel nothing moves what is read", async () => {
    const { page, username } = await world.newcomer("Wim Wheel");
    await filled(username, "wheel", 1_060);
    await enter(page, "wheel");
    await page.getByText("wheel 1059 ").waitFor();
    await scroller(page).hover();
    let pages = 0;
    page.on("response", (response) => {
      if (response.url().includes("before=")) pages += 1;
    });
    let worst = 0;
    for (let step = 0; step < 150; step++) {
      await page.mouse.wheel(0, -600);
      // Once the wheel has been turned, what is first in view stays there until nothing comes any more.
      const came = pages;
      await frames(page);
      const before = await first(page);
      await page.waitForFunction(() => document.querySelector("[role=feed][aria-busy=true]") === null);
      await (pages > came ? settled(page) : frames(page));
      const now = await scroller(page).evaluate((element, key) => (element.querySelector(`[data-row="${key}"]`)?.getBoundingClientRect().top ?? 0) - element.getBoundingClientRect().top, before.key);
      worst = Math.max(worst, Math.abs(now - before.top));
    }
    console.log(`${pages} pages came above while the wheel was turned 150 times; the most that a row moved: ${worst.toFixed(2)} px`);
    expect(worst).toBeLessThanOrEqual(1);
    expect(pages).toBeGreaterThanOrEqual(20);
  }, 300_000);

  test("one who goes on scrolling up through pages that come moves by what they scroll, and no further", async () => {
    const { page, username } = await world.newcomer("Una Ude");
    await filled(username, "tall", 220);
    await enter(page, "tall");
    await page.getByText("tall 219 ").waitFor();
    const [jump, pages] = await scroller(page).evaluate(async (element) => {
      const frame = () => new Promise<number>((resolve) => requestAnimationFrame(resolve));
      const step = 24;
      let worst = 0;
      let grown = 0;
      for (let more = 0; more < 1_500 && (element.scrollTop > step || more < 3); more++) {
        const middle = element.getBoundingClientRect().top + element.clientHeight / 2;
        const row = [...element.querySelectorAll<HTMLElement>("[data-row]")].find((one) => one.getBoundingClientRect().top >= middle);
        const [top, height, at] = [row?.getBoundingClientRect().top ?? 0, element.scrollHeight, element.scrollTop];
        element.scrollTop = at - step;
        await frame();
        if (element.scrollHeight - height > 500) grown += 1;
        // At the top there is nothing to scroll by until a page has come. Where a step and a correction meet, a step may be lost.
        const moved = (row?.getBoundingClientRect().top ?? 0) - top;
        if (row?.isConnected && at > step) worst = Math.max(worst, moved - step, -moved);
      }
      return [worst, grown] as const;
    });
    expect(pages).toBeGreaterThan(2);
    expect(jump).toBeLessThanOrEqual(1);
  });

  test("each room keeps its place: over a switch, a link and back, and a reload", async () => {
    const { page, username } = await world.newcomer("Pat Poe");
    await filled(username, "elsewhere", 5);
    const { id, ids } = await filled(username, "long", 200);
    await enter(page, "long");
    await page.getByText("long 199 ").waitFor();
    await scroller(page).hover();
    for (let step = 0; step < 4; step++) {
      await page.mouse.wheel(0, -1_130);
      await settled(page);
    }
    const before = await settled(page);
    const same = async (what: string) => {
      await page.locator(`[data-row="${before.key}"]`).waitFor();
      const now = await settled(page);
      expect(now.key, what).toBe(before.key);
      expect(Math.abs(now.top - before.top), what).toBeLessThanOrEqual(2);
    };
    await enter(page, "elsewhere");
    await page.getByText("elsewhere 4 ").waitFor();
    await enter(page, "long");
    await same("a switch");
    await page.getByRole("navigation", { name: "Rooms" }).getByRole("link", { name: /Inbox/ }).click();
    await page.getByRole("heading", { level: 1, name: "Inbox" }).waitFor();
    await page.goBack();
    await same("a link and back");
    await page.reload();
    await same("a reload");
    // A link to a message is another place; what comes back afterwards is the end of that.
    await page.goto(`${world.url}/r/${id}/m/${ids[20]}`);
    await until(() => page.evaluate((message) => document.activeElement?.getAttribute("data-message") === message, ids[20]), "the message has the focus");
  });

  test("of two jumps the last one lands, an answer opens its thread, and one who left is not called back", async () => {
    const { page, username } = await world.newcomer("Jan Joy");
    const { id, rest, ids } = await filled(username, "jumps", 180);
    await filled(username, "beside", 3);
    const answer = await rest<{ id: string }>("POST", `/v1/rooms/${id}/messages`, { body: "an answer in the thread", thread_root_id: ids[30] });
    await enter(page, "jumps");
    await page.getByText("jumps 179 ").waitFor();
    await page.evaluate(() => {
      const marks = new Set<string>();
      Object.assign(window, { marks });
      const look = () => {
        for (const row of document.querySelectorAll<HTMLElement>("[data-marked]")) marks.add(row.dataset["message"] ?? "");
        requestAnimationFrame(look);
      };
      look();
    });
    await page.evaluate(([one, two]) => {
      history.pushState(null, "", one);
      history.pushState(null, "", two);
    }, [`/r/${id}/m/${ids[10]}`, `/r/${id}/m/${ids[90]}`]);
    await until(() => page.evaluate((message) => document.activeElement?.getAttribute("data-message") === message, ids[90]), "the last one has the focus");
    const middle = await page.locator(`[data-message="${ids[90]}"]`).evaluate((row) => {
      const view = row.closest("[class*=scroller]")?.getBoundingClientRect();
      const own = row.getBoundingClientRect();
      return Math.abs(own.top + own.height / 2 - ((view?.top ?? 0) + (view?.height ?? 0) / 2)) / (view?.height ?? 1);
    });
    expect(middle).toBeLessThan(0.25);
    // It is marked for a while, whatever comes meanwhile.
    await rest("POST", `/v1/rooms/${id}/messages`, { body: "meanwhile" });
    await page.locator("[data-marked]").waitFor({ state: "detached" });
    expect(await page.evaluate(() => [...(window as unknown as { marks: Set<string> }).marks])).toContain(ids[90]);
    await page.goto(`${world.url}/r/${id}/m/${answer.id}`);
    await page.getByRole("complementary", { name: "Thread" }).getByText("an answer in the thread").waitFor();
    await page.goto(`${world.url}/r/${id}/m/${ids[10]}`);
    await enter(page, "beside");
    await page.getByText("beside 2 ").waitFor();
    await settled(page);
    expect(new URL(page.url()).pathname).not.toContain("/m/");
    expect(await page.getByRole("heading", { level: 1 }).innerText()).toBe("# beside");
  });

  test("of a jump that is answered late nothing comes, once there was another one or one has left; of one in vain a notice comes, and the view stays", async () => {
    const { page, username } = await world.newcomer("Lea Late");
    const { id, ids } = await filled(username, "late", 180);
    const third = await filled(username, "third", 120);
    await filled(username, "aside", 3);
    const [first10, first90, left] = [ids[10] ?? "", ids[90] ?? "", third.ids[5] ?? ""];
    // What is asked around these is answered when it is let go.
    const held = new Map<string, Route>();
    await page.route(/\/messages\?.*around=/, async (route) => {
      const around = new URL(route.request().url()).searchParams.get("around") ?? "";
      if (around === first10 || around === left) held.set(around, route);
      else await route.continue();
    });
    const release = async (message: string) => {
      const answered = page.waitForResponse((response) => response.url().includes(`around=${message}`));
      await held.get(message)?.continue();
      await (await answered).finished();
      await frames(page);
    };
    const jump = (message: string, room = id) => page.evaluate((path) => history.pushState(null, "", path), `/r/${room}/m/${message}`);
    const has = (message: string) => page.evaluate((one) => document.activeElement?.getAttribute("data-message") === one, message);
    await enter(page, "late");
    await page.getByText("late 179 ").waitFor();
    await jump(first10);
    await until(() => held.has(first10), "the first one is asked for");
    await jump(first90);
    await until(() => has(first90), "the last one has the focus, and waits for no other");
    const stands = await settled(page);
    await release(first10);
    expect(await settled(page)).toEqual(stands);
    expect(await has(first90)).toBe(true);
    // In vain.
    await jump("msg_00000000000000000000000000");
    await page.getByText("not here any more").waitFor();
    const after = await settled(page);
    expect(after.key).toBe(stands.key);
    // The view goes on: pages before it come when they are wanted.
    await scroller(page).hover();
    await until(async () => {
      await page.mouse.wheel(0, -3_000);
      await frames(page);
      return page.getByText("late 0 ").isVisible();
    }, "the first message is there");
    // Left in between.
    await enter(page, "third");
    await page.getByText("third 119 ").waitFor();
    await jump(left, third.id);
    await until(() => held.has(left), "it is asked for");
    await enter(page, "aside");
    await page.getByText("aside 2 ").waitFor();
    const there = await settled(page);
    await release(left);
    expect(await settled(page)).toEqual(there);
    expect(new URL(page.url()).pathname).not.toContain("/m/");
    expect(await page.getByRole("heading", { level: 1 }).innerText()).toBe("# aside");
    expect(await page.getByRole("complementary").count()).toBe(0);
  });

  test("nothing moves when a message above is edited or gets a reaction, when pictures come late, and when the window changes", async () => {
    const { page, username } = await world.newcomer("Stu Stil");
    const other = await world.newcomer("Vic Vie");
    const { id, ids } = await filled(username, "still", 90, other.username);
    const theirs = await world.rest(other.username);
    const rest = await world.rest(username);
    await enter(other.page, "still");
    const chooser = other.page.getByRole("form", { name: "Write a message" }).locator("[data-files]");
    for (let n = 0; n < 3; n++) {
      await chooser.setInputFiles([{ name: `pier ${n}.png`, mimeType: "image/png", buffer: png(600, 400, [10, 90 * n, 107]) }]);
      await other.page.getByRole("button", { name: `Remove pier ${n}.png` }).waitFor();
      await other.page.getByRole("button", { name: "Send" }).click();
      await other.page.getByRole("button", { name: `Open the picture pier ${n}.png` }).waitFor();
    }
    let newest = "";
    for (let n = 0; n < 12; n++) newest = (await theirs<{ id: string }>("POST", `/v1/rooms/${id}/messages`, { body: `behind ${n} ${"word ".repeat(n * 5)}` })).id;
    await rest("PUT", `/v1/rooms/${id}/read`, { message_id: newest });
    // Pictures wait until they are let through.
    const held: (() => void)[] = [];
    let waits = true;
    await page.route("**/*", async (route) => {
      if (route.request().resourceType() === "image" && waits) await new Promise<void>((resolve) => held.push(resolve));
      await route.continue().catch(() => undefined);
    });
    await page.goto(`${world.url}/r/${id}`);
    await page.getByText("behind 11 ").waitFor();
    await scroller(page).hover();
    await page.mouse.wheel(0, -500);
    const before = await settled(page);
    const same = async (what: string) => {
      await settled(page);
      const row = await page.locator(`[data-row="${before.key}"]`).evaluate((one) => one.getBoundingClientRect().top - (one.closest("[class*=scroller]")?.getBoundingClientRect().top ?? 0));
      expect(Math.abs(row - before.top), what).toBeLessThanOrEqual(1);
    };
    await until(() => held.length > 0, "pictures are asked for");
    waits = false;
    for (const go of held) go();
    await until(() => page.getByRole("main").locator("article img[width]").evaluateAll((all) => all.length > 0 && all.every((one) => (one as HTMLImageElement).naturalWidth > 0)), "the pictures are there");
    await same("pictures that came late");
    const above = ids.at(-3) ?? "";
    await rest("PATCH", `/v1/messages/${above}`, { body: `edited ${"and longer ".repeat(40)}` });
    await until(async () => (await rest<{ body: string }>("GET", `/v1/messages/${above}`)).body.startsWith("edited"), "it is edited");
    await same("an edit above");
    await theirs("PUT", `/v1/messages/${ids.at(-2)}/reactions/${encodeURIComponent("👍")}`);
    await same("a reaction above");
    for (const height of [600, 800]) {
      await page.setViewportSize({ width: 1280, height });
      await same(`a window of ${height} pixels`);
    }
  });
});
