/** What stands around the messages: the line in threads, one pane on a phone, the keys by name, tabs that are hidden, and sessions that end. */
import { createHmac } from "node:crypto";
import type { Page } from "playwright-core";
import { expect, test } from "vitest";
import { enter, faults, picture, still, until } from "./kit/browser.ts";
import { staged } from "./kit/stage.ts";

staged("around the messages, in a browser", [], (world) => {
  test("a thread has a line above the first unread answer, which stays until it is left; one's own and read ones have none", async () => {
    const [a, b] = [await world.newcomer("Ann Arc"), await world.newcomer("Ben Bow")];
    const [mine, theirs] = [await world.rest(a.username), await world.rest(b.username)];
    const { id } = await mine<{ id: string }>("POST", "/v1/rooms", { kind: "group", name: "threaded", members: [`@${b.username}`] });
    const answer = async (rest: typeof mine, body: string, root?: string) => (await rest<{ id: string }>("POST", `/v1/rooms/${id}/messages`, { body, ...(root ? { thread_root_id: root } : {}) })).id;
    const root = await answer(mine, "who has the keys?");
    for (const n of [1, 2]) await answer(theirs, `read ${n}`, root);
    await answer(mine, "thank you", root);
    for (const n of [1, 2, 3]) await answer(theirs, `unread ${n}`, root);
    await a.page.goto(`${world.url}/r/${id}/t/${root}`);
    const thread = a.page.getByRole("complementary", { name: "Thread" });
    await thread.getByRole("article", { name: /unread 3/ }).waitFor();
    const line = thread.getByText("new", { exact: true });
    await line.waitFor();
    // In the row of the first unread one, before its message.
    const under = () => line.evaluate((one) => one.closest("[data-index]")?.querySelector("article")?.getAttribute("aria-label"));
    expect(await under()).toBe("Ben Bow: unread 1");
    expect(await faults(a.page)).toEqual([]);
    await picture(a.page, "thread-new");
    const unread = async () => (await mine<{ items: { unread_count: number }[] }>("GET", `/v1/rooms/${id}/threads`)).items[0]?.unread_count;
    await a.page.bringToFront();
    await until(async () => (await unread()) === 0, "it is read", 20_000);
    // It stays where it was set, whatever comes.
    await answer(theirs, "one more", root);
    await thread.getByRole("article", { name: /one more/ }).waitFor();
    expect(await under()).toBe("Ben Bow: unread 1");
    await until(async () => (await unread()) === 0, "that is read as well", 20_000);
    await thread.getByRole("button", { name: "Close" }).click();
    await a.page.getByRole("button", { name: /6 answers|7 answers/ }).click();
    await thread.getByRole("article", { name: /one more/ }).waitFor();
    await until(async () => (await a.page.getByRole("complementary", { name: "Thread" }).getByRole("button", { name: /following this thread|Follow this thread/ }).count()) === 1, "the thread is known");
    expect(await line.count()).toBe(0);
  });

  test("on a phone the list of rooms is the main part of its page, with a heading, and nothing scrolls sideways", async () => {
    for (const width of [320, 480]) {
      const { page } = await world.newcomer("Pia Poe", { viewport: { width, height: 640 }, hasTouch: true });
      await page.getByRole("link", { name: "Back to the rooms" }).click();
      const main = page.getByRole("main", { name: "Rooms" });
      await main.getByRole("navigation", { name: "Rooms" }).waitFor();
      expect(await page.getByRole("main").count()).toBe(1);
      expect(await page.getByRole("heading", { level: 1 }).allInnerTexts()).toEqual(["Tidings"]);
      expect(await faults(page)).toEqual([]);
      expect(await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth)).toBeLessThanOrEqual(0);
      await picture(page, `phone-list-${width}`);
      // The list scrolls in itself, down to its end.
      expect((await main.boundingBox())?.height).toBe(640);
      await main.getByRole("link", { name: /general/ }).click();
      await still(page);
      expect(await page.getByRole("main").count()).toBe(1);
      expect(await page.getByRole("heading", { level: 1 }).allInnerTexts()).toEqual(["# general"]);
      // On a large screen it is no more than the rail.
      await page.setViewportSize({ width: 1280, height: 800 });
      await page.goto(world.url);
      await page.getByRole("textbox", { name: /^Message/ }).waitFor();
      expect(await page.getByRole("main").count()).toBe(1);
      expect(await page.getByRole("heading", { level: 1 }).count()).toBe(1);
      await page.context().close();
    }
  });

  test("a keyboard on the screen that covers the page leaves room for what is typed, and zooming in changes nothing", async () => {
    const context = await world.context({ viewport: { width: 360, height: 740 } });
    // As Safari has it: the window keeps its height, and what can be seen of it has another one.
    await context.addInitScript(() => {
      const view = Object.assign(new EventTarget(), { height: innerHeight, scale: 1 });
      Object.defineProperty(window, "visualViewport", { value: view });
      Object.assign(window, { see: (height: number, scale: number) => (Object.assign(view, { height, scale }), view.dispatchEvent(new Event("resize"))) });
    });
    const { page } = await world.comeIn(await context.newPage(), "Kay Board", world.url);
    const see = (height: number, scale = 1) => page.evaluate(([high, large]) => (window as unknown as { see: (height: number, scale: number) => void }).see(high, large), [height, scale] as const);
    const bottom = () => page.getByRole("textbox", { name: /^Message/ }).evaluate((area) => Math.round(area.getBoundingClientRect().bottom));
    const before = await bottom();
    expect(before).toBeGreaterThan(600);
    await see(420);
    expect(await bottom()).toBe(before - 320);
    await picture(page, "phone-keyboard");
    await see(185, 4);
    expect(await bottom()).toBe(before);
    await see(420);
    await see(700);
    expect(await bottom()).toBe(before);

    // A dialog is as low as what is seen, and the field that is typed in is in sight.
    await page.getByRole("link", { name: "Back" }).click();
    await page.getByRole("button", { name: "New room" }).click();
    const dialog = page.getByRole("dialog", { name: "New room" });
    await dialog.getByLabel("Name").waitFor();
    const fields = dialog.locator("input:not([type=checkbox]):not([type=radio]), textarea, select");
    expect(await fields.count()).toBeGreaterThan(2);
    for (const field of await fields.all()) {
      await see(740);
      await field.focus();
      await see(280);
      const [box, around] = [await field.boundingBox(), await dialog.boundingBox()];
      for (const one of [box, around]) {
        expect(one?.y).toBeGreaterThanOrEqual(0);
        expect((one?.y ?? 0) + (one?.height ?? 0)).toBeLessThanOrEqual(280);
      }
    }
    await picture(page, "phone-keyboard-dialog");
  });

  test("the list of shortcuts calls the keys by their names in the reader's language", async () => {
    const { page } = await world.newcomer("Kai Koch");
    await page.keyboard.press("Control+/");
    const keys = page.getByRole("dialog", { name: "Keyboard" });
    await keys.getByText("Jump to a room").waitFor();
    const names = async (dialog = keys) => new Set(await dialog.locator("kbd").allInnerTexts());
    expect(await names()).toContain("Ctrl");
    expect(await faults(page)).toEqual([]);
    await page.goto(`${world.url}/settings/look`);
    await page.getByLabel("Language").selectOption("de");
    await page.getByRole("heading", { name: "Einstellungen" }).waitFor();
    await page.getByRole("button", { name: /Strg K/ }).or(page.getByText("Strg K")).first().waitFor();
    await page.keyboard.press("Control+/");
    const tasten = page.getByRole("dialog", { name: "Tastatur" });
    await tasten.waitFor();
    const german = await names(tasten);
    for (const name of ["Strg", "Umschalt", "Eingabe", "Pfeil hoch", "Pfeil runter", "Entf", "Pos1", "Ende", "Bild auf"]) expect(german, name).toContain(name);
    for (const name of ["Ctrl", "Shift", "Enter", "Del", "Home"]) expect(german, name).not.toContain(name);
    expect(await faults(page)).toEqual([]);
    await picture(page, "keyboard-german");
  });

  /** Makes a page believe that it is hidden, or looked at. */
  const see = (page: Page, visible: boolean) => page.evaluate((now) => {
    Object.defineProperty(document, "visibilityState", { value: now ? "visible" : "hidden", configurable: true });
    document.dispatchEvent(new Event("visibilitychange"));
  }, visible);

  test("a tab that is hidden for five minutes gives its connection back while another one keeps watch, and is as new when it is looked at", async () => {
    const { page, username } = await world.newcomer("Hana Hay");
    const rest = await world.rest(username);
    const { id } = await rest<{ id: string }>("POST", "/v1/rooms", { kind: "group", name: "hidden" });
    const other = await page.context().newPage();
    await other.clock.install();
    const open = { other: 0 };
    other.on("websocket", (socket) => {
      if (!socket.url().includes("/v1/ws")) return;
      open.other += 1;
      socket.on("close", () => (open.other -= 1));
    });
    await other.goto(`${world.url}/r/${id}`);
    await other.getByRole("textbox", { name: /^Message/ }).waitFor();
    await until(() => open.other === 1, "it is connected");
    await enter(page, "hidden");
    await see(other, false);
    await other.clock.fastForward(4 * 60_000);
    expect(open.other).toBe(1);
    await other.clock.fastForward(70_000);
    await until(() => open.other === 0, "it has given its connection back");
    expect(await other.getByText(/Offline|Connecting/).count()).toBe(0);
    // The first tab keeps watch however long it is hidden: it hears of what comes.
    await see(page, false);
    await rest("POST", `/v1/rooms/${id}/messages`, { body: "while hidden" });
    await page.getByRole("article", { name: /while hidden/ }).waitFor();
    expect(await other.getByRole("article", { name: /while hidden/ }).count()).toBe(0);
    await see(other, true);
    await other.getByRole("article", { name: /while hidden/ }).waitFor();
    expect(open.other).toBe(1);
    // The one that kept watch goes: the other one does it from now on, hidden or not.
    await page.close();
    await see(other, false);
    await other.clock.fastForward(6 * 60_000);
    await rest("POST", `/v1/rooms/${id}/messages`, { body: "after it was closed" });
    await other.getByRole("article", { name: /after it was closed/ }).waitFor();
    expect(open.other).toBe(1);
  });

  /** The code of an authenticator at this moment. */
  function totp(secret: string): string {
    const bits = [...secret.replace(/=+$/, "")].map((letter) => "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".indexOf(letter).toString(2).padStart(5, "0")).join("");
    const key = Buffer.from(bits.match(/.{8}/g)?.map((byte) => parseInt(byte, 2)) ?? []);
    const step = Buffer.alloc(8);
    step.writeBigUInt64BE(BigInt(Math.floor(Date.now() / 30_000)));
    const sum = createHmac("sha1", key).update(step).digest();
    const at = (sum.at(-1) ?? 0) & 15;
    return String((sum.readUInt32BE(at) & 0x7fffffff) % 1_000_000).padStart(6, "0");
  }

  test("a session that ends elsewhere is gone on with by the second factor, too; another person finds nothing of what was left", async () => {
    const { page, username } = await world.newcomer("Tom Tor");
    const rest = await world.rest(username);
    const password = "a wordy secret";
    const { secret } = await rest<{ secret: string }>("POST", "/v1/users/me/totp", { password });
    const { recovery_codes } = await rest<{ recovery_codes: string[] }>("POST", "/v1/users/me/totp/confirm", { code: totp(secret) });
    await page.getByRole("textbox", { name: /^Message/ }).fill("half a thought");
    await rest("DELETE", "/v1/sessions");
    const dialog = page.getByRole("dialog", { name: "Sign in again" });
    await dialog.getByLabel("Password").fill(password);
    await dialog.getByRole("button", { name: "Sign in", exact: true }).click();
    await dialog.getByLabel("Code of your second factor").fill(recovery_codes[0] ?? "");
    expect(await faults(page)).toEqual([]);
    await picture(page, "resign-second-factor");
    await dialog.getByRole("button", { name: "Sign in", exact: true }).click();
    await dialog.waitFor({ state: "hidden" });
    expect(await page.getByRole("textbox", { name: /^Message/ }).inputValue()).toBe("half a thought");
    // It ends again, and another person comes.
    await page.context().setOffline(true);
    await page.getByText(/Offline|Connecting/).waitFor();
    await page.getByRole("textbox", { name: /^Message/ }).press("Enter");
    await page.getByText("waiting to send").waitFor();
    await page.getByRole("textbox", { name: /^Message/ }).fill("a draft");
    const again = await fetch(`${world.url}/v1/sessions`, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify({ login: username, password, code: recovery_codes[1] }) });
    const { access_token } = (await again.json()) as { access_token: string };
    await page.goto("about:blank");
    expect((await fetch(`${world.url}/v1/sessions`, { method: "DELETE", headers: { authorization: `Bearer ${access_token}` } })).status).toBe(204);
    await page.context().setOffline(false);
    const other = await world.newcomer("Una Ude");
    await page.goto(world.url);
    await page.getByLabel("Name or e-mail").fill(other.username);
    await page.getByLabel("Password").fill(password);
    await page.getByRole("button", { name: "Sign in", exact: true }).click();
    await page.getByRole("navigation", { name: "Rooms" }).waitFor();
    await until(async () => (await page.evaluate(() => Object.keys(localStorage).filter((key) => key.startsWith("tidings.draft.")).length)) === 0, "no draft is left");
    const waiting = () => page.evaluate(() => new Promise<number>((resolve, reject) => {
      const opened = indexedDB.open("tidings");
      opened.onerror = () => reject(new Error("it cannot be opened"));
      opened.onsuccess = () => {
        const counted = opened.result.transaction("outbox").objectStore("outbox").count();
        counted.onsuccess = () => {
          opened.result.close();
          resolve(counted.result);
        };
      };
    }));
    await until(async () => (await waiting()) === 0, "nothing that waited is left");
  });

  test("who cannot go on can leave the overlay as another person", async () => {
    const { page, username } = await world.newcomer("Val Voe");
    await (await world.rest(username))("DELETE", "/v1/sessions");
    await page.getByRole("dialog", { name: "Sign in again" }).getByRole("button", { name: "Use another account" }).click();
    await page.getByLabel("Name or e-mail").waitFor();
  });

  test("a skip link leads to each part of the page", async () => {
    const { page, username } = await world.newcomer("Wes Way");
    await page.reload();
    await page.getByRole("textbox", { name: /^Message/ }).waitFor();
    const focused = () => page.evaluate(() => `${document.activeElement?.tagName} ${document.activeElement?.textContent || document.activeElement?.getAttribute("aria-label")}`);
    await page.getByRole("link", { name: "Skip to the content" }).focus();
    const skips = [await focused()];
    for (const _ of [1, 2]) {
      await page.keyboard.press("Tab");
      skips.push(await focused());
    }
    expect(skips).toEqual(["A Skip to the content", "A Skip to the rooms", "BUTTON Skip to writing"]);
    await page.keyboard.press("Enter");
    expect(await page.getByRole("textbox", { name: /^Message/ }).evaluate((area) => area === document.activeElement)).toBe(true);
    await page.getByRole("button", { name: /^Members/ }).click();
    const panel = page.getByRole("complementary", { name: "Members" });
    await panel.getByText(username).first().waitFor();
    await page.getByRole("button", { name: "Skip to the panel" }).focus();
    expect(await faults(page)).toEqual([]);
    await page.keyboard.press("Enter");
    expect(await panel.evaluate((one) => one.contains(document.activeElement))).toBe(true);
  });

  test("a room of which one wants to hear everything makes a sound: one, in one tab, and none while one looks at it", async () => {
    const [a, b] = [await world.newcomer("Xia Xu"), await world.newcomer("Yan Yu")];
    const rest = await world.rest(b.username);
    const { id } = await rest<{ id: string }>("POST", "/v1/rooms", { kind: "group", name: "loud", members: [`@${a.username}`] });
    const context = a.page.context();
    await context.addInitScript(() => {
      Object.assign(window, { tones: 0 });
      const part = { connect: () => undefined, gain: { value: 0 }, frequency: { value: 0 }, start: () => { (window as unknown as { tones: number }).tones += 1; }, stop: () => undefined };
      Object.assign(window, { AudioContext: class { state = "running"; currentTime = 0; destination = {}; createGain = () => part; createOscillator = () => ({ ...part }); } });
    });
    await a.page.goto(`${world.url}/r/${id}`);
    await a.page.getByRole("button", { name: "More actions" }).click();
    const all = a.page.getByRole("menuitemradio", { name: /a sound with every message/ });
    await all.waitFor();
    expect(await a.page.getByRole("menuitemradio", { checked: true }).allInnerTexts()).toEqual(["Of mentions"]);
    expect(await faults(a.page)).toEqual([]);
    await picture(a.page, "room-menu");
    await all.click();
    const other = await context.newPage();
    for (const page of [a.page, other]) {
      await page.clock.install();
      await page.goto(`${world.url}/inbox`);
      await page.getByRole("heading", { level: 1, name: "Inbox" }).waitFor();
      await until(async () => (await page.getByText(/Offline|Connecting/).count()) === 0, "it is live");
      await page.getByRole("navigation", { name: "Rooms" }).getByRole("link", { name: /loud/ }).waitFor();
    }
    const tones = async () => (await Promise.all([a.page, other].map((page) => page.evaluate(() => (window as unknown as { tones: number }).tones)))).sort();
    const rail = (page: Page, unread: number) => page.getByRole("navigation", { name: "Rooms" }).getByRole("link", { name: new RegExp(`loud.*${unread}`) }).waitFor();
    await rest("POST", `/v1/rooms/${id}/messages`, { body: "hear this" });
    await until(async () => (await tones()).join() === "0,2", "it is heard once");
    for (const page of [a.page, other]) await rail(page, 1);
    // What is on show is seen.
    await other.bringToFront();
    await other.goto(`${world.url}/r/${id}`);
    await other.getByRole("article", { name: /hear this/ }).waitFor();
    await other.evaluate(() => Object.defineProperty(document, "hasFocus", { value: () => true }));
    const before = await tones();
    await rest("POST", `/v1/rooms/${id}/messages`, { body: "seen" });
    await other.getByRole("article", { name: /: seen/ }).waitFor();
    await rail(a.page, 2);
    for (const page of [a.page, other]) await page.clock.fastForward(10_000);
    expect(await tones()).toEqual(before);
  });

  test("a tab that the browser has frozen does not silence the others: the next one notifies, and it keeps quiet when it thaws", async () => {
    const [host, guest] = [await world.newcomer("Iva Ice"), await world.newcomer("Fro Frost")];
    const rest = await world.rest(host.username);
    const { id } = await rest<{ id: string }>("POST", "/v1/rooms", { kind: "group", name: "frozen", members: [`@${guest.username}`] });
    const context = guest.page.context();
    await context.addInitScript(() => {
      const shown: string[] = [];
      class Stub {
        static permission = "granted";
        constructor(title: string) {
          shown.push(title);
        }
        close() {}
      }
      Object.assign(window, { shown, Notification: Stub });
    });
    const shown = (page: Page) => page.evaluate(() => (window as unknown as { shown: string[] }).shown.length);
    const inbox = async (page: Page) => {
      await page.goto(`${world.url}/inbox`);
      await page.getByRole("heading", { level: 1, name: "Inbox" }).waitFor();
      return page;
    };
    const first = await inbox(guest.page);
    const second = await inbox(await context.newPage());
    const mention = (text: string) => rest("POST", `/v1/rooms/${id}/messages`, { body: `${text} @${guest.username}` });
    await mention("one");
    await until(async () => (await shown(first)) === 1, "the first tab keeps watch");
    // Nothing runs in it from here on. What DevTools call frozen runs on in a page that is kept visible, as those of tests are.
    const devtools = await context.newCDPSession(first);
    await devtools.send("Debugger.enable");
    await devtools.send("Debugger.pause");
    await mention("two");
    await until(async () => (await shown(second)) === 1, "the other one notifies");
    await devtools.send("Debugger.resume");
    await until(() => first.getByText(/mentioned you in/).count().then((count) => count === 2), "it has heard of both");
    await mention("three");
    await until(async () => (await shown(second)) === 2, "the other one goes on");
    expect(await shown(first)).toBe(1);
  });
});
