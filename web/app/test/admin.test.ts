import type { Page } from "playwright-core";
import { beforeAll, expect, test } from "vitest";
import { faults, picture, still, until, type World, write } from "./kit/browser.ts";
import { staged } from "./kit/stage.ts";

type Person = Awaited<ReturnType<World["newcomer"]>>;

const PASSWORD = "a wordy secret";
const dialog = (page: Page, name: string | RegExp) => page.getByRole("dialog", { name });

async function room(page: Page, name: string, members: string): Promise<void> {
  await page.getByRole("button", { name: "New room" }).click();
  await dialog(page, "New room").getByLabel("Name").fill(name);
  await dialog(page, "New room").getByRole("textbox", { name: "Members" }).fill(members);
  await dialog(page, "New room").getByRole("button", { name: "Create" }).click();
  await page.getByRole("heading", { level: 1, name: `# ${name}` }).waitFor();
}

staged("rooms and administration in a browser", [], (world) => {
  /** The first who comes in is the admin. */
  let ana: Person;
  let bo: Person;

  beforeAll(async () => {
    ana = await world.newcomer("Ana Lima");
    bo = await world.newcomer("Bo Berg");
  });

  test("every page of administration, light and dark, wide and narrow, in both languages", async () => {
    const { page } = ana;
    await page.getByRole("navigation", { name: "Rooms" }).getByRole("link", { name: "Administration" }).click();
    const tabs = page.getByRole("navigation", { name: "Administration" }).getByRole("link");
    await tabs.first().waitFor();
    const paths = await tabs.evaluateAll((links) => links.map((link) => link.getAttribute("href") ?? ""));
    expect(paths.length).toBe(9);
    for (const path of paths) {
      await page.goto(world.url + path);
      await page.getByRole("navigation", { name: "Administration" }).getByRole("link").first().waitFor();
      await still(page);
      await picture(page, path.slice(1).replace("/", "-"));
      for (const scheme of ["light", "dark"] as const) {
        await page.emulateMedia({ colorScheme: scheme });
        expect(await faults(page), `${path} ${scheme}`).toEqual([]);
      }
      await page.emulateMedia({ colorScheme: "light" });
      await page.setViewportSize({ width: 320, height: 640 });
      await still(page);
      expect(await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth), path).toBeLessThanOrEqual(0);
      expect(await faults(page), `${path} narrow`).toEqual([]);
      await page.setViewportSize({ width: 1280, height: 800 });
    }
    // No text is shown by its id.
    for (const language of ["de", "en"]) {
      await page.evaluate((one) => localStorage.setItem("tidings.language", one), language);
      for (const path of [...paths, "/settings/data", "/settings/sessions", "/settings/address"]) {
        await page.goto(world.url + path);
        await page.getByRole("heading", { level: 1 }).waitFor();
        await still(page);
        expect(await page.locator("main").innerText(), `${path} ${language}`).not.toMatch(/(^|\s)(admin|people|person|reports?|rooms|events|requests|letters|holds?|notices|figures|filters|list|sessions|address|deletion|export|proof)\.[a-z_]+(\s|$)/);
      }
    }
    // Who is no admin sees none of it.
    await bo.page.goto(`${world.url}/admin/people`);
    await bo.page.getByText("Only moderators and admins see this.").waitFor();
    expect(await bo.page.getByRole("link", { name: "Administration" }).count()).toBe(0);
    await bo.page.goto(world.url);
  }, 300_000);

  test("a reported message is read, deleted and closed", async () => {
    await bo.page.getByRole("textbox", { name: /Message/ }).waitFor();
    await write(bo.page, "an **insult**");
    const message = bo.page.getByRole("article").last();
    await until(async () => (await message.getAttribute("data-message")) !== null, "it is stored");
    const { page } = ana;
    await page.goto(world.url);
    const seen = page.getByRole("article").last();
    await page.getByText("an insult").waitFor();
    await seen.hover();
    await seen.getByRole("button", { name: "Report" }).click();
    await dialog(page, "Report").getByLabel("What is wrong with it?").fill("unkind words");
    expect(await faults(page)).toEqual([]);
    await dialog(page, "Report").getByRole("button", { name: "Report" }).click();
    await dialog(page, "Report").getByText("A moderator will look at it.").waitFor();
    await page.keyboard.press("Escape");
    await page.goto(`${world.url}/admin/reports`);
    await page.getByText("unkind words").waitFor();
    await page.getByText("an insult").waitFor();
    expect(await faults(page)).toEqual([]);
    const state = page.getByRole("navigation", { name: "State" });
    await state.getByRole("link", { name: "Open 1", exact: true }).waitFor();
    const find = page.getByLabel("Find by words, people or rooms");
    await find.fill("insult unkind #general bo berg");
    await page.getByText("unkind words").waitFor();
    await find.fill("insult elsewhere");
    await page.getByText("No report here has \"insult elsewhere\" in it.").waitFor();
    expect(await page.getByText("unkind words").count()).toBe(0);
    expect(await faults(page)).toEqual([]);
    await find.fill("");
    await page.getByText("unkind words").waitFor();
    await picture(page, "admin-report");
    await page.getByRole("button", { name: "Delete the message" }).click();
    const asked = dialog(page, "Delete the message");
    await asked.getByLabel("Reason").fill("against the rules");
    expect(await faults(page)).toEqual([]);
    await picture(page, "admin-report-delete");
    await asked.getByRole("button", { name: "Delete the message" }).click();
    await asked.waitFor({ state: "hidden" });
    await page.getByText("Nothing waits for you.").waitFor();
    await bo.page.getByText("Deleted message").waitFor();
    await state.getByRole("link", { name: "Open 0", exact: true }).waitFor();
    await state.getByRole("link", { name: "Acted on" }).click();
    await page.getByText("against the rules").waitFor();
    await page.reload();
    await page.getByText("against the rules").waitFor();
    expect(await state.getByRole("link", { name: "Acted on" }).getAttribute("aria-current")).toBe("page");
    await page.goBack();
    await page.getByText("Nothing waits for you.").waitFor();
  });

  test("an account is made, suspended for a reason, and the audit trail tells of it", async () => {
    const { page } = ana;
    await page.goto(`${world.url}/admin/people`);
    await page.getByRole("button", { name: "New account" }).click();
    const form = dialog(page, "New account");
    await form.getByLabel("Username").fill("cyrus");
    await form.getByLabel("E-mail").fill("cyrus@example.org");
    await form.getByLabel("Password").fill(PASSWORD);
    expect(await faults(page)).toEqual([]);
    await form.getByRole("button", { name: "Create" }).click();
    await form.waitFor({ state: "hidden" });
    await page.getByLabel("Name, username or address").fill("cyr");
    await page.getByRole("button", { name: "Open cyrus" }).click();
    const person = dialog(page, "cyrus");
    expect(await faults(page)).toEqual([]);
    await picture(page, "admin-person");
    await person.getByRole("button", { name: "Suspend" }).click();
    const asked = dialog(page, "Suspend");
    await asked.getByLabel("Reason").fill("spam");
    await asked.getByRole("button", { name: "Suspend" }).click();
    await person.getByText("suspended").waitFor();
    const refused = await fetch(`${world.url}/v1/sessions`, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify({ login: "cyrus", password: PASSWORD }) });
    expect(refused.status).toBe(403);
    await person.getByRole("link", { name: "What happened to the account" }).click();
    await page.getByText(/^user\.[a-z_]+\.v\d$/).first().waitFor();
    await page.getByText("Details, position").first().click();
    expect(await faults(page)).toEqual([]);
    await picture(page, "admin-events-details");
    await page.goBack();
    await page.getByLabel("Name, username or address").fill("cyr");
    await page.getByRole("button", { name: "Open cyrus" }).click();
    await person.getByRole("button", { name: "Lift the suspension" }).click();
    await dialog(page, "Lift the suspension").getByRole("button", { name: "Lift the suspension" }).click();
    await person.getByRole("button", { name: "Suspend" }).waitFor();
    // Erased: followed to its end.
    await person.getByRole("button", { name: "Erase" }).click();
    await dialog(page, "Erase").getByLabel("Reason").fill("asked by letter");
    await dialog(page, "Erase").getByRole("button", { name: "Erase" }).click();
    await person.getByText("Everything is deleted.").waitFor({ timeout: 60_000 });
  });

  test("a notice reaches an inbox, a hold is placed and ended, figures are drawn", async () => {
    const { page } = ana;
    await page.goto(`${world.url}/admin/notify`);
    await page.getByLabel("To", { exact: true }).fill(bo.username);
    await page.getByLabel("Title", { exact: true }).fill("Maintenance at six");
    await page.getByLabel("Text", { exact: true }).fill("Back at seven.");
    await page.getByRole("button", { name: "Send to their inboxes" }).click();
    await page.getByText("Sent to 1 person.").waitFor();
    await bo.page.goto(`${world.url}/inbox`);
    await bo.page.getByText("Maintenance at six").waitFor();
    await bo.page.goto(world.url);
    await page.goto(`${world.url}/admin/holds`);
    await page.getByRole("button", { name: "Place a hold" }).click();
    await dialog(page, "Place a hold").getByLabel("Username or id").fill("nosuchname");
    await dialog(page, "Place a hold").getByLabel("Reason").fill("a lawsuit");
    await dialog(page, "Place a hold").getByRole("button", { name: "Place a hold" }).click();
    await dialog(page, "Place a hold").getByText("There is no user called @nosuchname.").waitFor();
    await dialog(page, "Place a hold").getByLabel("Username or id").fill(bo.username);
    await dialog(page, "Place a hold").getByRole("button", { name: "Place a hold" }).click();
    await page.getByText("a lawsuit").waitFor();
    await page.getByText("Person: Bo Berg").waitFor();
    await page.getByRole("button", { name: /^End the hold/ }).click();
    await dialog(page, "End the hold").getByLabel("Reason").fill("settled");
    await dialog(page, "End the hold").getByRole("button", { name: "End the hold" }).click();
    await page.getByText("Nothing is on hold.").waitFor();
    await page.goto(`${world.url}/admin/figures`);
    await page.getByRole("img", { name: /Open connections/ }).waitFor({ timeout: 30_000 });
    expect(await faults(page)).toEqual([]);
    await picture(page, "admin-figures-lines");
  });

  test("a list says that it failed and is read again; pages that come empty are gone over; a letter is driven again", async () => {
    const { page } = ana;
    const letter = (id: string) => ({ id, event_type: "message.posted.v1", subscriber: "mail", reason: `no server for ${id}`, attempts: 12, created_at: "2026-11-26T12:00:00.000Z" });
    const pages: Record<string, object> = { "": { items: [], next_cursor: "b" }, b: { items: [letter("dl_1")], next_cursor: "c" }, c: { items: [letter("dl_1"), letter("dl_2")], next_cursor: null } };
    const driven: string[] = [];
    let allowed = false;
    await page.route("**/v1/admin/dead-letters**", async (route) => {
      const url = new URL(route.request().url());
      if (!allowed) return route.fulfill({ status: 403, contentType: "application/problem+json", body: JSON.stringify({ type: "about:blank", title: "Forbidden", status: 403, detail: "not for you", code: "forbidden", retryable: false, trace_id: "t" }) });
      if (route.request().method() !== "POST") return route.fulfill({ json: driven.length > 0 ? { items: [], next_cursor: null } : pages[url.searchParams.get("cursor") ?? ""] });
      driven.push(url.pathname.split("/").at(-2) ?? "");
      return route.fulfill({ status: 202, json: {} });
    });
    await page.goto(`${world.url}/admin/letters`);
    await page.getByRole("alert").getByText("not for you").waitFor();
    expect(await faults(page)).toEqual([]);
    await picture(page, "admin-letters-failed");
    allowed = true;
    await page.getByRole("button", { name: "Try again" }).click();
    await page.getByText("no server for dl_1").waitFor();
    expect(await page.getByText("no server for dl_2").count()).toBe(0);
    await page.getByRole("button", { name: "Show more" }).click();
    await page.getByText("no server for dl_2").waitFor();
    expect(await page.getByText("no server for dl_1").count()).toBe(1);
    expect(await faults(page)).toEqual([]);
    await picture(page, "admin-letters-some");
    await page.getByRole("button", { name: "Try again: dl_2" }).focus();
    await page.keyboard.press("Enter");
    await page.getByText("Everything was delivered.").waitFor();
    expect(driven).toEqual(["dl_2"]);
    // The row that had the focus is gone: the focus is not lost.
    await until(() => page.evaluate(() => document.activeElement !== document.body), "the focus is somewhere");
    await page.unroute("**/v1/admin/dead-letters**");
  });

  test("a room's rules, a mute, a ban and an invitation", async () => {
    const { page } = ana;
    await page.goto(world.url);
    await page.getByRole("textbox", { name: /Message/ }).waitFor();
    await room(page, "rules", bo.username);
    await bo.page.getByRole("navigation", { name: "Rooms" }).getByRole("link", { name: /rules/ }).click();
    await bo.page.getByRole("textbox", { name: /Message/ }).waitFor();
    // By the keyboard alone.
    await page.getByRole("button", { name: "More actions" }).focus();
    await page.keyboard.press("Enter");
    const item = page.getByRole("menuitem", { name: "Room settings" });
    await item.waitFor();
    const active = () => page.locator("[role=menuitem][data-active-item]").innerText();
    for (let text = await active(); text !== "Room settings"; text = await active()) {
      await page.keyboard.press("ArrowDown");
      await until(async () => (await active()) !== text, "the next entry is marked");
    }
    await page.keyboard.press("Enter");
    const settings = dialog(page, "Room settings");
    await settings.getByLabel("Who may write").selectOption("admins");
    await settings.getByLabel(/Slow mode/).selectOption("30");
    expect(await faults(page)).toEqual([]);
    await picture(page, "room-settings");
    await settings.getByRole("button", { name: "Save" }).click();
    await settings.waitFor({ state: "hidden" });
    await bo.page.getByText("Only admins post here.").waitFor();
    await page.getByRole("button", { name: "Members: 2" }).click();
    const panel = page.getByRole("complementary", { name: "Members" });
    await panel.getByRole("button", { name: "Actions for Bo Berg" }).click();
    await picture(page, "member-menu");
    await page.getByRole("menuitem", { name: "Mute" }).click();
    await dialog(page, "Mute Bo Berg?").getByRole("button", { name: "Mute" }).click();
    await panel.getByText(/muted until/).waitFor();
    await bo.page.getByText(/You are muted here until/).waitFor();
    await panel.getByRole("button", { name: "Actions for Bo Berg" }).click();
    await page.getByRole("menuitem", { name: "Ban" }).click();
    const ban = dialog(page, "Ban Bo Berg?");
    await ban.getByLabel("Reason").fill("off topic");
    expect(await faults(page)).toEqual([]);
    await ban.getByRole("button", { name: "Ban" }).click();
    await ban.waitFor({ state: "hidden" });
    await page.getByRole("button", { name: "Members: 1" }).waitFor();
    await page.getByRole("button", { name: "More actions" }).click();
    await page.getByRole("menuitem", { name: "Banned users" }).click();
    await dialog(page, "Banned users").getByText("off topic").waitFor();
    expect(await faults(page)).toEqual([]);
    await picture(page, "bans");
    await dialog(page, "Banned users").getByRole("button", { name: "Lift the ban of Bo Berg" }).click();
    await dialog(page, "Banned users").getByText("No one is banned here.").waitFor();
    await page.keyboard.press("Escape");
    await page.getByRole("button", { name: "More actions" }).click();
    await page.getByRole("menuitem", { name: "Invite by link" }).click();
    await dialog(page, "Invite by link").getByLabel("How many may use it").selectOption("5");
    await dialog(page, "Invite by link").getByRole("button", { name: "Create" }).click();
    await dialog(page, "Invite by link").getByLabel("Link").or(dialog(page, "Invite by link").getByRole("alert")).first().waitFor();
    expect(await faults(page)).toEqual([]);
    await picture(page, "invitations");
  });
});
