import { createHmac } from "node:crypto";
import type { Page } from "playwright-core";
import { beforeAll, expect, test } from "vitest";
import { faults, picture, until, type World, write } from "./kit/browser.ts";
import { staged } from "./kit/stage.ts";

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

staged("settings in a browser", [], (world) => {
  /** The first who comes in is the admin. */
  let ana: Person;
  let bo: Person;

  /** Another session of a user's. */
  async function signInElsewhere(username: string): Promise<void> {
    const signedIn = await fetch(`${world.url}/v1/sessions`, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify({ login: username, password: PASSWORD }) });
    expect(signedIn.ok).toBe(true);
  }

  beforeAll(async () => {
    ana = await world.newcomer("Ana Lima");
    bo = await world.newcomer("Bo Berg");
  });

  test("sessions are ended, a second factor is set up and taken away", async () => {
    const { page, username } = bo;
    await signInElsewhere(username);
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
