/** What a screen says where something is missing: a connection, an answer, leave to write, a mouse. */
import type { Page } from "playwright-core";
import { expect, test } from "vitest";
import { enter, faults, Laptop, picture, until, World, write } from "./kit/browser.ts";
import { staged } from "./kit/stage.ts";

type Rest = Awaited<ReturnType<World["rest"]>>;

const box = (page: Page) => page.getByRole("main").getByRole("textbox", { name: /^Message/ });

staged("what is missing, in a browser", [], (world) => {
  async function made(username: string, name: string, ...members: string[]): Promise<{ id: string; rest: Rest }> {
    const rest = await world.rest(username);
    const { id } = await rest<{ id: string }>("POST", "/v1/rooms", { kind: "group", name, members: members.map((one) => `@${one}`) });
    return { id, rest };
  }

  test("one who is muted reads why, and writes again when the time is over, without anything that happens", async () => {
    const [host, guest] = [await world.newcomer("Hedda Host"), await world.newcomer("Gero Guest")];
    const { id, rest } = await made(host.username, "quiet", guest.username);
    const { page } = guest;
    await page.clock.install();
    await page.goto(`${world.url}/r/${id}`);
    await box(page).fill("half a thought");
    const { items } = await rest<{ items: { user_id: string; user: { username: string } }[] }>("GET", `/v1/rooms/${id}/members`);
    const member = items.find((one) => one.user.username === guest.username)?.user_id;
    await rest("PATCH", `/v1/rooms/${id}/members/${member}`, { muted_until: new Date(Date.now() + 600_000).toISOString() });
    await page.getByText(/You are muted here until/).waitFor();
    expect(await box(page).count()).toBe(0);
    expect(await faults(page)).toEqual([]);
    await picture(page, "muted");
    await page.clock.fastForward(500_000);
    expect(await page.getByText(/You are muted here until/).count()).toBe(1);
    await page.clock.fastForward(200_000);
    await until(async () => (await box(page).inputValue({ timeout: 1_000 }).catch(() => "")) === "half a thought", "the draft is there");
  });

  test("in slow mode a sentence with the time that is left stands where one writes; what was typed is there again, and what was sent can be changed", async () => {
    const [host, guest] = [await world.newcomer("Sid Slow"), await world.newcomer("Gil Guest")];
    const { id, rest } = await made(host.username, "slow", guest.username);
    const pause = (slow_mode_seconds: number) => rest("PATCH", `/v1/rooms/${id}`, { slow_mode_seconds });
    const { page } = guest;
    await enter(page, "slow");
    const form = page.getByRole("form", { name: "Write a message" });
    const sentence = form.getByText(/you can write again in \d+ s/);
    const focus = () => page.evaluate(() => (document.activeElement?.matches("form > p") ? document.activeElement.textContent : document.activeElement?.tagName) ?? "");
    await write(page, "first");
    await page.getByRole("article", { name: /first/ }).waitFor();
    await box(page).fill("half a thought");
    await pause(300);
    await sentence.waitFor();
    expect(await box(page).count()).toBe(0);
    // The focus was in the text's field, and is not lost.
    await until(async () => /you can write again/.test(await focus()), "the sentence has the focus");
    expect(await faults(page)).toEqual([]);
    await picture(page, "slow");
    await page.keyboard.press("F6");
    for (let n = 0; n < 6 && !/you can write again/.test(await focus()); n++) await page.keyboard.press("F6");
    expect(await focus()).toMatch(/you can write again/);
    await pause(0);
    await until(async () => (await box(page).inputValue({ timeout: 1_000 }).catch(() => "")) === "half a thought", "the draft is there");
    expect(await box(page).evaluate((one) => one === document.activeElement)).toBe(true);
    await pause(200);
    await page.getByText(/you can write again in (1\d\d|200) s/).waitFor();
    await pause(0);
    await write(page, "second");
    await box(page).waitFor();
    await pause(300);
    await sentence.waitFor();
    await page.keyboard.press("ArrowUp");
    await box(page).waitFor();
    expect(await box(page).inputValue()).toBe("second");
    await box(page).fill("second, changed");
    await box(page).press("Enter");
    await page.getByRole("article", { name: /second, changed/ }).waitFor();
    await until(async () => /you can write again/.test(await focus()), "the sentence is there again");
    expect(await box(page).count()).toBe(0);
    // One pause for a room and its threads: an answer counts.
    const other = await made(host.username, "slow threads", guest.username);
    const { id: root } = await rest<{ id: string }>("POST", `/v1/rooms/${other.id}/messages`, { body: "a question" });
    await rest("PATCH", `/v1/rooms/${other.id}`, { slow_mode_seconds: 300 });
    await page.goto(`${world.url}/r/${other.id}/t/${root}`);
    const answer = page.getByRole("complementary", { name: "Thread" }).getByRole("textbox");
    await page.getByText("Slow mode: 300 s between two messages.").nth(1).waitFor();
    await answer.fill("an answer");
    await answer.press("Enter");
    await page.getByText(/you can write again/).nth(1).waitFor();
    expect(await page.getByText(/you can write again/).count()).toBe(2);
  });

  test("where those who are not verified may only read, the first key says so, with the way to it; what was typed stays", async () => {
    const strict = await World.start("--unverified", "read-only");
    try {
      const { page, username } = await strict.newcomer("Nia New");
      const closed = page.getByText("You can write here once your e-mail address is confirmed.");
      expect(await closed.count()).toBe(0);
      await box(page).pressSequentially("h");
      await closed.waitFor();
      expect(await box(page).count()).toBe(0);
      expect(await closed.evaluate((one) => one === document.activeElement)).toBe(true);
      expect(await faults(page)).toEqual([]);
      await picture(page, "unverified-room");
      await closed.getByRole("link", { name: "Confirm the address" }).click();
      await page.getByRole("button", { name: "Send me a code" }).click();
      await page.getByLabel("Code from the mail").fill(await strict.code(`${username}@example.org`, "Verify your email address"));
      await page.getByRole("button", { name: "Confirm", exact: true }).click();
      await enter(page, "general");
      await until(async () => (await box(page).inputValue({ timeout: 1_000 }).catch(() => "")) === "h", "the draft is there");
      await box(page).pressSequentially("ello");
      await box(page).press("Enter");
      await page.getByRole("article", { name: /hello/ }).waitFor();
      expect(strict.complaints).toEqual([]);
    } finally {
      await strict.stop();
    }
  });

  test("a page without https says once what it goes without, stays signed in, and copies links all the same", async () => {
    const bar = (page: Page) => page.getByRole("region", { name: "This page comes without https" });
    const safe = await world.newcomer("Sam Safe");
    expect(await bar(safe.page).count()).toBe(0);
    // A name of a local network: unlike 127.0.0.1 it is nothing that a browser trusts.
    const url = world.url.replace("127.0.0.1", "chat.lan");
    const laptop = await Laptop.start("--host-resolver-rules=MAP chat.lan 127.0.0.1");
    try {
      const { page } = await world.comeIn(await (await world.context({}, laptop.browser)).newPage(), "Lan Land", url);
      expect(await page.evaluate(() => [window.isSecureContext, "locks" in navigator])).toEqual([false, false]);
      await bar(page).waitFor();
      expect(await faults(page)).toEqual([]);
      await picture(page, "insecure");
      await write(page, "over plain http");
      const message = page.getByRole("article", { name: /over plain http/ });
      await until(async () => (await message.getAttribute("data-message")) !== null, "it is stored");
      await message.focus();
      await page.keyboard.press("c");
      await box(page).press("Control+v");
      expect(await box(page).inputValue()).toBe(`${url}/r/${new URL(page.url()).pathname.split("/")[2]}/m/${await message.getAttribute("data-message")}`);
      await bar(page).getByRole("button", { name: "Understood" }).click();
      expect(await bar(page).count()).toBe(0);
      await page.reload();
      await message.waitFor();
      expect(await bar(page).count()).toBe(0);
    } finally {
      await laptop.close();
    }
  });

  test("without a connection what wants the server says so, in menus too, and all that was read can be opened", async () => {
    const { page, username } = await world.newcomer("Olaf Off");
    const other = await world.newcomer("Mia Mem");
    const { id, rest } = await made(username, "menus", other.username);
    await rest("POST", `/v1/rooms/${id}/messages`, { body: "read before" });
    await enter(page, "menus");
    await page.getByRole("article", { name: /read before/ }).waitFor();
    // The parts are there before the connection goes.
    const more = page.locator("header").getByRole("button", { name: "More actions" });
    await more.click();
    const leave = page.getByRole("menuitem", { name: "Leave" });
    await leave.waitFor();
    expect(await leave.getAttribute("aria-disabled")).toBeNull();
    await page.keyboard.press("Escape");
    await page.getByRole("article", { name: /read before/ }).focus();
    await page.keyboard.press("m");
    await page.getByRole("menu", { name: "All actions" }).waitFor();
    await page.keyboard.press("Escape");
    await page.context().setOffline(true);
    await page.getByText(/Offline, trying again/).waitFor();
    await more.click();
    await leave.waitFor();
    expect(await leave.getAttribute("aria-disabled")).toBe("true");
    expect(await leave.getAttribute("aria-description")).toBe("It wants a connection.");
    for (const one of await page.getByRole("menuitemradio").all()) expect(await one.getAttribute("aria-disabled")).toBe("true");
    await leave.click({ force: true });
    // An entry that was taken closes the menu at once; its dialog may come later.
    await page.evaluate(() => new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn))));
    expect(await leave.isVisible()).toBe(true);
    expect(await page.getByRole("dialog").count()).toBe(0);
    expect(await faults(page)).toEqual([]);
    await picture(page, "menu-offline");
    await page.keyboard.press("Escape");
    await page.getByRole("article", { name: /read before/ }).focus();
    await page.keyboard.press("m");
    const menu = page.getByRole("menu", { name: "All actions" });
    const disabled = () => menu.getByRole("menuitem").evaluateAll((all) => all.filter((one) => one.getAttribute("aria-disabled") === "true").map((one) => one.getAttribute("aria-description")));
    await until(async () => (await disabled()).length === 2, "to pin it, and who has read it, wants the server");
    expect(new Set(await disabled())).toEqual(new Set(["It wants a connection."]));
    await page.keyboard.press("Escape");
    await page.context().setOffline(false);
  });

  test("a list that is on its way is grey rows after a moment; one that failed says why, and is read again", async () => {
    const { page, username } = await world.newcomer("Lis List");
    const { id } = await made(username, "lists");
    const problem = { type: "about:blank", title: "Unavailable", status: 503, detail: "later", code: "unavailable", retryable: true, trace_id: "trace-1" };
    for (const [what, url, where, open, found] of [
      ["browse", "**/v1/rooms?visibility=public*", page.getByRole("main"), () => page.goto(`${world.url}/browse`), "# general"],
      ["pins", `**/v1/rooms/${id}/pins`, page.getByRole("complementary", { name: "Pinned messages" }), async () => {
        await page.goto(`${world.url}/r/${id}`);
        await page.getByRole("button", { name: "Pinned messages" }).click();
      }, "Nothing is pinned"],
    ] as const) {
      let release = () => {};
      const held = new Promise<void>((resolve) => (release = resolve));
      let asked = 0;
      await page.route(url, async (route) => {
        if (asked++ > 0) return route.continue();
        await held;
        await route.fulfill({ status: 503, contentType: "application/problem+json", body: JSON.stringify(problem) });
      });
      await open();
      const grey = where.locator("[class*=waiting] > span").first();
      await until(() => grey.evaluate((one) => getComputedStyle(one.parentElement as Element).opacity === "1", undefined, { timeout: 2_000 }).catch(() => false), `${what}: grey rows`);
      await picture(page, `loading-${what}`);
      release();
      await where.getByRole("alert").getByText("The server cannot do that at the moment.").waitFor();
      expect(await grey.count(), what).toBe(0);
      expect(await faults(page), what).toEqual([]);
      await picture(page, `failed-${what}`);
      await where.getByRole("alert").getByRole("button", { name: "Try again" }).click();
      await where.getByText(found).first().waitFor();
      expect(await where.getByRole("alert").count(), what).toBe(0);
      await page.unroute(url);
    }
    // What the browser itself says of these answers.
    expect(world.complaints.splice(0).filter((one) => !one.includes("status of 503"))).toEqual([]);
  });

  test("under a finger whatever is pressed is 44 pixels large", async () => {
    const host = await world.newcomer("Finn Ger");
    const { page, username } = await world.newcomer("Tea Touch", { viewport: { width: 390, height: 800 }, hasTouch: true, isMobile: true });
    const { id, rest } = await made(host.username, "touched", username);
    const { id: root } = await rest<{ id: string }>("POST", `/v1/rooms/${id}/messages`, { body: "a question with https://example.org/a in it" });
    await rest("POST", `/v1/rooms/${id}/messages`, { body: "an answer", thread_root_id: root });
    await rest("PUT", `/v1/messages/${root}/reactions/${encodeURIComponent("👍")}`);
    /** What is smaller; links within a text are as large as the text. */
    const small = () => page.evaluate(() => [...document.querySelectorAll<HTMLElement>("button, a[href], input, select, textarea, summary, [role=menuitem], [role=option]")].flatMap((one) => {
      const { width, height } = one.getBoundingClientRect();
      if (width < 2 || height < 2 || one.closest("p, [class*=body], [class*=skip], .hidden, [inert]") || getComputedStyle(one).visibility === "hidden" || one.tagName === "INPUT" && /checkbox|radio|file/.test((one as HTMLInputElement).type)) return [];
      const shown = one.checkVisibility({ opacityProperty: true, visibilityProperty: true });
      return shown && (width < 43.5 || height < 43.5) ? [`${one.tagName} ${one.getAttribute("aria-label") ?? one.textContent} ${width.toFixed(0)}x${height.toFixed(0)}`] : [];
    }));
    for (const path of [`/r/${id}`, `/r/${id}/t/${root}`, "/", "/inbox", "/threads", "/browse", "/search?q=question", "/settings/profile", "/settings/look"]) {
      await page.goto(world.url + path);
      await page.waitForFunction(() => [...document.querySelectorAll<HTMLElement>("main, nav, [role=main]")].some((one) => one.offsetParent !== null) && document.querySelector("[aria-busy=true]") === null);
      await page.waitForLoadState("networkidle");
      expect(await small(), path).toEqual([]);
    }
    await page.goto(`${world.url}/r/${id}`);
    await page.getByRole("article", { name: /a question/ }).waitFor();
    await picture(page, "phone-touched");
    await page.getByRole("form", { name: "Write a message" }).getByRole("button", { name: "Emoji" }).click();
    await page.getByRole("gridcell").first().waitFor();
    expect(await small()).toEqual([]);
    expect(await page.getByRole("dialog").evaluate((one) => one.scrollWidth - one.clientWidth)).toBeLessThanOrEqual(0);
    await picture(page, "phone-emoji");
  });

  test("a room on which the pointer rests is read before it is opened, and so are three that have something unread", async () => {
    const { page, username } = await world.newcomer("Ahn Ahead");
    const other = await world.newcomer("Uwe Unread");
    const { id, rest } = await made(username, "resting");
    await rest("POST", `/v1/rooms/${id}/messages`, { body: "read ahead" });
    const theirs = await world.rest(other.username);
    const unread: string[] = [];
    for (let n = 0; n < 4; n++) {
      const room = await made(other.username, `unread ${n}`, username);
      await theirs("POST", `/v1/rooms/${room.id}/messages`, { body: "news" });
      unread.push(room.id);
    }
    const asked = new Set<string>();
    page.on("request", (request) => {
      const found = /rooms\/([^/]+)\/messages/.exec(request.url())?.[1];
      if (found) asked.add(found);
    });
    await page.reload();
    const link = page.locator(`[data-room="${id}"]`);
    await link.waitFor();
    await box(page).waitFor();
    // The latest three, when nothing else is to be done.
    await until(() => unread.slice(1).every((one) => asked.has(one)), "they are read", 30_000);
    expect([asked.has(unread[0] ?? ""), asked.has(id)]).toEqual([false, false]);
    await link.hover();
    await until(() => asked.has(id), "it is read");
    await page.context().setOffline(true);
    await page.getByText(/Offline|Connecting/).waitFor();
    await link.click();
    await page.getByRole("article", { name: /read ahead/ }).waitFor();
    await page.context().setOffline(false);
  });

  test("a text's field grows with its lines where it does not do so by itself, broken ones too, and is small again when it is sent", async () => {
    const context = await world.context();
    // As a browser has it that does not know of it.
    await context.addInitScript(() => {
      const supports = CSS.supports.bind(CSS) as (name: string, value: string) => boolean;
      CSS.supports = (...asked: [string, string?]) => asked[0] !== "field-sizing" && supports(...(asked as [string, string]));
      const sheet = new CSSStyleSheet();
      sheet.replaceSync("textarea { field-sizing: fixed !important; }");
      document.adoptedStyleSheets = [sheet];
    });
    const { page } = await world.comeIn(await context.newPage(), "Gro Grow", world.url);
    const height = async () => (await box(page).boundingBox())?.height ?? 0;
    const one = await height();
    await box(page).fill("word ".repeat(80));
    const many = await height();
    expect(many).toBeGreaterThan(one * 2);
    await picture(page, "grown");
    // What does not fit scrolls.
    await box(page).fill("line\n".repeat(60));
    expect(await height()).toBeLessThan(one * 11);
    await box(page).fill("word ".repeat(80));
    await box(page).press("Enter");
    expect(await height()).toBe(one);
  });
});
