/** What is written and not sent: in more than one tab, and on pages that are no rooms. */
import type { Page } from "playwright-core";
import { expect, test } from "vitest";
import { until, type World } from "./kit/browser.ts";
import { staged } from "./kit/stage.ts";

staged("what is written and not sent, in a browser", [], (world: World) => {
  const box = (page: Page) => page.getByRole("main").getByRole("textbox", { name: /^Message/ });
  const holds = (page: Page, text: string) => until(async () => (await box(page).inputValue()) === text, `the text is ${JSON.stringify(text)}`);

  test("a draft that two tabs show follows what becomes of it in one of them, and another text stays", async () => {
    const { page, username } = await world.newcomer("Dag Dor");
    const rest = await world.rest(username);
    const { id } = await rest<{ id: string }>("POST", "/v1/rooms", { kind: "group", name: "twofold" });
    await page.goto(`${world.url}/r/${id}`);
    await box(page).fill("half a thought");
    const kept = () => page.evaluate(() => Object.values(localStorage).includes("half a thought"));
    await until(kept, "it is kept");
    const other = await page.context().newPage();
    await other.goto(`${world.url}/r/${id}`);
    await holds(other, "half a thought");
    await box(page).fill("a whole thought");
    await holds(other, "a whole thought");
    await box(page).press("Enter");
    await holds(other, "");
    // The other way round, and given up.
    await box(other).fill("second");
    await holds(page, "second");
    await box(other).fill("");
    await holds(page, "");
    // What is another text here is not taken away. The tabs hear of what is kept in its order: the third draft came after the second was let go of.
    await box(page).fill("mine");
    await holds(other, "mine");
    await other.evaluate(() => window.addEventListener("storage", (event) => document.body.setAttribute("data-heard", event.newValue ?? ""), { once: true }));
    await other.evaluate(() => {
      const area = document.querySelector<HTMLTextAreaElement>("main textarea");
      if (area) area.value = "written here";
    });
    await box(page).fill("mine, and more");
    await other.locator("body[data-heard='mine, and more']").waitFor({ state: "attached" });
    expect(await box(other).inputValue()).toBe("written here");
    const { items } = await rest<{ items: { body: string }[] }>("GET", `/v1/rooms/${id}/messages`);
    expect(items.map((one) => one.body).filter((body) => body !== "")).toEqual(["a whole thought"]);
  });

  test("what is sent is not lost when the page goes before it is written down, nor is it said twice", async () => {
    const { page } = await world.newcomer("Hasty Hal");
    /** Nothing is written to the outbox while this transaction lives. */
    const hold = () =>
      page.evaluate(
        () =>
          new Promise<void>((held) => {
            const opening = indexedDB.open("tidings");
            opening.onsuccess = () => {
              const store = opening.result.transaction("outbox", "readwrite").objectStore("outbox");
              const on = () => {
                held();
                store.get("").onsuccess = on;
              };
              on();
            };
          }),
      );
    await hold();
    await box(page).fill("said in haste");
    await box(page).press("Enter");
    await box(page).fill("and more");
    await page.reload();
    await holds(page, "said in haste\nand more");
    expect(await page.getByRole("article", { name: /said in haste/ }).count()).toBe(0);
    await hold();
    await box(page).press("Enter");
    await page.getByRole("navigation", { name: "Rooms" }).getByRole("link", { name: /general/ }).waitFor();
    expect(await box(page).inputValue()).toBe("");
    await page.reload();
    await holds(page, "said in haste\nand more");
    await box(page).press("Enter");
    await page.getByRole("article", { name: /said in haste/ }).waitFor();
    await until(() => page.evaluate(() => !Object.keys(localStorage).some((key) => key.startsWith("tidings.draft."))), "the draft goes");
    await page.reload();
    await page.getByRole("article", { name: /said in haste/ }).waitFor();
    expect(await box(page).inputValue()).toBe("");
  });

  test("what one begins to say of oneself is there again after another page of the settings, until it is saved", async () => {
    const { page } = await world.newcomer("Eve Ems");
    const about = page.getByLabel("About you");
    const away = async () => {
      await page.getByRole("link", { name: "Appearance" }).click();
      await page.getByLabel("Theme").waitFor();
      await page.getByRole("link", { name: "Profile" }).click();
    };
    await page.goto(`${world.url}/settings/profile`);
    await about.fill("I keep the");
    await away();
    expect(await about.inputValue()).toBe("I keep the");
    await page.reload();
    await about.waitFor();
    expect(await about.inputValue()).toBe("I keep the");
    await about.fill("I keep the keys.");
    await page.getByRole("button", { name: "Save" }).click();
    await page.getByText("Saved").waitFor();
    expect(await page.evaluate(() => Object.keys(localStorage).filter((key) => key.includes(".profile.")))).toEqual([]);
    await away();
    expect(await about.inputValue()).toBe("I keep the keys.");
  });
});
