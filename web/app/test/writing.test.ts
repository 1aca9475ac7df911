/** Finding one's way without reading anything, and all that a composer does. */
import type { Page } from "playwright-core";
import { expect, test } from "vitest";
import { enter, faults, picture, png, until, type World, write } from "./kit/browser.ts";
import { staged } from "./kit/stage.ts";

interface Listed {
  items: { id: string; body: string; client_id: string | null }[];
}

const box = (page: Page) => page.getByRole("textbox", { name: /^Message/ });
const bodies = (page: Page) => page.getByRole("article").evaluateAll((all) => all.map((one) => one.querySelector("[class*=body]")?.textContent ?? ""));

staged("writing, in a browser", ["--unverified", "everything"], (world) => {
  /** A room of a user, made over REST. */
  async function made(username: string, name: string, members: string[] = []): Promise<{ id: string; rest: Awaited<ReturnType<World["rest"]>> }> {
    const rest = await world.rest(username);
    const { id } = await rest<{ id: string }>("POST", "/v1/rooms", { kind: "group", name, members: members.map((one) => `@${one}`) });
    return { id, rest };
  }

  test("a newcomer opens an invitation, registers, talks, sends a picture, searches and answers, by visible labels only", async () => {
    const host = await world.newcomer("Dot Day");
    const { id, rest } = await made(host.username, "harbour");
    const { code } = await rest<{ code: string }>("POST", `/v1/rooms/${id}/invites`, {});
    await rest("POST", `/v1/rooms/${id}/messages`, { body: "the tide turns at six" });
    const page = await (await world.context()).newPage();
    await page.goto(`${world.url}/i/${code}`);
    await page.getByRole("link", { name: "Create an account" }).click();
    await page.getByLabel("Your name").fill("Eli Ek");
    await page.getByLabel("Username").fill("eli.ek");
    await page.getByLabel("E-mail").fill("eli@example.org");
    await page.getByLabel("Password").fill("a wordy secret");
    await page.getByRole("button", { name: "Create account" }).click();
    await page.getByRole("heading", { level: 1, name: "# harbour" }).waitFor();
    await write(page, "hello, who has the keys?");
    const chosen = page.waitForEvent("filechooser");
    await page.getByRole("button", { name: "Attach files" }).click();
    await (await chosen).setFiles([{ name: "pier.png", mimeType: "image/png", buffer: png(120, 80) }]);
    await page.getByRole("button", { name: "Remove pier.png" }).waitFor();
    await page.getByRole("button", { name: "Send" }).click();
    await page.getByRole("button", { name: "Open the picture pier.png" }).waitFor();
    await page.getByRole("navigation", { name: "Rooms" }).getByRole("button", { name: "Search" }).click();
    await page.getByLabel("Search messages").fill("tide");
    await page.getByRole("link", { name: /tide turns at six/ }).click();
    const found = page.getByRole("article", { name: /tide turns at six/ });
    await found.hover();
    await found.getByRole("button", { name: "Answer" }).click();
    const thread = page.getByRole("complementary", { name: "Thread" });
    await thread.getByRole("textbox").fill("thank you");
    await thread.getByRole("button", { name: "Send" }).click();
    await enter(host.page, "harbour");
    await host.page.getByRole("button", { name: "1 answer" }).waitFor();
  });

  test("an emoji is picked or completed, a name is completed, and what is no name is sent as it is", async () => {
    const { page } = await world.newcomer("Ana Lima");
    await box(page).fill("well ");
    await page.getByRole("form", { name: "Write a message" }).getByRole("button", { name: "Emoji" }).click();
    const picker = page.getByRole("dialog", { name: "Emoji" });
    // What is meant comes first, as in the completion: Enter takes it.
    for (const [typed, meant] of Object.entries({ thumb: "👍", fire: "🔥", check: "✅", smile: "😄", heart: "❤", "thumbs up": "👍" })) {
      await picker.getByLabel("Find an emoji").fill(typed);
      await until(async () => (await picker.getByRole("gridcell").first().innerText()).startsWith(meant), `${meant} is found by ${typed}`);
    }
    expect(await picker.getByRole("gridcell").count()).toBeLessThan(10);
    await page.keyboard.press("Enter");
    await until(async () => /^well 👍\uFE0F?$/.test(await box(page).inputValue()), "the emoji stands at the caret");
    await until(() => box(page).evaluate((area) => area === document.activeElement), "the focus is back in the text");
    await page.keyboard.press("Control+z");
    expect(await box(page).inputValue()).toBe("well ");
    await box(page).pressSequentially(":thumbs_u");
    const option = page.getByRole("option", { name: /thumbs up/ });
    await option.first().waitFor();
    expect(await faults(page)).toEqual([]);
    await picture(page, "completion-emoji");
    await page.keyboard.press("Enter");
    expect(await box(page).inputValue()).toMatch(/^well 👍\uFE0F? $/);
    await page.keyboard.press("Control+z");
    expect(await box(page).inputValue()).toBe("well :thumbs_u");
    await box(page).fill("");
    // No words that are completed: they are sent.
    for (const text of [":D", "12:30", "http://", "a@an"]) {
      await box(page).pressSequentially(text);
      expect(await page.getByRole("option").count(), text).toBe(0);
      await page.keyboard.press("Enter");
      await page.getByRole("article", { name: new RegExp(text.replace("/", "\\/")) }).waitFor();
    }
    await box(page).pressSequentially("@an");
    await page.getByRole("option", { name: /Ana Lima/ }).waitFor();
    const marked = await box(page).getAttribute("aria-activedescendant");
    expect(await page.locator(`[id="${marked}"]`).getAttribute("aria-selected")).toBe("true");
    await page.keyboard.press("Escape");
    await page.getByRole("option").first().waitFor({ state: "hidden" });
    await box(page).pressSequentially("a");
    expect(await page.getByRole("option").count()).toBe(0);
    await page.keyboard.press("Enter");
    await page.getByRole("article", { name: /@ana/ }).waitFor();
  });

  test("without its data the picker says so, and gets it at the second try", async () => {
    const { page } = await world.newcomer("Bea Bo");
    await page.route("**/assets/emoji-*/**", (route) => route.fulfill({ status: 500, body: "" }));
    await page.getByRole("form", { name: "Write a message" }).getByRole("button", { name: "Emoji" }).click();
    const picker = page.getByRole("dialog", { name: "Emoji" });
    await picker.getByText("The emoji could not be loaded.").waitFor();
    expect(await faults(page)).toEqual([]);
    await page.unroute("**/assets/emoji-*/**");
    await picker.getByRole("button", { name: "Try again" }).click();
    await picker.getByRole("gridcell").first().waitFor();
    expect(world.complaints.splice(0).filter((one) => !one.includes("status of 500"))).toEqual([]);
  });

  test("keys of an input method send nothing", async () => {
    const { page, username } = await world.newcomer("Ken Ko");
    await made(username, "methods");
    await enter(page, "methods");
    await box(page).focus();
    const cdp = await page.context().newCDPSession(page);
    await cdp.send("Input.imeSetComposition", { text: "にほん", selectionStart: 3, selectionEnd: 3 });
    // As Windows, macOS and Linux tell of a key that the input method has taken.
    await cdp.send("Input.dispatchKeyEvent", { type: "rawKeyDown", key: "Process", code: "Enter", windowsVirtualKeyCode: 229 });
    await cdp.send("Input.dispatchKeyEvent", { type: "keyUp", key: "Enter", code: "Enter", windowsVirtualKeyCode: 13 });
    await cdp.send("Input.insertText", { text: "日本" });
    expect(await box(page).inputValue()).toBe("日本");
    expect(await page.getByRole("article").count()).toBe(0);
    await page.keyboard.press("Enter");
    await page.getByRole("article", { name: /日本/ }).waitFor();
    expect(await bodies(page)).toEqual(["日本"]);
  });

  test("the preview shows what the text will be, as it is typed", async () => {
    const { page } = await world.newcomer("Pru Pym");
    await box(page).fill("**six** o'clock");
    await page.getByRole("button", { name: "Preview" }).click();
    const shown = page.getByRole("region", { name: "Preview" });
    await shown.getByText("six", { exact: true }).waitFor();
    expect(await shown.locator("strong").innerText()).toBe("six");
    await page.keyboard.insertText(" _sharp_");
    await shown.locator("em").waitFor();
    expect(await faults(page)).toEqual([]);
    await picture(page, "preview");
    await page.keyboard.press("Enter");
    await shown.waitFor({ state: "hidden" });
  });

  test("arrow-up: an empty composer edits one's newest, also one that waits; it is sent once, as it was changed", async () => {
    const { page, username } = await world.newcomer("Uma Ute");
    const { id, rest } = await made(username, "edits");
    await enter(page, "edits");
    await write(page, "first");
    await until(async () => (await page.getByRole("article").last().getAttribute("data-message")) !== null, "it is stored");
    await box(page).fill("x");
    await box(page).press("ArrowUp");
    expect(await box(page).inputValue()).toBe("x");
    await box(page).fill("");
    await page.context().setOffline(true);
    await page.getByText(/Offline|Connecting/).waitFor();
    await write(page, "sicks");
    await page.getByText("waiting to send").waitFor();
    await box(page).press("ArrowUp");
    await until(async () => (await box(page).inputValue()) === "sicks", "what waits is edited");
    await box(page).fill("six");
    await box(page).press("Enter");
    await page.getByRole("article", { name: /: six/ }).waitFor();
    expect(await faults(page)).toEqual([]);
    await page.context().setOffline(false);
    const stored = async () => (await rest<Listed>("GET", `/v1/rooms/${id}/messages`)).items;
    await until(async () => (await stored()).length === 2, "it is sent", 40_000);
    expect((await stored()).map((message) => message.body)).toEqual(["first", "six"]);
    // What waits can be given up as well.
    await page.context().setOffline(true);
    await page.getByText(/Offline|Connecting/).waitFor();
    await write(page, "never mind");
    await page.getByRole("article", { name: /never mind/ }).getByRole("button", { name: "Drop" }).click();
    await page.getByRole("article", { name: /never mind/ }).waitFor({ state: "detached" });
    await page.context().setOffline(false);
  });

  test("an edit that leaves nothing asks whether to delete the message; one with files may go without a text", async () => {
    const { page, username } = await world.newcomer("Nil Nothing");
    const { id, rest } = await made(username, "emptied");
    await enter(page, "emptied");
    await write(page, "said too soon");
    const message = page.getByRole("article", { name: /said too soon/ });
    await until(async () => (await message.getAttribute("data-message")) !== null, "it is stored");
    await box(page).press("ArrowUp");
    await box(page).fill(" ");
    await box(page).press("Enter");
    const dialog = page.getByRole("dialog", { name: "Delete this message?" });
    await dialog.waitFor();
    expect(await faults(page)).toEqual([]);
    await dialog.getByRole("button", { name: "Cancel" }).click();
    await until(() => box(page).evaluate((one) => one === document.activeElement), "one edits on");
    expect(await page.getByText("Editing a message").count()).toBe(1);
    await box(page).press("Enter");
    await dialog.getByRole("button", { name: "Delete" }).click();
    await page.getByRole("article").getByText("Deleted message").waitFor();
    expect(await page.getByText("Editing a message").count()).toBe(0);
    await until(() => box(page).evaluate((one) => one === document.activeElement), "one writes on");
    await until(async () => (await rest<Listed>("GET", `/v1/rooms/${id}/messages`)).items.every((one) => one.body === ""), "the server has it");
    await page.locator("input[data-files]").setInputFiles({ name: "tides.txt", mimeType: "text/plain", buffer: Buffer.from("high tide") });
    await write(page, "see the list");
    await until(async () => (await rest<Listed>("GET", `/v1/rooms/${id}/messages`)).items.some((one) => one.body === "see the list"), "it is stored");
    await until(async () => (await page.getByRole("article", { name: /see the list/ }).getAttribute("data-message")) !== null, "it is known to be");
    await box(page).press("ArrowUp");
    await box(page).fill("");
    await box(page).press("Enter");
    await until(async () => (await rest<Listed>("GET", `/v1/rooms/${id}/messages`)).items.every((one) => one.body === ""), "its text is gone");
    expect(await dialog.count()).toBe(0);
    await page.getByRole("article", { name: /tides\.txt/ }).waitFor();
  });

  test("a table is pasted as text, and its picture is offered", async () => {
    const { page } = await world.newcomer("Tia Tab");
    await box(page).focus();
    await box(page).evaluate((area) => {
      const data = new DataTransfer();
      data.setData("text/plain", "tide\ttime\nlow\t12:04");
      data.items.add(new File([new Uint8Array(8)], "table.png", { type: "image/png" }));
      area.dispatchEvent(new ClipboardEvent("paste", { clipboardData: data, bubbles: true, cancelable: true }));
    });
    await page.getByRole("button", { name: "Attach the picture" }).waitFor();
    const tray = page.getByRole("list", { name: "Attached files" });
    expect(await tray.count()).toBe(0);
    expect(await faults(page)).toEqual([]);
    // What a paste by the keyboard puts in before the page is told.
    await page.keyboard.insertText("the tides:\ntide\ttime\nlow\t12:04\nsee you");
    await page.getByRole("button", { name: "As a table" }).click();
    expect(await box(page).inputValue()).toBe("the tides:\n| tide | time |\n| --- | --- |\n| low | 12:04 |\nsee you");
    await page.keyboard.press("Control+z");
    expect(await box(page).inputValue()).toBe("the tides:\ntide\ttime\nlow\t12:04\nsee you");
    // Files alone are what is meant: all of them.
    await box(page).evaluate((area) => {
      const data = new DataTransfer();
      for (const name of ["low.txt", "high.txt", "slack.txt"]) data.items.add(new File(["some words"], name, { type: "text/plain" }));
      area.dispatchEvent(new ClipboardEvent("paste", { clipboardData: data, bubbles: true, cancelable: true }));
    });
    await until(async () => (await tray.getByRole("button", { name: /^Remove/ }).count()) === 3, "all are attached");
    expect(await box(page).inputValue()).toContain("see you");
  });

  test("who has read a message, what it said before, and who is here", async () => {
    const [a, b] = [await world.newcomer("Ria Roe"), await world.newcomer("Sol Sun")];
    const { rest } = await made(a.username, "receipts", [b.username]);
    await enter(a.page, "receipts");
    await write(a.page, "at five");
    await until(async () => (await a.page.getByRole("article").last().getAttribute("data-message")) !== null, "it is stored");
    const message = (await a.page.getByRole("article").last().getAttribute("data-message")) ?? "";
    await rest("PATCH", `/v1/messages/${message}`, { body: "at six" });
    await enter(b.page, "receipts");
    await until(async () => (await rest<{ items: unknown[] }>("GET", `/v1/messages/${message}/readers`)).items.length > 0, "the other has read it", 20_000);
    const row = a.page.getByRole("article", { name: /at six/ });
    await row.hover();
    await row.getByRole("button", { name: "Readers and history" }).click();
    const about = a.page.getByRole("dialog", { name: "Readers and history" });
    await about.getByText("Sol Sun").waitFor();
    await about.getByText("at five").waitFor();
    expect(await faults(a.page)).toEqual([]);
    await picture(a.page, "readers");
    await a.page.keyboard.press("Escape");
    await a.page.getByRole("button", { name: /^Members/ }).click();
    await a.page.getByRole("complementary", { name: "Members" }).getByTitle("here").waitFor();
    expect(await faults(a.page)).toEqual([]);
    await rest("POST", "/v1/direct", { members: [`@${b.username}`] });
    await a.page.getByRole("navigation", { name: "Rooms" }).getByRole("link", { name: /Sol Sun.*here/ }).waitFor();
    await b.page.context().close();
    await a.page.getByRole("navigation", { name: "Rooms" }).getByTitle("here").waitFor({ state: "detached" });
  });
});
