/** A walk through the app by the keyboard alone. */
import type { Locator, Page } from "playwright-core";
import { expect, test } from "vitest";
import { faults, picture, until } from "./kit/browser.ts";
import { staged } from "./kit/stage.ts";

const box = (page: Page) => page.getByRole("textbox", { name: /^Message/ });
/** Waits until the focus is in a dialog or menu: keys that are pressed as soon as it is drawn are earlier than any hand. */
const inside = (one: Locator) => until(() => one.evaluate((it) => it.contains(document.activeElement)), "the focus is in it");
const focused = (page: Page) => page.evaluate(() => document.activeElement !== null && document.activeElement !== document.body);

staged("a walk by the keyboard, in a browser", [], (world) => {
  test("by the keyboard alone: from room to room, a message, its menu, a thread, an emoji, and back; the focus is never lost", async () => {
    const { page, username } = await world.newcomer("Kai Key");
    const rest = await world.rest(username);
    const { id } = await rest<{ id: string }>("POST", "/v1/rooms", { kind: "group", name: "keys" });
    for (let n = 0; n < 30; n++) await rest("POST", `/v1/rooms/${id}/messages`, { body: `line ${n}` });
    await page.keyboard.press("Control+k");
    await page.getByRole("combobox").waitFor();
    await page.keyboard.type("keys");
    await page.getByRole("option", { name: /keys/ }).first().waitFor();
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { level: 1, name: "# keys" }).waitFor();
    await page.getByText("line 29", { exact: true }).waitFor();
    await until(() => box(page).evaluate((area) => area === document.activeElement), "one can write at once");
    await page.keyboard.type("by hand");
    await page.keyboard.press("Enter");
    await until(async () => (await page.getByRole("article", { name: /by hand/ }).getAttribute("data-message")) !== null, "it is stored");
    // A round of the regions.
    const regions = new Set<string>();
    for (let n = 0; n < 4; n++) {
      await page.keyboard.press("F6");
      expect(await focused(page)).toBe(true);
      regions.add(await page.evaluate(() => document.activeElement?.closest("[data-region]")?.getAttribute("data-region") ?? ""));
    }
    expect([...regions].sort()).toEqual(["composer", "rail", "timeline"]);
    for (let n = 0; n < 4 && (await page.evaluate(() => document.activeElement?.closest("[data-region]")?.getAttribute("data-region"))) !== "timeline"; n++) await page.keyboard.press("F6");
    await page.keyboard.press("End");
    const at = () => page.evaluate(() => document.activeElement?.getAttribute("aria-label") ?? "");
    await until(async () => (await at()).includes("by hand"), "the newest has the focus");
    await page.keyboard.press("ArrowUp");
    await until(async () => (await at()).includes("line 29"), "the one before it");
    await page.keyboard.press("m");
    const menu = page.getByRole("menu", { name: "All actions" });
    await inside(menu);
    expect(await faults(page)).toEqual([]);
    await picture(page, "message-menu");
    const entry = () => page.evaluate(() => (document.activeElement?.getAttribute("role") === "menuitem" ? (document.activeElement.textContent ?? "") : "none"));
    const edited = () => until(() => box(page).evaluate((area) => area === document.activeElement && (area as HTMLTextAreaElement).value === "line 29"), "it is edited");
    const first = await entry();
    await page.keyboard.press("ArrowDown");
    await until(async () => !["none", first].includes(await entry()), "the next entry");
    await page.keyboard.press("End");
    await until(async () => (await entry()).startsWith("Delete"), "the last entry");
    await page.keyboard.press("Home");
    await until(async () => (await entry()) === first, "the first entry");
    for (let n = 0; n < 8 && !(await entry()).startsWith("Edit"); n++) await page.keyboard.press("ArrowDown");
    await page.keyboard.press("Enter");
    await edited();
    await page.keyboard.press("Escape");
    // The key beside an entry does the same.
    await page.getByRole("article", { name: /line 29/ }).focus();
    await page.keyboard.press("m");
    await inside(menu);
    await page.keyboard.press("e");
    await edited();
    expect(await menu.count()).toBe(0);
    await page.keyboard.press("Escape");
    await page.getByRole("article", { name: /line 29/ }).focus();
    await page.keyboard.press("m");
    await inside(menu);
    await page.keyboard.press("Escape");
    await until(async () => (await at()).includes("line 29"), "the focus is back on the message");
    await page.keyboard.press("1");
    await page.getByRole("button", { name: /1 reaction/ }).waitFor();
    await page.keyboard.press("i");
    await inside(page.getByRole("dialog", { name: "Readers and history" }));
    await page.keyboard.press("Escape");
    await until(async () => (await at()).includes("line 29"), "the focus is back on the message");
    await page.keyboard.press("Enter");
    const thread = page.getByRole("complementary", { name: "Thread" });
    await until(() => thread.getByRole("textbox").evaluate((area) => area === document.activeElement), "one can answer at once");
    await page.keyboard.type("an answer");
    await page.keyboard.press("Enter");
    await thread.getByRole("article", { name: /an answer/ }).waitFor();
    await page.keyboard.press("Escape");
    await thread.waitFor({ state: "detached" });
    await until(() => focused(page), "the focus is somewhere");
    await page.keyboard.press("Control+.");
    await page.getByRole("complementary", { name: "Members" }).waitFor();
    await page.keyboard.press("Control+.");
    await page.getByRole("complementary", { name: "Members" }).waitFor({ state: "detached" });
    await page.getByRole("article", { name: /by hand/ }).focus();
    await page.keyboard.press("Delete");
    await inside(page.getByRole("dialog"));
    await page.keyboard.press("Tab");
    await page.getByRole("dialog").getByRole("button", { name: "Delete" }).focus();
    await page.keyboard.press("Enter");
    await page.getByText("Deleted message").waitFor();
    await until(() => focused(page), "the focus is on a message");
    await page.keyboard.press("Control+/");
    await inside(page.getByRole("dialog", { name: "Keyboard" }));
    expect(await page.getByRole("dialog", { name: "Keyboard" }).getByRole("term").count()).toBeGreaterThan(20);
    await page.keyboard.press("Escape");
    // Whatever has the focus shows it.
    await page.keyboard.press("Tab");
    expect(await page.evaluate(() => getComputedStyle(document.activeElement as Element).outlineStyle)).not.toBe("none");
  });
});
