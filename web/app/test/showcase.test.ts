/** The pictures of the documentation: a room with a thread beside it, in light and dark, and on a phone. `docs/pictures` has copies. */
import type { BrowserContextOptions, Page } from "playwright-core";
import { expect, test } from "vitest";
import { enter, faults, picture, still, until, type World } from "./kit/browser.ts";
import { harbour } from "./kit/harbour.ts";
import { staged } from "./kit/stage.ts";

type Rest = Awaited<ReturnType<World["rest"]>>;

const PASSWORD = "a wordy secret";

staged("pictures for the documentation, in a browser", ["--unverified", "everything"], (world) => {
  async function register(username: string, display_name: string): Promise<Rest> {
    const body = JSON.stringify({ username, email: `${username}@harbour.example`, password: PASSWORD, display_name });
    const made = await fetch(`${world.url}/v1/users`, { method: "POST", headers: { "content-type": "application/json" }, body });
    expect(made.status).toBe(201);
    return world.rest(username);
  }

  async function signedIn(username: string, options: BrowserContextOptions = {}): Promise<Page> {
    const page = await (await world.context(options)).newPage();
    await page.goto(`${world.url}/login`);
    await page.getByLabel("Name or e-mail").fill(username);
    await page.getByLabel("Password", { exact: true }).fill(PASSWORD);
    await page.getByRole("button", { name: "Sign in", exact: true }).click();
    await page.getByRole("navigation", { name: "Rooms" }).waitFor();
    return page;
  }

  test("a room at work, with a thread, a picture and reactions", async () => {
    const [ana, bo, cy] = [await register("ana.lima", "Ana Lima"), await register("bo.berg", "Bo Berg"), await register("cy.cole", "Cy Cole")];
    const make = async (name: string, topic: string) => (await ana<{ id: string }>("POST", "/v1/rooms", { kind: "group", name, topic, members: ["@bo.berg", "@cy.cole"] })).id;
    const [kitchen, books, room] = [await make("kitchen", "What is for lunch"), await make("books", "Read together"), await make("harbour", "Tides, keys and boats")];
    const direct = (await bo<{ id: string }>("POST", "/v1/direct", { members: ["@ana.lima"] })).id;
    const say = async (rest: Rest, body: string, more: object = {}, where = room) => (await rest<{ id: string }>("POST", `/v1/rooms/${where}/messages`, { body, format: "markdown", ...more })).id;
    await say(bo, "See you at the gate.", {}, direct);
    await say(cy, "Soup today, and bread from yesterday", {}, kitchen);
    await say(cy, "Chapter 4 by Friday?", {}, books);
    const tides = await say(bo, "Tide table for tonight:\n\n| tide | time | height |\n| --- | --- | --- |\n| high | **18:10** | 3.4 m |\n| low | 00:22 | 0.6 m |");
    await ana("PUT", `/v1/messages/${tides}/reactions/${encodeURIComponent("👍️")}`);
    await cy("PUT", `/v1/messages/${tides}/reactions/${encodeURIComponent("👍️")}`);
    const keys = await say(cy, "Who has the keys of the boat house?");
    for (const [rest, body] of [[bo, "I do. They hang behind the door."], [cy, "Can you bring them at six?"], [ana, "I can, I pass there anyway."], [cy, "Perfect, **thank you**."]] as const) await say(rest, body, { thread_root_id: keys });
    const page = await signedIn("ana.lima", { deviceScaleFactor: 1 });
    const other = await signedIn("bo.berg");
    await enter(other, "harbour");
    const form = other.getByRole("form", { name: "Write a message" });
    await form.locator("[data-files]").setInputFiles([{ name: "pier.png", mimeType: "image/png", buffer: harbour(640, 400) }]);
    await other.getByRole("button", { name: "Remove pier.png" }).waitFor();
    await form.getByRole("textbox").fill("The pier this evening, with the new light");
    await form.getByRole("textbox").press("Enter");
    await other.getByRole("button", { name: "Open the picture pier.png" }).waitFor();
    await say(cy, "@ana.lima the tide turns at six: `cast off` at a quarter to");
    await page.getByRole("button", { name: "Not now" }).click();
    await enter(page, "harbour");
    await page.goto(`${world.url}/r/${room}/t/${keys}`);
    const thread = page.getByRole("complementary", { name: "Thread" });
    await thread.getByText("thank you").waitFor();
    await until(() => page.getByRole("main").locator("article img[width]").evaluateAll((all) => all.length > 0 && all.every((one) => (one as HTMLImageElement).naturalWidth > 0)), "the picture is there");
    await until(async () => (await page.getByRole("navigation", { name: "Rooms" }).getByRole("link", { name: /harbour.*unread/ }).count()) === 0, "it is read", 20_000);
    await still(page);
    await page.mouse.move(640, 4);
    for (const colorScheme of ["light", "dark"] as const) {
      await page.emulateMedia({ colorScheme });
      expect(await faults(page)).toEqual([]);
      await picture(page, colorScheme === "light" ? "show" : "show-dark");
    }
    const phone = await signedIn("ana.lima", { viewport: { width: 390, height: 800 }, isMobile: true, hasTouch: true });
    await phone.goto(`${world.url}/r/${room}`);
    await phone.getByText("cast off").waitFor();
    await until(() => phone.getByRole("main").locator("article img[width]").evaluateAll((all) => all.length > 0 && all.every((one) => (one as HTMLImageElement).naturalWidth > 0)), "the picture is there");
    if (await phone.getByRole("button", { name: "Not now" }).isVisible()) await phone.getByRole("button", { name: "Not now" }).click();
    await still(phone);
    await picture(phone, "show-phone");
  });
});
