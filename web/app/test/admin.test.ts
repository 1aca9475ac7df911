import { createHmac } from "node:crypto";
import type { Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { faults, here, picture, still, until, World, write } from "./kit/browser.ts";

type Person = Awaited<ReturnType<World["newcomer"]>>;

const PASSWORD = "a wordy secret";
const dialog = (page: Page, name: string | RegExp) => page.getByRole("dialog", { name });

/** What an authenticator shows for a secret at a moment. */
function totp(secret: string, at = Date.now()): string {
  const bits = [...secret].map((letter) => "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".indexOf(letter).toString(2).padStart(5, "0")).join("");
  const key = Buffer.from((bits.match(/.{8}/g) ?? []).map((byte) => Number.parseInt(byte, 2)));
  const step = Buffer.alloc(8);
  step.writeBigUInt64BE(BigInt(Math.floor(at / 30_000)));
  const hash = createHmac("sha1", key).update(step).digest();
  const from = (hash.at(-1) ?? 0) & 15;
  return String((hash.readUInt32BE(from) & 0x7fffffff) % 1_000_000).padStart(6, "0");
}

async function room(page: Page, name: string, members: string): Promise<void> {
  await page.getByRole("button", { name: "New room" }).click();
  await dialog(page, "New room").getByLabel("Name").fill(name);
  await dialog(page, "New room").getByRole("textbox", { name: "Members" }).fill(members);
  await dialog(page, "New room").getByRole("button", { name: "Create" }).click();
  await page.getByRole("heading", { level: 1, name: `# ${name}` }).waitFor();
}

describe.skipIf(!here)("settings, rooms and administration in a browser", () => {
  let world: World;
  /** The first who comes in is the admin. */
  let ana: Person;
  let bo: Person;

  /** REST as a user; the session is one of their own. */
  async function rest(username: string): Promise<(method: string, path: string, body?: object) => Promise<Record<string, unknown>>> {
    const json = { "content-type": "application/json" };
    const signedIn = await fetch(`${world.url}/v1/sessions`, { method: "POST", headers: json, body: JSON.stringify({ login: username, password: PASSWORD }) });
    const { access_token } = (await signedIn.json()) as { access_token: string };
    return async (method, path, body) => {
      const answer = await fetch(world.url + path, { method, headers: { ...json, authorization: `Bearer ${access_token}` }, ...(body ? { body: JSON.stringify(body) } : {}) });
      return (answer.status === 204 ? {} : await answer.json()) as Record<string, unknown>;
    };
  }

  beforeAll(async () => {
    world = await World.start();
    ana = await world.newcomer("Ana Lima");
    bo = await world.newcomer("Bo Berg");
  });

  afterAll(async () => {
    await world?.stop();
    expect(world?.complaints ?? []).toEqual([]);
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
    await page.getByLabel("State").selectOption("actioned");
    await page.getByText("against the rules").waitFor();
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

  test("sessions are ended, a second factor is set up and taken away", async () => {
    const { page, username } = bo;
    await rest(username);
    await page.goto(`${world.url}/settings/sessions`);
    const end = page.getByRole("button", { name: /^End:/ });
    await end.first().waitFor();
    await page.getByText(/Chrome on Linux/).first().waitFor();
    await picture(page, "settings-sessions");
    await page.getByRole("button", { name: "End all others" }).click();
    await dialog(page, "End all others").getByRole("button", { name: "End" }).click();
    await until(async () => (await end.count()) === 0, "the others are ended");
    await page.goto(`${world.url}/settings/factor`);
    await page.getByLabel("Password").fill(PASSWORD);
    await page.getByRole("button", { name: "Set it up" }).click();
    const secret = (await page.locator("p code").innerText()).replace(/\s/g, "");
    await page.getByLabel("Code of the app").fill(totp(secret));
    await page.getByRole("button", { name: "Turn it on" }).click();
    await page.getByRole("button", { name: "I have kept them" }).waitFor();
    const codes = await page.locator("li code").allInnerTexts();
    expect(codes.length).toBe(10);
    expect(await faults(page)).toEqual([]);
    await page.getByRole("button", { name: "I have kept them" }).click();
    await page.getByText("Your second factor is on.").waitFor();
    // From now on a code is asked for wherever the password is.
    await page.getByRole("link", { name: "E-mail address" }).click();
    await page.getByRole("button", { name: "Change the address" }).click();
    await page.getByLabel("New address").fill(`new-${username}@example.org`);
    await page.getByLabel("Password").fill(PASSWORD);
    await page.getByLabel("Code of your second factor").fill(codes[0] ?? "");
    expect(await faults(page)).toEqual([]);
    await picture(page, "settings-address-change");
    await page.getByRole("button", { name: "Send the code" }).click();
    await page.getByLabel("Code from the mail").waitFor();
    await page.getByRole("link", { name: "Second factor" }).click();
    await page.getByLabel("Password").fill(PASSWORD);
    await page.getByLabel("Code of your second factor").fill(codes[1] ?? "");
    await page.getByRole("button", { name: "Turn it off" }).click();
    await page.getByRole("button", { name: "Set it up" }).waitFor();
  });

  test("a picture is chosen, seen by others, and removed", async () => {
    const { page } = bo;
    await page.goto(`${world.url}/settings/profile`);
    const picked = page.getByRole("group", { name: "Picture" });
    const png = Buffer.from("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==", "base64");
    await picked.locator("input").setInputFiles({ name: "me.png", mimeType: "image/png", buffer: png });
    await picked.locator("img").waitFor();
    await page.getByText("Saved.").waitFor();
    expect(await faults(page)).toEqual([]);
    await picture(page, "settings-picture");
    await ana.page.goto(`${world.url}/admin/people?query=${bo.username}`);
    await ana.page.locator("li img").waitFor();
    await until(() => ana.page.locator("li img").evaluate((one: HTMLImageElement) => one.naturalWidth > 0), "it is drawn");
    await picked.getByRole("button", { name: "Remove the picture" }).click();
    await picked.locator("img").waitFor({ state: "detached" });
    await page.goto(world.url);
  });

  test("preferences are kept, a user is blocked by name and freed", async () => {
    const { page } = bo;
    await page.goto(`${world.url}/settings/preferences`);
    await page.getByLabel("Wait before a mail").selectOption("60");
    await page.getByLabel("Do not disturb: no mails").selectOption("3600");
    await page.getByRole("button", { name: "Save" }).click();
    await page.getByText("Saved.").waitFor();
    await page.reload();
    await until(async () => (await page.getByLabel("Wait before a mail").inputValue()) === "60", "the delay is kept");
    expect(await page.getByLabel("Do not disturb: no mails").locator("option:checked").innerText()).toMatch(/^Until /);
    await page.getByLabel("Do not disturb: no mails").selectOption("off");
    await page.getByRole("button", { name: "Save" }).click();
    await page.getByText("Saved.").waitFor();
    await page.goto(`${world.url}/settings/blocked`);
    await page.getByLabel("Username").fill(`@${ana.username}`);
    await page.getByRole("button", { name: "Block", exact: true }).click();
    await page.getByRole("button", { name: "Unblock Ana Lima" }).click();
    await page.getByText("You have blocked no one.").waitFor();
    await page.goto(world.url);
  });

  test("a copy of the data is made and fetched, where the server makes them", async ({ skip }) => {
    const { paths } = (await (await fetch(`${world.url}/openapi.json`)).json()) as { paths: Record<string, unknown> };
    if (!paths["/v1/users/me/exports"]) skip("this server makes no copies");
    const { page } = bo;
    await page.goto(`${world.url}/settings/data`);
    await page.getByLabel("Password").fill("not the secret");
    await page.getByRole("button", { name: "Make a copy" }).click();
    await page.getByRole("alert").waitFor();
    await page.getByLabel("Password").fill(PASSWORD);
    await page.getByRole("button", { name: "Make a copy" }).click();
    await page.getByText("Your copy is ready.").waitFor({ timeout: 60_000 });
    expect(await faults(page)).toEqual([]);
    await picture(page, "settings-export");
    // A later visit finds it.
    await page.reload();
    await page.getByText("Your copy is ready.").waitFor();
    const [file] = await Promise.all([page.waitForEvent("download"), page.getByRole("button", { name: /^Download/ }).click()]);
    expect(file.suggestedFilename()).toMatch(/\.zip$/);
    await page.goto(world.url);
  });

  test("an account is deleted: what goes is said, its progress is shown, nothing is left here", async () => {
    const { page, username } = await world.newcomer("Del Dove");
    const other = await page.context().newPage();
    await other.goto(world.url);
    await other.getByRole("textbox", { name: /Message/ }).waitFor();
    await write(page, "soon gone");
    await until(async () => (await page.getByRole("article").last().getAttribute("data-message")) !== null, "it is stored");
    await page.getByRole("textbox", { name: /Message/ }).fill("a draft");
    await page.goto(`${world.url}/settings/data`);
    await page.getByRole("button", { name: "Delete my account" }).click();
    const asked = dialog(page, "Delete your account");
    await asked.getByLabel(`Type ${username} to confirm`).fill(username);
    await asked.getByLabel("Password").fill("not the secret");
    await asked.getByRole("button", { name: "Delete for good" }).click();
    await asked.getByRole("alert").waitFor();
    await asked.getByLabel("Password").fill(PASSWORD);
    expect(await faults(page)).toEqual([]);
    await picture(page, "settings-deletion");
    await asked.getByRole("button", { name: "Delete for good" }).click();
    await page.getByRole("heading", { level: 1, name: "Deletion of an account" }).waitFor();
    await page.getByText("Everything is deleted.").waitFor({ timeout: 60_000 });
    expect(await faults(page)).toEqual([]);
    await picture(page, "erasure");
    await other.getByRole("button", { name: "Sign in" }).waitFor();
    expect(await other.getByRole("dialog").count()).toBe(0);
    expect(await page.evaluate(async () => (await indexedDB.databases()).length)).toBe(0);
    expect(await page.evaluate(() => Object.keys(localStorage).filter((key) => key.startsWith("tidings.draft")))).toEqual([]);
  });
});
