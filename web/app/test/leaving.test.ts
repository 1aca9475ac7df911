/** Signing out while the server cannot be reached. */
import { expect, test } from "vitest";
import { faults, picture, until, write } from "./kit/browser.ts";
import { staged } from "./kit/stage.ts";

staged("signing out without a connection, in a browser", [], (world) => {
  test("it ends here at once, nothing is left, it is said, and the server hears of it when there is a connection", async () => {
    const { page, username } = await world.newcomer("Lea Leaver");
    const rest = await world.rest(username);
    const sessions = async () => (await rest<{ items: unknown[] }>("GET", "/v1/sessions")).items.length;
    const second = await page.context().newPage();
    await second.goto(world.url);
    await second.getByRole("textbox", { name: /Message/ }).fill("half a thought");
    await page.getByRole("button", { name: /^Your account/ }).click();
    await page.getByRole("menuitem", { name: "Sign out" }).waitFor();
    expect(await sessions()).toBe(2);
    // What asks is there by then: the part after it has been asked for.
    await page.waitForFunction(() => performance.getEntriesByType("resource").some((one) => one.name.includes("/assets/switcher-")), undefined, { timeout: 30_000 });
    await page.context().setOffline(true);
    await page.getByText(/Offline, trying again/).waitFor();
    // What waits to be sent is not lost without a question.
    await page.keyboard.press("Escape");
    await write(page, "not sent yet");
    const out = page.getByRole("menuitem", { name: "Sign out" });
    await page.getByRole("button", { name: /^Your account/ }).click();
    await out.click();
    const dialog = page.getByRole("dialog", { name: "Sign out?" });
    await dialog.getByRole("button", { name: "Cancel" }).click();
    expect(await page.getByRole("article", { name: /not sent yet/ }).count()).toBe(1);
    await page.getByRole("button", { name: /^Your account/ }).click();
    await out.click();
    await dialog.getByRole("button", { name: "Sign out" }).click();
    const said = page.getByText(/There was no connection to tell the server/);
    await said.waitFor();
    expect(await page.getByRole("textbox", { name: "Name or e-mail" }).evaluate((one) => one === document.activeElement)).toBe(true);
    expect(await faults(page)).toEqual([]);
    await picture(page, "signed-out-offline");
    await second.getByRole("button", { name: "Sign in", exact: true }).waitFor();
    const kept = () => page.evaluate(async () => [...Object.keys(localStorage).filter((key) => key !== "tidings.owed"), ...Object.keys(sessionStorage), ...(await indexedDB.databases()).map((one) => one.name)]);
    await until(async () => (await kept()).length === 0, "nothing of it is left");
    expect(await sessions()).toBe(2);
    await page.context().setOffline(false);
    await until(async () => (await sessions()) === 1, "the session has ended");
    await until(async () => (await said.count()) === 0, "it says so no longer");
    await page.reload();
    await page.getByRole("button", { name: "Sign in", exact: true }).waitFor();
    expect(await page.evaluate(() => localStorage.getItem("tidings.owed"))).toBeNull();
  });
});
