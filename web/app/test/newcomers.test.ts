/** Those who have just come, and those who are there already. */
import type { Page } from "playwright-core";
import { expect, test } from "vitest";
import { faults, picture, until, write } from "./kit/browser.ts";
import { staged } from "./kit/stage.ts";

staged("newcomers, in a browser", [], (world) => {
  const count = (page: Page) => page.getByRole("button", { name: /^Members: / });

  test("of a room of all one learns who is new: by opening the list, by what they write, and with an @", async () => {
    const { page } = await world.newcomer("Ada First");
    await page.getByRole("button", { name: "Members: 1" }).click();
    const list = page.getByRole("list", { name: "Members" });
    await list.getByText("Ada First").first().waitFor();
    await page.keyboard.press("Escape");
    const bo = await world.newcomer("Bo Second");
    await count(page).click();
    await list.getByText("Bo Second").first().waitFor();
    await page.getByRole("button", { name: "Members: 2" }).waitFor();
    // The list is open: who writes for the first time stands in it.
    const cy = await world.newcomer("Cy Third");
    await write(cy.page, "hello, I am new");
    await list.getByText("Cy Third").first().waitFor();
    await page.getByRole("button", { name: "Members: 3" }).waitFor();
    await page.keyboard.press("Escape");
    // And in the page of one who does not look: a minute later an @ finds whom no event told of.
    await world.newcomer("Di Fourth");
    await bo.page.clock.install();
    await bo.page.clock.fastForward(61_000);
    await bo.page.getByRole("textbox", { name: /Message/ }).pressSequentially("@d");
    await bo.page.getByRole("option", { name: /Di Fourth/ }).waitFor();
  });

  test("the first entries of an inbox are a welcome and a log-in, each once", async () => {
    const { page } = await world.newcomer("Ina Inbox");
    await page.getByRole("navigation").getByRole("link", { name: /Inbox/ }).first().click();
    const entries = page.getByRole("main").getByText(/^Welcome/);
    await until(async () => (await entries.count()) === 2, "two entries");
    expect((await entries.allTextContents()).sort()).toEqual(["Welcome back, Ina Inbox", "Welcome to Tidings, Ina Inbox"]);
    await picture(page, "inbox-new");
  });

  test("a form that is sent twice in a hurry does what it says once", async () => {
    const { page } = await world.newcomer("Dora Double");
    const posted: string[] = [];
    page.on("request", (request) => {
      if (request.method() === "POST" && request.url().endsWith("/v1/rooms")) posted.push(request.url());
    });
    await page.getByRole("button", { name: "New room" }).click();
    const dialog = page.getByRole("dialog", { name: "New room" });
    await dialog.getByLabel("Name", { exact: true }).fill("only once");
    await dialog.getByLabel(/Who/).selectOption("private");
    await dialog.getByLabel(/^Members/).fill("nix.da");
    await dialog.getByRole("button", { name: "Create" }).dblclick();
    await dialog.getByText(/There is no user called @nix\.da\./).waitFor();
    expect(posted.length).toBe(1);
    expect(await faults(page)).toEqual([]);
    await dialog.getByLabel(/^Members/).fill("");
    await dialog.getByLabel("Name", { exact: true }).press("Enter");
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { level: 1, name: "only once" }).waitFor();
    expect(posted.length).toBe(2);
    const fresh = await (await world.context()).newPage();
    const sent: string[] = [];
    fresh.on("request", (request) => {
      if (request.method() === "POST" && request.url().endsWith("/v1/users")) sent.push(request.url());
    });
    await fresh.goto(`${world.url}/register`);
    await fresh.getByLabel("Your name").fill("Rea Register");
    await fresh.getByLabel("E-mail").fill("rea@example.org");
    await fresh.getByLabel("Password").fill("a wordy secret");
    await fresh.getByRole("button", { name: "Create account" }).dblclick();
    await fresh.getByRole("textbox", { name: /Message/ }).waitFor();
    expect(sent.length).toBe(1);
  });
});
