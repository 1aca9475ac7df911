/** The keyboard: what is pressed goes where it is meant, step by step, and the focus is never lost. */
import type { Locator, Page, Route } from "playwright-core";
import { expect, test } from "vitest";
import { enter, faults, picture, until, type World } from "./kit/browser.ts";
import { staged } from "./kit/stage.ts";

type Rest = Awaited<ReturnType<World["rest"]>>;

const box = (page: Page) => page.getByRole("main").getByRole("textbox", { name: /^Message/ });
const writes = (page: Page) => until(() => box(page).evaluate((area) => area === document.activeElement), "one can write");
/** What has the focus, by its name. */
const focused = (page: Page) => page.evaluate(() => {
  const one = document.activeElement;
  return one === document.body ? "nothing" : (one?.getAttribute("aria-label") ?? one?.textContent ?? "");
});

staged("the keyboard, in a browser", [], (world) => {
  async function made(username: string, name: string, bodies: string[], ...members: string[]): Promise<{ id: string; rest: Rest; ids: string[] }> {
    const rest = await world.rest(username);
    const { id } = await rest<{ id: string }>("POST", "/v1/rooms", { kind: "group", name, members: members.map((one) => `@${one}`) });
    const ids: string[] = [];
    for (const body of bodies) ids.push((await rest<{ id: string }>("POST", `/v1/rooms/${id}/messages`, { body, format: "markdown" })).id);
    return { id, rest, ids };
  }

  test("what is typed right after Ctrl K is the switcher's, also when that has to be fetched first; Enter opens what it finds", async () => {
    const { page, username } = await world.newcomer("Quinn Quick");
    await made(username, "harbour", ["hello"]);
    await made(username, "kitchen", ["hello"]);
    // It is fetched when nothing else is to be done, too.
    const held: Route[] = [];
    await page.route("**/assets/switcher-*.js", (route) => void held.push(route));
    await page.reload();
    await page.getByRole("navigation", { name: "Rooms" }).getByRole("link", { name: /harbour/ }).waitFor();
    await enter(page, "kitchen");
    await writes(page);
    await page.keyboard.press("Control+k");
    await page.keyboard.type("harbx");
    await page.keyboard.press("Backspace");
    await page.keyboard.press("Enter");
    await until(() => held.length > 0, "it is fetched");
    expect(await page.getByRole("dialog").count()).toBe(0);
    for (const route of held) await route.continue();
    await page.unroute("**/assets/switcher-*.js");
    await page.getByRole("heading", { level: 1, name: "# harbour" }).waitFor();
    await writes(page);
    expect(await box(page).inputValue()).toBe("");
    await enter(page, "kitchen");
    await writes(page);
    expect(await box(page).inputValue()).toBe("");
    // It is here by now: not a key is lost on the way, time and again.
    for (const [name, other] of [["harbour", "kitchen"], ["kitchen", "harbour"], ["harbour", "kitchen"]] as const) {
      await page.keyboard.press("Control+k");
      await page.keyboard.type(name.slice(0, 4));
      await page.getByRole("combobox").waitFor();
      await until(async () => (await page.getByRole("combobox").inputValue()) === name.slice(0, 4), "all of it stands there");
      await page.keyboard.press("Enter");
      await page.getByRole("heading", { level: 1, name: `# ${name}` }).waitFor();
      await writes(page);
      expect(await box(page).inputValue(), other).toBe("");
    }
    // Esc before it is there: nothing opens, and what is typed then is written.
    await page.keyboard.press("Control+k");
    await page.keyboard.press("Escape");
    await until(async () => (await page.getByRole("dialog").count()) === 0, "it is gone");
    await writes(page);
    await page.keyboard.type("on");
    expect(await box(page).inputValue()).toBe("on");
  });

  test("a room that comes late takes no focus from what was pressed meanwhile, and the dialog that this opens stays", async () => {
    const { page } = await world.newcomer("Lars Late");
    const held: Record<string, Route[]> = { rooms: [], part: [] };
    await page.route(/\/v1\/rooms\?/, (route) => void held["rooms"]?.push(route));
    await page.route("**/assets/create-room-*.js", (route) => void held["part"]?.push(route));
    await page.reload();
    const button = page.getByRole("button", { name: "New room" });
    await button.click();
    await until(() => (held["rooms"]?.length ?? 0) > 0 && (held["part"]?.length ?? 0) > 0, "both are on their way");
    await page.unroute(/\/v1\/rooms\?/);
    for (const route of held["rooms"] ?? []) await route.continue();
    await box(page).waitFor();
    await page.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve))));
    expect(await button.evaluate((one) => one === document.activeElement)).toBe(true);
    for (const route of held["part"] ?? []) await route.continue();
    const name = page.getByRole("dialog", { name: "New room" }).getByLabel("Name");
    await until(() => name.evaluate((field) => field === document.activeElement, undefined, { timeout: 5_000 }).catch(() => false), "the dialog is there, and one can type");
  });

  test("F6 goes around all regions and back, with a thread beside the room", async () => {
    const { page, username } = await world.newcomer("Rhea Round");
    const { id, rest, ids } = await made(username, "regions", ["a question"]);
    await rest("POST", `/v1/rooms/${id}/messages`, { body: "an answer", thread_root_id: ids[0] });
    await page.goto(`${world.url}/r/${id}/t/${ids[0]}`);
    const thread = page.getByRole("complementary", { name: "Thread" });
    await thread.getByRole("article", { name: /an answer/ }).waitFor();
    await until(() => thread.getByRole("textbox").evaluate((area) => area === document.activeElement), "one can answer at once");
    const region = () => page.evaluate(() => document.activeElement?.closest("[data-region]")?.getAttribute("data-region") ?? "");
    const round = async (key: string) => {
      const all: string[] = [];
      for (let n = 0; n < 6; n++) {
        await page.keyboard.press(key);
        all.push(await region());
      }
      return all;
    };
    expect(await round("F6")).toEqual(["rail", "timeline", "composer", "panel", "thread", "composer"]);
    expect(await round("Shift+F6")).toEqual(["thread", "panel", "composer", "timeline", "rail", "composer"]);
    expect(await thread.getByRole("textbox").evaluate((area) => area === document.activeElement)).toBe(true);
    // An empty thread has nothing that could take it: it is gone by.
    const { id: bare } = await rest<{ id: string }>("POST", `/v1/rooms/${id}/messages`, { body: "without an answer" });
    await page.goto(`${world.url}/r/${id}/t/${bare}`);
    await thread.getByText("without an answer").waitFor();
    await until(() => thread.getByRole("textbox").evaluate((area) => area === document.activeElement), "one can answer at once");
    expect(await round("F6")).toEqual(["rail", "timeline", "composer", "panel", "composer", "rail"]);
    expect(await round("Shift+F6")).toEqual(["composer", "panel", "composer", "timeline", "rail", "composer"]);
  });

  test("what the head of a room has is among the commands, too, and the list of keys opens from there", async () => {
    const { page, username } = await world.newcomer("Coco Command");
    await made(username, "commanded", ["one"]);
    await enter(page, "commanded");
    await writes(page);
    const command = async (text: string, name: string) => {
      await page.keyboard.press("Control+k");
      await page.getByRole("combobox").fill(text);
      await page.getByRole("option", { name, exact: true }).waitFor();
      await page.keyboard.press("Enter");
    };
    await command(">pinned", "Pinned messages");
    await page.getByRole("complementary", { name: "Pinned messages" }).waitFor();
    await command(">more", "More actions");
    await page.getByRole("menuitem", { name: "Leave" }).waitFor();
    await page.keyboard.press("Escape");
    await command(">your acc", "Your account");
    await page.getByRole("menuitem", { name: "Sign out" }).waitFor();
    await page.keyboard.press("Escape");
    // Only those have it to whom it is shown.
    await page.keyboard.press("Control+k");
    await page.getByRole("combobox").fill(">");
    const listed = await page.getByRole("option").allInnerTexts();
    expect(listed.includes("Administration")).toBe((await page.getByRole("navigation", { name: "Rooms" }).getByRole("link", { name: "Administration" }).count()) === 1);
    await page.keyboard.press("Escape");
    const keys = page.locator("header").getByRole("button", { name: "Keyboard" });
    await keys.click();
    const dialog = page.getByRole("dialog", { name: "Keyboard" });
    await dialog.waitFor();
    await picture(page, "keys-from-head");
    await page.keyboard.press("Escape");
    await dialog.waitFor({ state: "hidden" });
    await until(async () => (await focused(page)) === "Keyboard", "the button has the focus again");
    expect(await faults(page)).toEqual([]);
    await picture(page, "head");
  });

  test("Esc goes one step a press: what is beside the room goes first, then the line above what is new; who writes writes on", async () => {
    const { page, username } = await world.newcomer("Esme Esc");
    const other = await world.newcomer("Otis Oar");
    const { id } = await made(username, "steps", ["known"], other.username);
    const theirs = await world.rest(other.username);
    await theirs("POST", `/v1/rooms/${id}/messages`, { body: "news" });
    await enter(page, "steps");
    const line = page.getByRole("main").getByText("new", { exact: true });
    await line.waitFor();
    await page.getByRole("button", { name: /^Members/ }).click();
    const members = page.getByRole("complementary", { name: "Members" });
    await members.waitFor();
    await box(page).focus();
    await page.keyboard.type("half a thought");
    await page.keyboard.press("Escape");
    await members.waitFor({ state: "detached" });
    await writes(page);
    expect(await line.count()).toBe(1);
    // The search is beside the room as well.
    await page.keyboard.press("Control+Shift+f");
    const search = page.getByRole("complementary", { name: "Search" });
    await search.waitFor();
    await box(page).focus();
    await page.keyboard.press("Escape");
    await search.waitFor({ state: "detached" });
    await writes(page);
    expect(await line.count()).toBe(1);
    await page.keyboard.press("Escape");
    await line.waitFor({ state: "detached" });
    expect(await box(page).inputValue()).toBe("half a thought");
    // What takes the focus gives it back: also when what it came from is gone.
    await page.keyboard.press("Control+k");
    await page.getByRole("combobox").fill("news");
    await page.keyboard.press("Control+Enter");
    await search.getByText(/1 message/).first().waitFor();
    await until(() => search.getByLabel("Search messages").evaluate((field) => field === document.activeElement), "one can search on");
    await page.keyboard.press("Escape");
    await search.waitFor({ state: "detached" });
    await writes(page);
  });

  test("Esc that an input method takes closes nothing", async () => {
    const { page, username } = await world.newcomer("Ime Ito");
    const { id, ids } = await made(username, "methods", ["a question"]);
    await page.goto(`${world.url}/r/${id}/t/${ids[0]}`);
    const thread = page.getByRole("complementary", { name: "Thread" });
    await until(() => thread.getByRole("textbox").evaluate((area) => area === document.activeElement), "one can answer at once");
    const cdp = await page.context().newCDPSession(page);
    const compose = async () => {
      await cdp.send("Input.imeSetComposition", { text: "にほん", selectionStart: 3, selectionEnd: 3 });
      await cdp.send("Input.dispatchKeyEvent", { type: "rawKeyDown", key: "Escape", code: "Escape", windowsVirtualKeyCode: 229 });
      await cdp.send("Input.dispatchKeyEvent", { type: "keyUp", key: "Escape", code: "Escape", windowsVirtualKeyCode: 27 });
      await page.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(() => resolve(true)))));
    };
    await compose();
    expect(await thread.count()).toBe(1);
    await thread.getByRole("textbox").fill("");
    await page.keyboard.press("Control+k");
    const switcher = page.getByRole("dialog", { name: "Jump to a room" });
    await until(() => switcher.getByRole("combobox").evaluate((field) => field === document.activeElement), "it has the focus");
    await compose();
    expect(await switcher.count()).toBe(1);
    await cdp.send("Input.insertText", { text: "x" });
    await page.keyboard.press("Escape");
    await switcher.waitFor({ state: "detached" });
    expect(await thread.count()).toBe(1);
  });

  test("messages are one stop of Tab, with the links and buttons of the one that has it; the list of rooms is another, and arrows go through it", async () => {
    const { page, username } = await world.newcomer("Tabea Tab");
    for (const name of ["anchor", "buoy", "boathouse"]) await made(username, name, []);
    const { id } = await made(username, "links", Array.from({ length: 12 }, (_, n) => `${n}: https://example.org/${n}`));
    await page.goto(`${world.url}/r/${id}`);
    await page.getByRole("article", { name: /11:/ }).waitFor();
    await writes(page);
    const stops = () => page.getByRole("main").getByRole("article").evaluateAll((rows) => rows.filter((row) => [row, ...row.querySelectorAll<HTMLElement>("a[href], button")].some((one) => (one as HTMLElement).tabIndex >= 0)).length);
    expect(await stops()).toBe(1);
    const last = page.getByRole("article", { name: /11:/ });
    await last.focus();
    await page.keyboard.press("Tab");
    expect(await focused(page)).toBe("https://example.org/11");
    await page.keyboard.press("Shift+Tab");
    expect(await focused(page)).toContain("11:");
    await page.keyboard.press("ArrowUp");
    await until(async () => (await focused(page)).includes("10:"), "the one before it");
    expect(await stops()).toBe(1);
    await page.keyboard.press("Tab");
    expect(await focused(page)).toBe("https://example.org/10");
    expect(await faults(page)).toEqual([]);

    const rail = page.getByRole("navigation", { name: "Rooms" });
    expect(await rail.locator("[data-room]").evaluateAll((all) => all.filter((one) => (one as HTMLElement).tabIndex >= 0).map((one) => one.getAttribute("aria-current")))).toEqual(["page"]);
    await rail.getByRole("link", { name: "Browse" }).focus();
    await page.keyboard.press("Tab");
    const at = () => page.evaluate(() => document.activeElement?.querySelector("[data-name]")?.textContent ?? document.activeElement?.textContent ?? "");
    expect(await at()).toBe("links");
    const names = await rail.locator("[data-room] [data-name]").allInnerTexts();
    await page.keyboard.press("Home");
    expect(await at()).toBe(names[0]);
    await page.keyboard.press("ArrowDown");
    expect(await at()).toBe(names[1]);
    await page.keyboard.press("End");
    expect(await at()).toBe(names.at(-1));
    await page.keyboard.type("an");
    expect(await at()).toBe("anchor");
    await picture(page, "keyboard-rail");
    await page.keyboard.press("Tab");
    expect(await at()).toBe("New room");
    await page.keyboard.press("Shift+Tab");
    await page.keyboard.press("Home");
    await page.keyboard.press("End");
    const chosen = await at();
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { level: 1, name: `# ${chosen}` }).waitFor();
  });

  test("the inbox, threads, members and the rooms one may join are one stop of Tab each, with the button beside the entry that has it", async () => {
    const { page, username } = await world.newcomer("Lisa List");
    const others = [await world.newcomer("Anton Ant"), await world.newcomer("Berta Bee")];
    const { id, rest, ids } = await made(username, "listed", ["one", "two"], ...others.map((one) => one.username));
    for (const root of ids) await rest("POST", `/v1/rooms/${id}/messages`, { body: "an answer", thread_root_id: root });
    const theirs = await world.rest(others[0]?.username ?? "");
    for (const text of ["first", "second"]) await theirs("POST", `/v1/rooms/${id}/messages`, { body: `${text} @${username}` });
    for (const name of ["ferry", "lighthouse"]) await theirs("POST", "/v1/rooms", { kind: "group", name, visibility: "public" });
    const main = page.getByRole("main");
    /** How many entries Tab reaches, and the buttons beside them. */
    const stops = (list: Locator) => list.locator("li").evaluateAll((rows) => rows.map((row) => [...row.querySelectorAll<HTMLElement>("a[href], button")].filter((one) => one.tabIndex >= 0).length).filter((count) => count > 0));
    const name = () => page.evaluate(() => (document.activeElement?.closest("li")?.querySelector("[data-name]") ?? document.activeElement)?.textContent ?? "");

    await page.goto(`${world.url}/inbox`);
    const inbox = main.getByRole("list");
    await until(async () => (await inbox.getByText("Anton Ant mentioned you").count()) === 2, "both are there");
    expect(await stops(inbox)).toEqual([1]);
    await inbox.getByRole("button").first().focus();
    await page.keyboard.press("End");
    const last = await name();
    expect(last).toBe(await inbox.getByRole("button").last().textContent());
    await page.keyboard.press("Home");
    await page.keyboard.press("ArrowDown");
    expect(await name()).toBe(await inbox.getByRole("button").nth(1).textContent());
    expect(await stops(inbox)).toEqual([1]);
    expect(await faults(page)).toEqual([]);

    await page.goto(`${world.url}/threads`);
    const threads = main.getByRole("list", { name: "Threads" });
    await until(async () => (await threads.getByRole("link").count()) === 2, "both threads are there");
    expect(await stops(threads)).toEqual([2]);
    await threads.getByRole("link").first().focus();
    await page.keyboard.press("ArrowDown");
    expect(await threads.getByRole("link").nth(1).evaluate((one) => one === document.activeElement)).toBe(true);
    await page.keyboard.press("Tab");
    expect(await focused(page)).toMatch(/thread/i);
    expect(await stops(threads)).toEqual([2]);
    await page.keyboard.press("Shift+Tab");
    expect(await threads.getByRole("link").nth(1).evaluate((one) => one === document.activeElement)).toBe(true);

    await page.goto(`${world.url}/r/${id}`);
    await page.getByRole("button", { name: /^Members/ }).click();
    const members = page.getByRole("list", { name: "Members" });
    await until(async () => (await members.locator("[data-entry]").count()) === 3, "all are there");
    // One's own row has no menu.
    expect(await stops(members)).toEqual([1]);
    await members.locator("[data-entry]").first().focus();
    await page.keyboard.type("ber");
    expect(await name()).toContain("Berta Bee");
    expect(await stops(members)).toEqual([2]);
    await page.keyboard.press("Tab");
    await page.keyboard.press("Enter");
    await page.getByRole("menuitem", { name: "Block for me" }).waitFor();
    await page.keyboard.press("Escape");
    await until(async () => /Berta Bee/.test(await focused(page)), "the menu has given it back");
    expect(await faults(page)).toEqual([]);

    await page.goto(`${world.url}/browse`);
    const rooms = main.getByRole("region", { name: "Public rooms" }).getByRole("list");
    await rooms.getByRole("button", { name: "Join ferry" }).waitFor();
    expect(await stops(rooms)).toEqual([1]);
    await rooms.getByRole("button").first().focus();
    await page.keyboard.type("lig");
    expect(await focused(page)).toBe("Join lighthouse");
  });

  test("a row that goes hands the focus to the next one, the last one to that before it", async () => {
    const { page, username } = await world.newcomer("Nell Next");
    await made(username, "going", ["one", "two"]);
    await enter(page, "going");
    await page.getByRole("article", { name: /two/ }).waitFor();
    await page.context().setOffline(true);
    await page.getByText(/Offline|Connecting/).waitFor();
    for (const text of ["first", "second"]) {
      await box(page).fill(text);
      await box(page).press("Enter");
    }
    const drop = (text: string) => page.getByRole("article", { name: new RegExp(text) }).getByRole("button", { name: "Drop" });
    await drop("first").focus();
    await page.keyboard.press("Enter");
    await page.getByRole("article", { name: /first/ }).waitFor({ state: "detached" });
    await until(async () => (await focused(page)).includes("second"), "the next one has the focus");
    await drop("second").focus();
    await page.keyboard.press("Enter");
    await page.getByRole("article", { name: /second/ }).waitFor({ state: "detached" });
    await until(async () => (await focused(page)).includes("two"), "there is none behind it");
    await page.context().setOffline(false);
  });
});
