/** For everybody: another language, dark, from right to left, narrow, large; and hostile writers. */
import type { BrowserContextOptions, Page } from "playwright-core";
import { expect, test } from "vitest";
import german from "../src/locales/de.json" with { type: "json" };
import moreGerman from "../src/locales/more.de.json" with { type: "json" };
import { enter, faults, picture, still, until, write } from "./kit/browser.ts";
import { staged } from "./kit/stage.ts";

const de = { ...german, ...moreGerman } as Record<string, string>;
const t = (id: string) => de[id] ?? id;

const box = (page: Page) => page.getByRole("textbox", { name: /^Message/ });
const sideways = (page: Page) => page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);

staged("for everybody, in a browser", [], (world) => {
  /** Someone whose browser speaks German: all by the texts of the catalogue. */
  async function neuling(name: string, options: BrowserContextOptions = {}): Promise<{ page: Page; username: string }> {
    const page = await (await world.context({ locale: "de-DE", ...options })).newPage();
    const username = `${name.toLowerCase().replace(/[^a-z]/g, "")}${Math.random().toString(36).slice(2, 8)}z`;
    await page.goto(`${world.url}/login`);
    await page.getByRole("link", { name: t("signin.register") }).click();
    await page.getByLabel(t("field.display_name")).fill(name);
    await page.getByLabel(t("field.username")).fill(username);
    await page.getByLabel(t("field.email")).fill(`${username}@example.org`);
    await page.getByLabel(t("field.password")).fill("a wordy secret");
    await page.getByRole("button", { name: t("action.register") }).click();
    await page.getByRole("navigation", { name: t("rail.label") }).waitFor();
    await page.getByRole("textbox", { name: /general/ }).waitFor();
    return { page, username };
  }

  test("in German, from the first page to a thread, in the dark; no text is shown by its id, and axe finds nothing", async () => {
    const { page } = await neuling("Jörg Jäger", { colorScheme: "dark" });
    expect(await page.evaluate(() => document.documentElement.lang)).toBe("de");
    await page.getByRole("button", { name: t("rooms.create") }).click();
    const dialog = page.getByRole("dialog", { name: t("create.title") });
    await dialog.getByLabel(t("create.name"), { exact: true }).fill("hafen");
    expect(await faults(page)).toEqual([]);
    await dialog.getByRole("button", { name: t("action.create") }).click();
    await page.getByRole("heading", { level: 1, name: "# hafen" }).waitFor();
    const text = page.getByRole("textbox").last();
    await text.fill("Wer hat die **Schlüssel**?");
    await text.press("Enter");
    await page.getByText("Schlüssel").waitFor();
    await text.pressSequentially(":daumen");
    await page.getByRole("option").first().waitFor();
    expect(await page.getByRole("option").first().innerText()).toMatch(/Daumen/i);
    await text.press("Enter");
    await text.press("Enter");
    const first = page.getByRole("article").first();
    await first.hover();
    await first.getByRole("button", { name: t("message.react") }).click();
    const picker = page.getByRole("dialog", { name: t("emoji.label") });
    await picker.getByLabel(t("emoji.search")).fill("segelboot");
    await until(async () => (await picker.getByRole("gridcell").first().innerText()).startsWith("⛵"), "it is found by its German name");
    await page.keyboard.press("Enter");
    await first.getByRole("button", { name: /⛵/ }).waitFor();
    await first.hover();
    await first.getByRole("button", { name: t("message.answer") }).click();
    const thread = page.getByRole("complementary", { name: t("thread.title") });
    await thread.getByRole("textbox").fill("Ich.");
    await thread.getByRole("textbox").press("Enter");
    await page.getByRole("button", { name: "1 Antwort" }).waitFor();
    expect(await faults(page)).toEqual([]);
    await picture(page, "german-dark");
    await thread.getByRole("button", { name: t("action.close") }).click();
    await page.getByRole("button", { name: t("action.more") }).first().click();
    await page.getByRole("menuitem").first().waitFor();
    expect(await faults(page)).toEqual([]);
    await page.keyboard.press("Escape");
    await page.keyboard.press("Control+k");
    await page.getByRole("combobox").fill(">");
    await page.getByRole("option", { name: t("settings.title") }).waitFor();
    expect(await faults(page)).toEqual([]);
    await picture(page, "german-commands");
    await page.keyboard.press("Escape");
    for (const path of ["/inbox", "/threads", "/browse", "/search?q=Schl%C3%BCssel", "/settings/profile", "/settings/look", "/settings/preferences", "/settings/sessions", "/settings/factor", "/settings/data"]) {
      await page.goto(world.url + path);
      await page.getByRole("heading", { level: 1 }).waitFor();
      await still(page);
      expect(await faults(page), path).toEqual([]);
      expect(await page.locator("body").innerText(), path).not.toMatch(/(^|\s)[a-z]+\.[a-z]+(_[a-z]+)+(\s|$)/);
    }
  }, 240_000);

  test("from right to left, narrow and in the dark: nothing is cut, nothing scrolls sideways", async () => {
    const { page, username } = await world.newcomer("Layla Loz");
    const rest = await world.rest(username);
    const { id } = await rest<{ id: string }>("POST", "/v1/rooms", { kind: "group", name: "ميناء", topic: "المد والجزر" });
    const root = await rest<{ id: string }>("POST", `/v1/rooms/${id}/messages`, { format: "markdown", body: "مرحبا **بالعالم** https://example.org/a `code`\n\n1. واحد\n2. اثنان" });
    await rest("POST", `/v1/rooms/${id}/messages`, { body: "left to right, then שלום" });
    for (const width of [1280, 360, 320]) {
      await page.setViewportSize({ width, height: 700 });
      for (const path of [`/r/${id}`, `/r/${id}/t/${root.id}`, "/inbox", "/browse", "/settings/look", "/search?q=code"]) {
        await page.goto(world.url + path);
        await page.getByRole("heading").first().waitFor();
        await page.evaluate(() => document.documentElement.setAttribute("dir", "rtl"));
        await still(page);
        expect(await sideways(page), `${path} ${width}`).toBeLessThanOrEqual(0);
        for (const colorScheme of ["light", "dark"] as const) {
          await page.emulateMedia({ colorScheme });
          expect(await faults(page), `${path} ${width} ${colorScheme}`).toEqual([]);
        }
        await page.emulateMedia({ colorScheme: "light" });
        if (path === `/r/${id}`) await picture(page, `right-to-left-${width}`);
      }
    }
    await page.setViewportSize({ width: 1280, height: 700 });
    await page.goto(`${world.url}/r/${id}`);
    await page.getByText("واحد").waitFor();
    // Each block goes its own way, and code goes from left to right.
    const ways = await page.getByRole("article").first().evaluate((row) => [...row.querySelectorAll("[class*=body] p, [class*=body] code")].map((one) => `${one.tagName} ${getComputedStyle(one).direction}`));
    expect(ways).toContain("P rtl");
    expect(ways).toContain("CODE ltr");
  }, 240_000);

  test("four times as large, on a wall, and with no motion", async () => {
    const { page } = await world.newcomer("Max Mau", { reducedMotion: "reduce" });
    await write(page, "a message that is long enough to be broken in lines on a small screen, and then some more of it");
    // 400 % of a window of 1280 by 1024.
    for (const [width, height] of [[320, 256], [3840, 2160]] as const) {
      await page.setViewportSize({ width, height });
      for (const path of ["/r", "/inbox", "/settings/profile", "/browse"]) {
        await page.goto(world.url + (path === "/r" ? "/" : path));
        if (path === "/r" && width < 768) await page.getByRole("link", { name: /general/ }).click();
        await still(page);
        expect(await sideways(page), `${path} ${width}`).toBeLessThanOrEqual(0);
        expect(await faults(page), `${path} ${width}`).toEqual([]);
        if (path === "/r") await picture(page, `zoom-${width}`);
      }
    }
    await page.setViewportSize({ width: 320, height: 256 });
    await page.goto(world.url);
    await page.getByRole("link", { name: /general/ }).click();
    // There is room left to read and to write.
    const text = await box(page).boundingBox();
    expect(text?.width ?? 0).toBeGreaterThan(60);
    expect((text?.y ?? 0) + (text?.height ?? 0)).toBeLessThanOrEqual(256);
    expect(await page.getByRole("button", { name: "Send" }).evaluate((button) => getComputedStyle(button).transitionDuration)).toMatch(/^0s|^0ms/);
  });

  test("in the colours that a system forces, what is marked by its ground is marked by a line", async () => {
    const { page } = await world.newcomer("Fay Fox", { forcedColors: "active" });
    const line = (selector: string) => page.locator(selector).first().evaluate((element) => `${getComputedStyle(element).outlineStyle} ${getComputedStyle(element).outlineWidth}`);
    expect(await line('[aria-current="page"]')).toBe("solid 2px");
    await page.keyboard.press("Control+k");
    await page.getByRole("dialog").getByRole("combobox").fill("gen");
    expect(await line("[role=option][data-active-item]")).toBe("solid 2px");
    await picture(page, "forced-colours");
    await page.context().close();
  });

  test("days and times are the reader's, also where a day is not the world's", async () => {
    const { page, username } = await world.newcomer("Nia Nuu", { timezoneId: "Pacific/Kiritimati" });
    const rest = await world.rest(username);
    const { created_at } = await rest<{ created_at: string }>("POST", `/v1/rooms/${(await rest<{ id: string }>("POST", "/v1/rooms", { kind: "group", name: "zones" })).id}/messages`, { body: "now" });
    await enter(page, "zones");
    await page.getByRole("article", { name: /now/ }).waitFor();
    const day = new Intl.DateTimeFormat("en-GB", { weekday: "long", day: "numeric", month: "long", timeZone: "Pacific/Kiritimati" }).format(new Date(created_at));
    await page.getByText(day, { exact: true }).waitFor();
    const clock = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", timeZone: "Pacific/Kiritimati" }).format(new Date(created_at));
    expect(await page.locator("article time").first().innerText()).toBe(clock);
  });

  test("a night on which the clock is put back has its days where the reader's are", async () => {
    const { page, username } = await world.newcomer("Noel Nov", { timezoneId: "America/St_Johns" });
    const rest = await world.rest(username);
    const { id } = await rest<{ id: string }>("POST", "/v1/rooms", { kind: "group", name: "clocks" });
    for (const body of ["saturday", "after midnight", "late on sunday", "monday"]) await rest("POST", `/v1/rooms/${id}/messages`, { body });
    // On 1 November 2026, half an hour off the hour as ever, two o'clock becomes one o'clock: that day has 25 hours.
    const times = ["2026-11-01T02:15:00.000Z", "2026-11-01T03:00:00.000Z", "2026-11-02T03:15:00.000Z", "2026-11-02T03:45:00.000Z"];
    await page.route(`**/v1/rooms/${id}/messages*`, async (route) => {
      const answer = await route.fetch();
      const listed = (await answer.json()) as { items: { created_at: string }[] };
      await route.fulfill({ response: answer, json: { ...listed, items: listed.items.map((one, n) => ({ ...one, created_at: times[n] })) } });
    });
    await page.goto(`${world.url}/r/${id}`);
    await page.getByRole("article", { name: /monday/ }).waitFor();
    const rows = await page.getByRole("main").locator("[data-index]").evaluateAll((all) => all.map((row) => row.textContent ?? ""));
    expect(rows.map((row) => /(Saturday|Sunday|Monday)[^0-9]*(\d+) (October|November)/.exec(row)?.[0]?.replace(",", "") ?? "")).toEqual(["Saturday 31 October", "Sunday 1 November", "", "Monday 2 November"]);
    expect(await page.locator("article time").evaluateAll((all) => all.map((one) => one.textContent))).toEqual(["23:45", "00:30", "23:45", "00:15"]);
  });

  test("the rail stands still under the pointer and while it has the focus, the open room keeps its place, and Enter in the empty switcher opens the next unread room", async () => {
    const [a, b] = [await world.newcomer("Pim Pop"), await world.newcomer("Quin Qua")];
    const rest = await world.rest(a.username);
    const ids: string[] = [];
    for (const name of ["alpha", "beta", "gamma"]) {
      const { id } = await rest<{ id: string }>("POST", "/v1/rooms", { kind: "group", name, members: [`@${b.username}`] });
      ids.push(id);
      await rest("POST", `/v1/rooms/${id}/messages`, { body: "hello" });
    }
    const rail = b.page.getByRole("navigation", { name: "Rooms" });
    for (const name of ["alpha", "beta", "gamma"]) {
      await enter(b.page, name);
      await until(async () => (await rail.getByRole("link", { name: new RegExp(`${name}.*unread`) }).count()) === 0, "it is read", 20_000);
    }
    const order = () => rail.locator("[data-room]").evaluateAll((links) => links.map((link) => link.getAttribute("data-room")));
    // What was unread when it was opened stays among the unread while it is open: all are left, and the last is opened again, not by a click, as the pointer in the list would hold it.
    const go = (path: string) => b.page.evaluate((to) => history.pushState(null, "", to), path);
    await b.page.getByRole("main").hover();
    await go("/browse");
    await until(async () => (await rail.getByRole("region", { name: "Unread" }).count()) === 0, "all are read and left");
    await go(`/r/${ids[2]}`);
    await b.page.getByRole("heading", { level: 1, name: "# gamma" }).waitFor();
    await rail.locator(`[data-room="${ids[2]}"]`).hover();
    const before = await order();
    await rest("POST", `/v1/rooms/${ids[0]}/messages`, { body: "news" });
    await rail.getByRole("link", { name: /alpha.*1/ }).waitFor();
    expect(await order()).toEqual(before);
    await b.page.getByRole("main").hover();
    await until(async () => (await order())[0] === ids[0], "then it comes to the top");
    // The same while the focus is in it.
    await rail.locator(`[data-room="${ids[2]}"]`).focus();
    const held = await order();
    await rest("POST", `/v1/rooms/${ids[1]}/messages`, { body: "more news" });
    await rail.getByRole("link", { name: /beta.*1/ }).waitFor();
    expect(await order()).toEqual(held);
    await box(b.page).focus();
    await until(async () => (await order())[0] === ids[1], "then that one does");
    // The open room keeps its place, whatever is said in it: below one that was talked in after it.
    const theirs = await world.rest(b.username);
    const general = (await theirs<{ items: { id: string; name: string }[] }>("GET", "/v1/rooms")).items.find((one) => one.name === "general")?.id;
    await theirs("POST", `/v1/rooms/${general}/messages`, { body: "mine" });
    await rest("POST", `/v1/rooms/${ids[1]}/messages`, { body: "what is heard after it" });
    await rail.getByRole("link", { name: /beta.*2/ }).waitFor();
    expect(await order()).toEqual([ids[1], ids[0], ids[2], general]);
    await go("/browse");
    await until(async () => (await order())[2] === general, "it is left: the other one is above it");
    await go(`/r/${ids[2]}`);
    await b.page.getByRole("heading", { level: 1, name: "# gamma" }).waitFor();
    await rest("POST", `/v1/rooms/${ids[2]}/messages`, { body: "heard" });
    await b.page.getByRole("article", { name: /: heard$/ }).waitFor();
    await still(b.page);
    expect(await order()).toEqual([ids[1], ids[0], general, ids[2]]);
    await b.page.keyboard.press("Control+k");
    await b.page.getByRole("option", { name: /beta/ }).waitFor();
    await b.page.keyboard.press("Enter");
    await b.page.getByRole("heading", { level: 1, name: "# beta" }).waitFor();
  });

  test("nothing of a hostile writer runs, in names, topics, files, links and texts; nothing comes from elsewhere", async () => {
    const evil = "https://evil.example/x";
    const { page, username } = await world.newcomer('"><img src=x onerror=alert(1)>');
    const foreign: string[] = [];
    page.on("request", (request) => {
      if (!request.url().startsWith(world.url) && !request.url().startsWith("blob:")) foreign.push(request.url());
    });
    page.on("dialog", (dialog) => {
      world.complaints.push(`a dialog: ${dialog.message()}`);
      void dialog.dismiss();
    });
    await page.addInitScript(() => {
      const kept: string[] = [];
      Object.assign(window, { violations: kept });
      document.addEventListener("securitypolicyviolation", (event) => kept.push(`${event.violatedDirective} ${event.blockedURI}`));
    });
    const rest = await world.rest(username);
    const { id } = await rest<{ id: string }>("POST", "/v1/rooms", { kind: "group", name: "<svg onload=alert(1)>", topic: "</p><script>alert(1)</script> [x](javascript:alert(1))" });
    const payloads = [
      "<script>alert(1)</script>", `<img src=${evil} onerror=alert(1)>`, "<svg/onload=alert(1)>", "<svg><script>alert(1)</script></svg>", "<iframe srcdoc='<script>alert(1)</script>'></iframe>", "<body onload=alert(1)>", "<details open ontoggle=alert(1)>",
      "<math><mi//xlink:href=\"data:x,<script>alert(1)</script>\">", "<a href=javascript:alert(1)>x</a>", "<style>@import url(https://evil.example/x.css)</style>", `<link rel=stylesheet href=${evil}>`, `<meta http-equiv=refresh content="0;url=${evil}">`, `<base href=${evil}>`,
      "[a](javascript:alert(1))", "[a](JaVaScRiPt:alert(1))", "[a](java\tscript:alert(1))", "[a](&#x6A;avascript:alert(1))", "[a](data:text/html;base64,PHNjcmlwdD5hbGVydCgxKTwvc2NyaXB0Pg==)", "[a](vbscript:msgbox(1))", "[a](file:///etc/passwd)", "[a](//evil.example/x)", "<javascript:alert(1)>", "[a](<javascript:alert(1)>)",
      `![p](${evil})`, `[![p](${evil})](${evil})`, `[ref]: ${evil}\n![p][ref]`, `[x](${evil} "onmouseover=alert(1)")`, `[x](https://a.b" onmouseover="alert(1))`, `${evil}?a="><script>alert(1)</script>`, "www.evil.example/<script>alert(1)</script>",
      "```html\n</code></pre><script>alert(1)</script>\n```", "`</code><img src=x onerror=alert(1)>`", "{{constructor.constructor('alert(1)')()}}", "${alert(1)}", "@<img src=x onerror=alert(1)>", "| <img src=x onerror=alert(1)> |\n| --- |\n| [a](javascript:alert(1)) |", "> ".repeat(50) + "<img src=x onerror=alert(1)>", "a".repeat(7_000),
    ];
    // What turns the direction of texts around is not even taken.
    await expect(rest("POST", `/v1/rooms/${id}/messages`, { body: "\u202Egpj.exe" })).rejects.toThrow("400");
    for (const body of payloads) await rest("POST", `/v1/rooms/${id}/messages`, { format: "markdown", body });
    for (const sign of ["[", ">", "*"]) {
      const began = performance.now();
      await rest("POST", `/v1/rooms/${id}/messages`, { format: "markdown", body: sign.repeat(8_000) });
      await page.goto(`${world.url}/r/${id}`);
      await page.getByRole("article").last().waitFor();
      await still(page);
      console.log(`8,000 "${sign}": stored and painted in ${(performance.now() - began).toFixed(0)} ms`);
    }
    await page.getByRole("form", { name: "Write a message" }).locator("[data-files]").setInputFiles([{ name: "<img src=x onerror=alert(1)>.txt", mimeType: "text/plain", buffer: Buffer.from("x") }]);
    await page.getByRole("button", { name: /^Remove/ }).waitFor();
    await page.getByRole("button", { name: "Send" }).click();
    await page.getByRole("link", { name: /onerror.*\.txt/ }).waitFor();
    // All of it goes by once.
    const scroller = page.getByRole("main").locator("[class*=scroller]").first();
    for (let step = 0; step < 40; step++) {
      const rows = page.getByRole("article");
      const wrong = await rows.evaluateAll((all) => all.flatMap((row) => [...row.querySelectorAll("[class*=body] *")].filter((one) => /^(SCRIPT|IMG|SVG|IFRAME|STYLE|LINK|META|BASE|OBJECT|EMBED|MATH)$/i.test(one.tagName) || [...one.attributes].some((each) => each.name.startsWith("on"))).map((one) => one.outerHTML)));
      expect(wrong).toEqual([]);
      const links = await rows.locator("[class*=body] a").evaluateAll((all) => all.map((link) => ({ href: link.getAttribute("href") ?? "", rel: link.getAttribute("rel") ?? "", target: link.getAttribute("target") })));
      for (const link of links) {
        expect(link.href).toMatch(/^https?:\/\//);
        expect(link.rel).toContain("noopener");
        expect(link.target).toBe("_blank");
      }
      if (await scroller.evaluate((element) => {
        element.scrollTop -= element.clientHeight;
        return element.scrollTop <= 0;
      })) break;
      await page.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(() => resolve(true)))));
    }
    await page.goto(`${world.url}/search?q=alert`);
    await page.getByRole("list").last().getByRole("link").first().waitFor();
    await page.getByRole("navigation", { name: "Rooms" }).getByRole("link", { name: /svg onload/ }).click();
    await page.getByRole("button", { name: /^Members/ }).click();
    await page.getByRole("complementary", { name: "Members" }).getByText("onerror").first().waitFor();
    await picture(page, "hostile");
    expect(await page.evaluate(() => (window as unknown as { violations: string[] }).violations)).toEqual([]);
    expect(foreign).toEqual([]);
  }, 240_000);
});
