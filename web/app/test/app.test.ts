import { createHash } from "node:crypto";
import type { Page } from "playwright-core";
import { beforeAll, expect, test } from "vitest";
import { faults, picture, still, until, write } from "./kit/browser.ts";
import { staged } from "./kit/stage.ts";

const bodies = (page: Page) => page.getByRole("article").evaluateAll((all) => all.map((one) => one.querySelector("[class*=body]")?.textContent ?? ""));
const rail = (page: Page) => page.getByRole("navigation", { name: "Rooms" });

async function room(page: Page, name: string, members = ""): Promise<void> {
  await page.getByRole("button", { name: "New room" }).click();
  const dialog = page.getByRole("dialog", { name: "New room" });
  await dialog.getByLabel("Name").fill(name);
  await dialog.getByRole("textbox", { name: "Members" }).fill(members);
  await dialog.getByRole("button", { name: "Create" }).click();
  await page.getByRole("heading", { level: 1, name: `# ${name}` }).waitFor();
}

staged("the app in a browser", [], (world) => {
  beforeAll(async () => {
    const page = await fetch(world.url);
    expect(await page.text(), "the app is built into the binary: tools/web build, then cargo build").toContain('<div id="app">');
  });

  test("the page is asked for anew, its files are kept for ever, nothing inline is allowed but the script of the page", async () => {
    const page = await fetch(`${world.url}/r/anything`);
    expect(page.headers.get("cache-control")).toBe("no-cache");
    const text = await page.text();
    const inline = [...text.matchAll(/<script>([^]*?)<\/script>/g)].map(([, source]) => createHash("sha256").update(source ?? "").digest("base64"));
    expect(inline.length).toBe(1);
    expect(page.headers.get("content-security-policy")).toContain(`script-src 'self' 'sha256-${inline[0]}';`);
    expect(page.headers.get("content-security-policy")).not.toContain("unsafe");
    const script = /assets\/[\w-]+\.js/.exec(text)?.[0] ?? "";
    const file = await fetch(`${world.url}/${script}`);
    expect(file.headers.get("cache-control")).toBe("public, max-age=31536000, immutable");
    expect(file.headers.get("content-encoding")).toBe("gzip");
    expect((await fetch(`${world.url}/assets/gone-12345678.js`)).status).toBe(404);
    expect((await fetch(`${world.url}/assets/..%2Findex.html`)).status).toBe(404);
  });

  test("the theme that was chosen is there before any file of the app has run", async () => {
    const context = await world.context({ colorScheme: "light" });
    const page = await context.newPage();
    await page.goto(world.url);
    await page.evaluate(() => localStorage.setItem("tidings.theme", "dark"));
    let release = () => {};
    const held = new Promise<void>((resolve) => (release = resolve));
    await page.route(/\/assets\/.*\.js$/, async (route) => {
      await held;
      await route.continue();
    });
    await page.reload({ waitUntil: "commit" });
    await page.waitForFunction(() => getComputedStyle(document.body).backgroundColor === "rgb(20, 24, 26)");
    expect(await page.evaluate(() => document.getElementById("app")?.childElementCount)).toBe(0);
    release();
    await page.getByRole("button", { name: "Sign in" }).waitFor();
    expect(await page.evaluate(() => document.documentElement.dataset["theme"])).toBe("dark");
    await context.close();
  });

  test("two people talk: write, edit, delete, see who is there", async () => {
    const ana = await world.newcomer("Ana Lima");
    const bo = await world.newcomer("Bo Berg");
    await room(ana.page, "harbour", bo.username);
    await rail(bo.page).getByRole("link", { name: /harbour/ }).click();
    await write(ana.page, "Who has the **keys**?");
    await bo.page.getByText("keys").waitFor();
    const box = bo.page.getByRole("textbox", { name: /Message/ });
    await box.pressSequentially("I do, @ana");
    await bo.page.getByRole("option", { name: /Ana Lima/ }).waitFor();
    await picture(bo.page, "completion");
    await box.press("Enter");
    expect(await box.inputValue()).toBe(`I do, @${ana.username} `);
    await box.press("Enter");
    await ana.page.getByText("I do").waitFor();
    await write(bo.page, "- at six\n- by the gate\n\n`gate.open()`");
    await ana.page.getByText("by the gate", { exact: true }).waitFor();
    // Arrow-up edits one's newest own message, whatever others wrote since.
    await ana.page.getByRole("textbox", { name: /Message/ }).press("ArrowUp");
    await ana.page.getByRole("textbox", { name: /Message/ }).fill("Who has the **new** keys?");
    await ana.page.getByRole("textbox", { name: /Message/ }).press("Enter");
    await bo.page.getByText("edited").waitFor();
    expect((await bodies(bo.page))[0]).toBe("Who has the new keys?");
    await write(bo.page, "not meant to be said");
    await ana.page.getByText("not meant").waitFor();
    const last = bo.page.getByRole("article").last();
    await last.hover();
    await last.getByRole("button", { name: "Delete" }).click();
    await bo.page.getByRole("dialog").getByRole("button", { name: "Delete" }).click();
    await ana.page.getByText("Deleted message").waitFor();
    // A thread beside the room, open to both.
    const first = bo.page.getByRole("article").first();
    await first.hover();
    await first.getByRole("button", { name: "Answer" }).click();
    const thread = bo.page.getByRole("complementary", { name: "Thread" });
    await thread.getByRole("textbox").fill("in the thread");
    await thread.getByRole("textbox").press("Enter");
    await ana.page.getByRole("button", { name: "1 answer" }).click();
    await ana.page.getByRole("complementary", { name: "Thread" }).getByText("in the thread").waitFor();
    expect(await faults(ana.page)).toEqual([]);
    await picture(ana.page, "thread");
    expect(await bo.page.getByRole("main").getByText("in the thread").count()).toBe(0);
    await thread.getByRole("button", { name: "Close" }).click();
    await ana.page.getByRole("complementary", { name: "Thread" }).getByRole("button", { name: "Close" }).click();
    await ana.page.getByRole("button", { name: "Members: 2" }).click();
    await ana.page.getByRole("complementary", { name: "Members" }).getByText(`@${bo.username}`).waitFor();
    expect(await faults(ana.page)).toEqual([]);
    await picture(ana.page, "room-members");
    await ana.page.keyboard.press("Escape");
    await picture(ana.page, "room");
    expect(await faults(ana.page)).toEqual([]);
    await ana.page.emulateMedia({ colorScheme: "dark" });
    await picture(ana.page, "room-dark");
    expect(await faults(ana.page)).toEqual([]);
    await ana.page.emulateMedia({ colorScheme: "light" });

    // What is unread is said in the rail and the title, and is read when it is seen.
    await bo.page.getByRole("link", { name: /general/ }).click();
    await bo.page.getByRole("heading", { level: 1, name: "# general" }).waitFor();
    await write(ana.page, `@${bo.username} bring them`);
    await until(async () => (await bo.page.title()).startsWith("(1)"), "the title counts it");
    await picture(bo.page, "unread");
    expect(await faults(bo.page)).toEqual([]);
    await bo.page.keyboard.press("Control+k");
    await bo.page.getByRole("combobox", { name: "Name of a room or person" }).waitFor();
    expect(await faults(bo.page)).toEqual([]);
    await picture(bo.page, "switcher");
    await bo.page.keyboard.press("Enter");
    await bo.page.getByRole("heading", { level: 1, name: "# harbour" }).waitFor();
    await bo.page.getByText("new", { exact: true }).last().waitFor();
    await picture(bo.page, "new-line");
    await until(async () => !(await bo.page.title()).startsWith("("), "it is read");
  });

  test("reactions and pins, where the server has them", async ({ skip }) => {
    const { paths } = (await (await fetch(`${world.url}/openapi.json`)).json()) as { paths: Record<string, unknown> };
    if (!paths["/v1/messages/{message_id}/reactions/{emoji}"] || !paths["/v1/messages/{message_id}/pin"]) skip("this server has no reactions");
    const [a, b] = [await world.newcomer("Ruth Roe"), await world.newcomer("Sam Sun")];
    await room(a.page, "reacting", b.username);
    await write(a.page, "the tide turns at six");
    await rail(b.page).getByRole("link", { name: /reacting/ }).click();
    const seen = b.page.getByRole("article").first();
    await seen.hover();
    await seen.getByRole("button", { name: "React" }).click();
    const picker = b.page.getByRole("dialog", { name: "Emoji" });
    await picker.getByLabel("Find an emoji").fill("thumbs up");
    await picker.getByRole("gridcell").first().waitFor();
    expect(await faults(b.page)).toEqual([]);
    await picture(b.page, "emoji");
    await b.page.keyboard.press("Enter");
    await a.page.getByRole("button", { name: /1 reaction/ }).click();
    await b.page.getByRole("button", { name: /2 reactions/ }).waitFor();
    await b.page.getByRole("button", { name: /2 reactions/ }).click();
    await a.page.getByRole("button", { name: /1 reaction/ }).waitFor();
    await a.page.reload();
    await a.page.getByRole("button", { name: /1 reaction/, pressed: true }).waitFor();
    const own = a.page.getByRole("article").first();
    await own.hover();
    await own.getByRole("button", { name: "Pin" }).click();
    await b.page.getByText("pinned", { exact: true }).waitFor();
    await b.page.getByRole("button", { name: "Pinned messages" }).click();
    await b.page.getByRole("complementary", { name: "Pinned messages" }).getByText("the tide turns at six").waitFor();
    expect(await faults(b.page)).toEqual([]);
    await picture(b.page, "pins");
  });

  test("an invitation leads a newcomer into the room, where the server has them", async ({ skip }) => {
    const { paths } = (await (await fetch(`${world.url}/openapi.json`)).json()) as { paths: Record<string, unknown> };
    if (!paths["/v1/rooms/{room_id}/invites"]) skip("this server has no invitations");
    const host = await world.newcomer("Tia Tan");
    await room(host.page, "by-invitation");
    await host.page.getByRole("button", { name: "More actions" }).click();
    await host.page.getByRole("menuitem", { name: "Invite by link" }).click();
    const dialog = host.page.getByRole("dialog", { name: "Invite by link" });
    await dialog.getByRole("button", { name: "Create" }).click();
    // Who has not shown that the address is theirs may not invite: the page says why.
    const link = dialog.getByLabel("Link");
    await link.or(dialog.getByRole("alert")).waitFor();
    expect(await faults(host.page)).toEqual([]);
    await picture(host.page, "invite");
    const unknown = await (await world.context()).newPage();
    await unknown.goto(`${world.url}/i/nosuchcode`);
    await unknown.getByRole("alert").waitFor();
    expect(await faults(unknown)).toEqual([]);
  });

  test("offline is said, what is written waits, and goes out once in order; a reload loses nothing", async () => {
    const { page } = await world.newcomer("Cy Cole");
    await room(page, "offline");
    await write(page, "before");
    await page.context().setOffline(true);
    for (const text of ["one", "two", "three"]) await write(page, text);
    await page.getByText("waiting to send").first().waitFor();
    await page.getByText(/Offline|Connecting/).waitFor();
    await page.getByRole("textbox", { name: /Message/ }).fill("a draft");
    await picture(page, "offline");
    expect(await faults(page)).toEqual([]);
    await page.context().setOffline(false);
    await until(async () => (await page.getByText("waiting to send").count()) === 0, "all is sent", 40_000);
    await page.reload();
    await page.getByText("three").waitFor();
    expect(await bodies(page)).toEqual(["before", "one", "two", "three"]);
    expect(await page.getByRole("textbox", { name: /Message/ }).inputValue()).toBe("a draft");
  });

  test("the server is killed under the page, and everything written is stored once", async () => {
    const { page } = await world.newcomer("Di Dunn");
    await room(page, "killed");
    await write(page, "before");
    await until(async () => (await page.getByRole("article").last().getAttribute("data-message")) !== null, "it is stored");
    await world.kill();
    await write(page, "while it was down");
    await page.getByText("waiting to send").first().waitFor();
    await world.up();
    await until(async () => (await page.getByText("waiting to send").count()) === 0, "it is sent", 60_000);
    await write(page, "after");
    await until(async () => (await page.getByRole("article").last().getAttribute("data-message")) !== null, "it is stored");
    await page.reload();
    await page.getByText("after").waitFor();
    expect(await bodies(page)).toEqual(["before", "while it was down", "after"]);
  });

  test("two tabs share the session, and signing out ends both and leaves nothing", async () => {
    const { page } = await world.newcomer("Ed Eng");
    const other = await page.context().newPage();
    await other.goto(world.url);
    await other.getByRole("textbox", { name: /Message/ }).waitFor();
    await Promise.all([page.reload(), other.reload()]);
    for (const tab of [page, other]) await tab.getByRole("textbox", { name: /Message/ }).waitFor();
    expect(await page.evaluate(() => JSON.stringify({ ...localStorage, ...sessionStorage }))).not.toMatch(/eyJ|ses_/);
    await page.goto(`${world.url}/settings/profile`);
    await page.getByRole("button", { name: "Sign out" }).click();
    for (const tab of [page, other]) await tab.getByRole("button", { name: "Sign in" }).waitFor();
    expect(await page.evaluate(async () => (await indexedDB.databases()).length)).toBe(0);
  });

  test("a session that ends elsewhere is an overlay, under which what was typed stays", async () => {
    const { page, username } = await world.newcomer("Flo Fox");
    await page.getByRole("textbox", { name: /Message/ }).fill("half a thought");
    const signedIn = await fetch(`${world.url}/v1/sessions`, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify({ login: username, password: "a wordy secret" }) });
    const { access_token } = (await signedIn.json()) as { access_token: string };
    await fetch(`${world.url}/v1/sessions`, { method: "DELETE", headers: { authorization: `Bearer ${access_token}` } });
    const dialog = page.getByRole("dialog", { name: "Sign in again" });
    await dialog.waitFor();
    expect(await faults(page)).toEqual([]);
    await dialog.getByLabel("Password").fill("a wordy secret");
    await dialog.getByRole("button", { name: "Sign in", exact: true }).click();
    await dialog.waitFor({ state: "hidden" });
    expect(await page.getByRole("textbox", { name: /Message/ }).inputValue()).toBe("half a thought");
  });

  test("history: nothing that is read moves when pages come before it, and a link lands on its message", async () => {
    const { page, username } = await world.newcomer("Gus Gray");
    await room(page, "long");
    const signedIn = await fetch(`${world.url}/v1/sessions`, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify({ login: username, password: "a wordy secret" }) });
    const { access_token } = (await signedIn.json()) as { access_token: string };
    const id = page.url().split("/").at(-1) ?? "";
    let old = "";
    for (let i = 0; i < 300; i++) {
      const made = await fetch(`${world.url}/v1/rooms/${id}/messages`, { method: "POST", headers: { "content-type": "application/json", authorization: `Bearer ${access_token}` }, body: JSON.stringify({ body: `line ${i} ${"word ".repeat(i % 40)}` }) });
      if (i === 40) old = ((await made.json()) as { id: string }).id;
    }
    await page.reload();
    await page.getByText("line 299").waitFor();
    const scroller = page.locator("[class*=scroller]");
    const first = () => scroller.evaluate((element) => {
      const top = element.getBoundingClientRect().top;
      const row = [...element.querySelectorAll("[data-row]")].find((one) => one.getBoundingClientRect().top >= top) as HTMLElement;
      return { key: row.dataset["row"] ?? "", top: row.getBoundingClientRect().top };
    });
    // Up a step, then still: what comes before is put in above without moving anything.
    let moved = 0;
    for (let step = 0; step < 12; step++) {
      await scroller.hover();
      await page.mouse.wheel(0, -700);
      await page.waitForFunction(() => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(() => resolve(true)))));
      const before = await first();
      const height = () => scroller.evaluate((element) => element.scrollHeight);
      for (let last = -1, now = await height(); last !== now; last = now, now = await height()) await page.evaluate(() => new Promise((resolve) => setTimeout(resolve, 150)));
      await page.waitForFunction(() => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(() => resolve(true)))));
      const after = await page.locator(`[data-row="${before.key}"]`).evaluate((row) => row.getBoundingClientRect().top);
      moved = Math.max(moved, Math.abs(after - before.top));
    }
    expect(moved).toBeLessThanOrEqual(1);
    // Something new does not move it either, and is counted.
    const before = await first();
    await fetch(`${world.url}/v1/rooms/${id}/messages`, { method: "POST", headers: { "content-type": "application/json", authorization: `Bearer ${access_token}` }, body: JSON.stringify({ body: "line 300" }) });
    await page.getByRole("button", { name: "To the newest" }).waitFor();
    expect(Math.abs((await first()).top - before.top)).toBeLessThanOrEqual(1);
    await page.getByRole("button", { name: "To the newest" }).click();
    await page.getByText("line 300").waitFor();
    await page.goto(`${world.url}/r/${id}/m/${old}`);
    await page.getByText("line 40 ").waitFor();
    await until(() => page.evaluate((message) => document.activeElement?.getAttribute("data-message") === message, old), "the message has the focus");
    await picture(page, "jump");
    await page.goto(`${world.url}/r/${id}/m/msg_00000000000000000000000000`);
    await page.getByText("not here any more").waitFor();
  });

  test("the other screens, each once, without a fault", async () => {
    const { page } = await world.newcomer("Hal Hope");
    await page.goto(`${world.url}/settings/profile`);
    await page.getByRole("navigation", { name: "Settings" }).waitFor();
    // Which settings there are depends on what the server can do.
    const settings = await page.getByRole("navigation", { name: "Settings" }).getByRole("link").evaluateAll((links) => links.map((link) => link.getAttribute("href")?.slice(1) ?? ""));
    expect(settings.length).toBeGreaterThanOrEqual(4);
    const screens = [["browse", "Browse"], ["inbox", "Inbox"], ...settings.map((path) => [path, "Settings"] as const)] as const;
    for (const [path, heading] of screens) {
      await page.goto(`${world.url}/${path}`);
      await page.getByRole("heading", { level: 1, name: heading }).waitFor();
      await still(page);
      for (const scheme of ["light", "dark"] as const) {
        await page.emulateMedia({ colorScheme: scheme });
        expect(await faults(page), `${path} ${scheme}`).toEqual([]);
      }
      await page.emulateMedia({ colorScheme: "light" });
      await picture(page, path.replace("/", "-"));
    }
    await page.goto(world.url);
    await page.getByRole("textbox", { name: /Message/ }).waitFor();
    await page.getByRole("button", { name: "New room" }).click();
    await page.getByRole("dialog").waitFor();
    expect(await faults(page)).toEqual([]);
    await picture(page, "new-room");
    await page.keyboard.press("Escape");
    await page.keyboard.press("Control+/");
    await page.getByRole("dialog", { name: "Keyboard" }).waitFor();
    expect(await faults(page)).toEqual([]);
    await picture(page, "keyboard");
    const stranger = await (await world.context()).newPage();
    for (const [path, name] of [["login", "sign-in"], ["register", "register"]] as const) {
      await stranger.goto(`${world.url}/${path}`);
      await stranger.getByRole("heading", { level: 1 }).waitFor();
      expect(await faults(stranger), path).toEqual([]);
      await picture(stranger, name);
    }
  }, 300_000);

  test("a phone, German, and no sideways scrolling", async () => {
    const { page } = await world.newcomer("Ida Ike", { viewport: { width: 320, height: 640 } });
    await write(page, "x".repeat(200) + " https://example.org/" + "y".repeat(300));
    await write(page, "```\n" + "long ".repeat(60) + "\n```");
    const sideways = () => page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
    for (const path of ["", "browse", "inbox", "settings/look"]) {
      if (path) await page.goto(`${world.url}/${path}`);
      await still(page);
      expect(await sideways(), path).toBeLessThanOrEqual(0);
      expect(await faults(page), path).toEqual([]);
    }
    await page.getByLabel("Language").selectOption("de");
    await page.getByRole("heading", { name: "Einstellungen" }).waitFor();
    expect(await page.evaluate(() => document.documentElement.lang)).toBe("de");
    await picture(page, "phone-german");
    await page.goto(world.url);
    await picture(page, "phone-rooms");
    await page.getByRole("link", { name: /general/ }).click();
    await page.getByRole("textbox").waitFor();
    await picture(page, "phone-room");
  });

  test("nothing of a hostile writer runs or is fetched from elsewhere", async () => {
    const { page } = await world.newcomer("<img src=x onerror=alert(1)>".slice(0, 30));
    const foreign: string[] = [];
    page.on("request", (request) => {
      if (!request.url().startsWith(world.url) && !request.url().startsWith("blob:")) foreign.push(request.url());
    });
    page.on("dialog", (dialog) => {
      world.complaints.push(`a dialog: ${dialog.message()}`);
      void dialog.dismiss();
    });
    for (const text of ["<script>alert(1)</script>", "<img src=https://evil.example/x onerror=alert(1)>", "[a](javascript:alert(1))", "![p](https://evil.example/p.png)", "<svg onload=alert(1)>", "[ok](https://evil.example/) www.evil.example"]) await write(page, text);
    await page.getByRole("link", { name: "ok", exact: true }).waitFor();
    expect(await page.getByRole("link", { name: "ok", exact: true }).getAttribute("rel")).toContain("noopener");
    expect(await page.locator("[class*=body] img, [class*=body] script, [class*=body] svg").count()).toBe(0);
    expect(foreign).toEqual([]);
  });
});
