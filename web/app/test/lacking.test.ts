/** Parts of the app that cannot be had when they are first wanted. */
import type { Page } from "playwright-core";
import { expect, test } from "vitest";
import { faults, picture, until, write } from "./kit/browser.ts";
import { staged } from "./kit/stage.ts";

/** What has the focus. */
const focused = (page: Page) => page.evaluate(() => document.activeElement?.getAttribute("aria-label") ?? document.activeElement?.tagName);

staged("parts that cannot be had, in a browser", [], (world) => {
  /** What React says of style sheets that were cut off on purpose is no complaint. */
  const cut = () => expect(world.complaints.splice(0).filter((one) => !one.includes("Unable to preload CSS"))).toEqual([]);

  test("a control that is first pressed without a connection stays, says why, and works once there is one", async () => {
    const { page } = await world.newcomer("Nora Nopart");
    await write(page, "something to read");
    await page.getByRole("article", { name: /something to read/ }).waitFor();
    // Nothing is fetched on suspicion: whatever is pressed is pressed for the first time.
    await page.addInitScript(() => Object.defineProperty(navigator, "connection", { value: { saveData: true } }));
    await page.reload();
    const rail = page.getByRole("navigation", { name: "Rooms" });
    const own = rail.getByRole("button", { name: /^Your account/ });
    const more = page.locator("header").getByRole("button", { name: "More actions" });
    const members = page.getByRole("button", { name: /^Members/ });
    const notice = page.getByRole("alert").filter({ hasText: "this part of the app has not been loaded yet" });
    const send = page.getByRole("button", { name: "Send", exact: true });
    await page.getByRole("article", { name: /something to read/ }).waitFor();
    await page.context().setOffline(true);
    await page.getByText(/Offline, trying again/).waitFor();
    const create = rail.getByRole("button", { name: "New room" });
    const emoji = page.getByRole("form", { name: "Write a message" }).getByRole("button", { name: "Emoji" });
    for (const [control, name] of [[own, /^Your account/], [more, "More actions"], [members, /^Members/], [create, undefined], [emoji, "Emoji"]] as const) {
      for (let times = 0; times < 2; times++) {
        await control.focus();
        await page.keyboard.press("Enter");
        await notice.waitFor();
        expect(await notice.count()).toBe(1);
        expect(await control.count()).toBe(1);
        await until(async () => control.evaluate((one) => one === document.activeElement), `${String(name)} keeps the focus`);
        // What one writes with stays free.
        const [box, free] = [await notice.boundingBox(), await send.boundingBox()];
        expect((box?.y ?? 0) + (box?.height ?? 0) <= (free?.y ?? 0) || (box?.x ?? 0) + (box?.width ?? 0) <= (free?.x ?? 0)).toBe(true);
      }
      expect(await faults(page)).toEqual([]);
      await picture(page, `lacking-${String(name ?? "New room").replace(/\W/g, "")}`);
      await notice.getByRole("button", { name: "Close" }).click();
      expect(await notice.count()).toBe(0);
      if (name) expect(await focused(page)).toMatch(name);
    }
    await own.click();
    await notice.waitFor();
    await page.context().setOffline(false);
    await until(async () => (await page.getByText(/Offline|Connecting/).count()) === 0, "it is live");
    // It does not say any longer what is not so.
    expect(await notice.count()).toBe(0);
    await own.click();
    await page.getByRole("menuitem", { name: "Sign out" }).waitFor();
    await page.keyboard.press("Escape");
    await more.click();
    await page.getByRole("menuitem", { name: "Leave" }).waitFor();
    await page.keyboard.press("Escape");
    await members.click();
    await page.getByRole("complementary", { name: "Members" }).waitFor();
    await create.click();
    const dialog = page.getByRole("dialog");
    await dialog.waitFor();
    // Its style sheets were asked for again, too.
    expect(await page.evaluate(() => [...document.styleSheets].length === document.querySelectorAll("link[rel=stylesheet]").length)).toBe(true);
    await page.keyboard.press("Escape");
    await emoji.click();
    await page.getByRole("gridcell").first().waitFor();
    cut();
  });

  test("a screen that could not be had without a connection is there once there is one", async () => {
    const { page } = await world.newcomer("Sina Screen");
    await page.addInitScript(() => Object.defineProperty(navigator, "connection", { value: { saveData: true } }));
    await page.reload();
    await page.getByRole("textbox", { name: /Message/ }).waitFor();
    await page.context().setOffline(true);
    await page.getByText(/Offline, trying again/).waitFor();
    await page.getByRole("navigation", { name: "Rooms" }).getByRole("link", { name: "Browse" }).click();
    await page.getByText("this part of the app has not been loaded yet").waitFor();
    await page.context().setOffline(false);
    await page.getByRole("heading", { level: 1, name: "Browse" }).waitFor();
    cut();
  });

  test("what one presses most is fetched while nothing else is to be done, and is there without a connection", async () => {
    const { page } = await world.newcomer("Ida Idle");
    const had = new Set<string>();
    page.on("response", (answer) => had.add(/assets\/(?:emoji.*\/)?([a-z-]+?)(?:-[\w-]{8})?\.js/.exec(answer.url())?.[1] ?? ""));
    await page.reload();
    await until(() => ["account", "members", "menu", "browse", "data", "messages"].every((one) => had.has(one)), "they are fetched", 30_000);
    await page.context().setOffline(true);
    await page.getByText(/Offline, trying again/).waitFor();
    await page.getByRole("button", { name: /^Your account/ }).click();
    await page.getByRole("menuitem", { name: "Sign out" }).waitFor();
    await page.keyboard.press("Escape");
    await page.getByRole("form", { name: "Write a message" }).getByRole("button", { name: "Emoji" }).click();
    await page.getByRole("dialog", { name: "Emoji" }).getByRole("gridcell").first().waitFor();
  });
});
