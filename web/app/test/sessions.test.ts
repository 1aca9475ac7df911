/** Sessions as tabs share them, and texts that outlive everything that happens around them. */
import type { BrowserContext, Page } from "playwright-core";
import { expect, test } from "vitest";
import { enter, until } from "./kit/browser.ts";
import { staged } from "./kit/stage.ts";

const DAY = 24 * 3_600_000;

staged("sessions and what is typed in them, in a browser", [], (world) => {
  const box = (page: Page) => page.getByRole("main").getByRole("textbox", { name: /^Message/ });

  /** Clocks that the test can put forward, in all tabs alike. */
  async function clocks(context: BrowserContext): Promise<void> {
    await context.addInitScript(() => {
      const real = Date.now.bind(Date);
      Object.assign(window, { ahead: 0 });
      Date.now = () => real() + (window as unknown as { ahead: number }).ahead;
    });
  }

  test("at the end of a token's life three tabs refresh once, and none is signed out", async () => {
    const { page } = await world.newcomer("Tom Tab");
    const context = page.context();
    await clocks(context);
    const tabs = [page, await context.newPage(), await context.newPage()];
    for (const [n, tab] of tabs.entries()) {
      await tab.goto(`${world.url}/${["browse", "inbox", "threads"][n]}`);
      await tab.getByRole("navigation", { name: "Rooms" }).waitFor();
      await until(async () => (await tab.getByText(/Offline|Connecting/).count()) === 0, "it is live");
    }
    let refreshes = 0;
    const answered: number[] = [];
    context.on("request", (request) => {
      if (request.url().endsWith("/v1/sessions/refresh")) refreshes += 1;
    });
    context.on("response", (response) => {
      if (response.url().includes("/v1/") && response.status() >= 400) answered.push(response.status());
    });
    for (const round of [1, 2]) {
      // By their clocks the token is old in all of them: each asks for something at the same moment.
      await Promise.all(tabs.map((tab) => tab.evaluate((ahead) => Object.assign(window, { ahead }), round * DAY)));
      await Promise.all(tabs.map(async (tab) => {
        await tab.getByRole("navigation", { name: "Rooms" }).getByRole("link", { name: "Browse" }).click();
        await tab.getByRole("heading", { level: 1, name: "Browse" }).waitFor();
        const found = tab.waitForResponse((response) => response.url().includes("/v1/users?"));
        await tab.getByLabel("Find rooms and people").fill(`stranger${round}`);
        expect((await found).status()).toBe(200);
      }));
      expect(refreshes, `refreshes after ${round} lives`).toBe(round);
    }
    expect(answered).toEqual([]);
    for (const tab of tabs) {
      expect(await tab.getByRole("dialog").count()).toBe(0);
      await tab.reload();
      await tab.getByRole("navigation", { name: "Rooms" }).waitFor();
    }
  });

  test("three drafts outlive a room that closes, its other name, and the end of the session", async () => {
    const [a, b] = [await world.newcomer("Una Use"), await world.newcomer("Otto Own")];
    const theirs = await world.rest(b.username);
    const { id } = await theirs<{ id: string }>("POST", "/v1/rooms", { kind: "group", name: "before", members: [`@${a.username}`] });
    const mine = await world.rest(a.username);
    const own = await mine<{ id: string }>("POST", `/v1/rooms/${id}/messages`, { body: "the question" });
    const { page } = a;
    await page.goto(`${world.url}/r/${id}/t/${own.id}`);
    const thread = page.getByRole("complementary", { name: "Thread" }).getByRole("textbox");
    await thread.fill("half an answer");
    const first = page.getByRole("main").getByRole("article").first();
    await first.hover();
    await first.getByRole("button", { name: "Edit" }).click();
    await until(async () => (await box(page).inputValue()) === "the question", "the message is edited");
    await box(page).fill("the better question");
    await page.getByRole("button", { name: "Cancel" }).waitFor();
    await enter(page, "general");
    await page.goto(`${world.url}/r/${id}/t/${own.id}`);
    await until(async () => (await box(page).inputValue()) === "" && (await thread.inputValue()) === "half an answer", "the room's text is none of them");
    await box(page).fill("half a thought");
    // Read-only for a while: the composer goes, the text does not.
    await theirs("PATCH", `/v1/rooms/${id}`, { posting: "admins" });
    await page.getByText("Only admins post here.").waitFor();
    expect(await box(page).count()).toBe(0);
    await theirs("PATCH", `/v1/rooms/${id}`, { posting: "everyone", name: "after" });
    await page.getByRole("heading", { level: 1, name: "# after" }).waitFor();
    await until(async () => (await box(page).inputValue()) === "half a thought", "the draft of the room");
    expect(await thread.inputValue()).toBe("half an answer");
    // Another room in between, and a reload.
    await enter(page, "general");
    await page.goto(`${world.url}/r/${id}/t/${own.id}`);
    await page.reload();
    await until(async () => (await box(page).inputValue()) === "half a thought" && (await thread.inputValue()) === "half an answer", "both are there after a reload");
    await mine("DELETE", "/v1/sessions");
    const dialog = page.getByRole("dialog", { name: "Sign in again" });
    await dialog.waitFor();
    await dialog.getByLabel("Password", { exact: true }).fill("a wordy secret");
    await dialog.getByRole("button", { name: "Sign in", exact: true }).click();
    await dialog.waitFor({ state: "hidden" });
    expect(await box(page).inputValue()).toBe("half a thought");
    expect(await thread.inputValue()).toBe("half an answer");
    await first.hover();
    await first.getByRole("button", { name: "Edit" }).click();
    await until(async () => (await box(page).inputValue()) === "the better question", "the message is edited on");
    await page.getByRole("button", { name: "Cancel" }).click();
    await until(async () => (await box(page).inputValue()) === "half a thought", "and the draft comes back");
  });

  test("a newcomer does everything by the keyboard alone, from the first page to an answer in a thread", async () => {
    const host = await world.newcomer("Hans Host");
    const rest = await world.rest(host.username);
    const general = (await rest<{ items: { id: string; name: string }[] }>("GET", "/v1/rooms")).items.find((one) => one.name === "general")?.id ?? "";
    await rest("POST", `/v1/rooms/${general}/messages`, { body: "the tide turns at six" });
    const page = await (await world.context()).newPage();
    /** Goes on until what has the focus is called so. */
    const reach = async (name: RegExp, key = "Tab") => {
      const called = () => page.evaluate(() => {
        const one = document.activeElement as HTMLInputElement | null;
        return one?.getAttribute("aria-label") ?? one?.labels?.[0]?.textContent ?? one?.textContent ?? "";
      });
      for (let presses = 0; presses < 60; presses++) {
        if (name.test(await called())) return;
        await page.keyboard.press(key);
      }
      throw new Error(`${name} is not reached by ${key}`);
    };
    await page.goto(world.url);
    await page.getByRole("button", { name: "Sign in" }).waitFor();
    await reach(/Create an account/);
    await page.keyboard.press("Enter");
    await page.getByLabel("Your name").waitFor();
    await until(() => page.evaluate(() => document.activeElement?.getAttribute("name") === "display_name"), "one can type at once");
    await page.keyboard.type("Kim Keys");
    for (const [field, text] of [[/Username/, "kim.keys"], [/E-mail/, "kim@example.org"], [/Password/, "a wordy secret"]] as const) {
      await reach(field);
      await page.keyboard.press("Control+a");
      await page.keyboard.type(text);
    }
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { level: 1, name: "# general" }).waitFor();
    await page.getByText("the tide turns at six").waitFor();
    await until(() => box(page).evaluate((area) => area === document.activeElement), "one can write at once");
    await page.keyboard.type("hello");
    await page.keyboard.press("Enter");
    await page.getByRole("article", { name: /hello/ }).waitFor();
    // A picture: the button opens the chooser of files.
    const chosen = page.waitForEvent("filechooser");
    await reach(/Attach files/, "Shift+Tab");
    await page.keyboard.press("Enter");
    await (await chosen).setFiles([{ name: "notes.txt", mimeType: "text/plain", buffer: Buffer.from("ebb") }]);
    await page.getByRole("button", { name: "Remove notes.txt" }).waitFor();
    await reach(/^Send$/);
    await page.keyboard.press("Enter");
    await page.getByRole("link", { name: /notes\.txt/ }).waitFor();
    // A search, and from its hit into a thread.
    await page.keyboard.press("Control+Shift+f");
    await page.getByLabel("Search messages").waitFor();
    await until(() => page.getByLabel("Search messages").evaluate((field) => field === document.activeElement), "one can type at once");
    await page.keyboard.type("tide");
    await page.getByRole("link", { name: /tide turns at six/ }).waitFor();
    await reach(/tide turns at six/);
    await page.keyboard.press("Enter");
    await until(() => page.evaluate(() => document.activeElement?.getAttribute("aria-label")?.includes("tide turns at six") ?? false), "the message has the focus");
    await page.keyboard.press("r");
    const thread = page.getByRole("complementary", { name: "Thread" });
    await until(() => thread.getByRole("textbox").evaluate((area) => area === document.activeElement), "one can answer at once");
    await page.keyboard.type("thank you");
    await page.keyboard.press("Enter");
    await thread.getByRole("article", { name: /thank you/ }).waitFor();
    await page.keyboard.press("Escape");
    await thread.waitFor({ state: "detached" });
    await until(() => page.evaluate(() => document.activeElement !== document.body), "the focus is somewhere");
  });
});
