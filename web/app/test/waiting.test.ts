/** What is done to messages without a connection: it waits to be seen, outlives the page, and is carried out once. */
import type { BrowserContext, Page } from "playwright-core";
import { expect, test } from "vitest";
import { enter, faults, picture, until, write } from "./kit/browser.ts";
import { staged } from "./kit/stage.ts";

interface Stored {
  id: string;
  body: string;
  deleted_at: string | null;
  reactions: { emoji: string; count: number }[];
}

const box = (page: Page) => page.getByRole("textbox", { name: /^Message/ });
const row = (page: Page, text: string | RegExp) => page.getByRole("article", { name: text });

/** Presses a key on a message, once what can be done with it is drawn. */
async function act(page: Page, text: RegExp, key: string): Promise<void> {
  await row(page, text).focus();
  await row(page, text).locator(`[data-key="${/^[1-5]$/.test(key) ? "+" : key}"]`).waitFor({ state: "attached" });
  await page.keyboard.press(key);
}

staged("changes that wait, in a browser", [], (world) => {
  /** A room with some messages of its maker, who has it open. */
  async function room(page: Page, username: string, name: string, ...bodies: string[]) {
    const rest = await world.rest(username);
    const { id } = await rest<{ id: string }>("POST", "/v1/rooms", { kind: "group", name });
    for (const body of bodies) await rest("POST", `/v1/rooms/${id}/messages`, { body });
    await enter(page, name);
    for (const body of bodies) await row(page, new RegExp(`: ${body}$`)).waitFor();
    const stored = async () => (await rest<{ items: Stored[] }>("GET", `/v1/rooms/${id}/messages`)).items;
    return { id, rest, stored };
  }

  async function away(context: BrowserContext, page: Page): Promise<void> {
    await context.setOffline(true);
    await page.getByText(/Offline|Connecting/).waitFor();
  }

  async function live(page: Page): Promise<void> {
    await box(page).waitFor();
    await until(async () => (await page.getByText(/Offline|Connecting/).count()) === 0, "it is live", 40_000);
  }

  test("an edit, a deletion and a reaction are shown at once, wait through a reload of the page, and are carried out once, in order", async () => {
    const { page, username } = await world.newcomer("Ada Ahn");
    const context = page.context();
    const { id, rest, stored } = await room(page, username, "waits", "one", "two", "three");
    const before = await stored();
    // The dialog that asks is there without a connection, too.
    await act(page, /: three$/, "Delete");
    await page.getByRole("dialog", { name: "Delete this message?" }).waitFor();
    await page.keyboard.press("Escape");
    await away(context, page);
    await write(page, "four");
    await act(page, /: one$/, "e");
    await until(async () => (await box(page).inputValue()) === "one", "it is edited");
    await box(page).fill("first");
    await box(page).press("Enter");
    await row(page, /: first$/).getByText("change waits to be sent").waitFor();
    await act(page, /: two$/, "Delete");
    await page.getByRole("dialog").getByRole("button", { name: "Delete" }).click();
    await page.getByText("waiting to be deleted").waitFor();
    await act(page, /: three$/, "1");
    await row(page, /: three$/).getByRole("button", { name: /1 reaction/ }).waitFor();
    await row(page, /: three$/).getByText("waits to be sent").waitFor();
    expect(await faults(page)).toEqual([]);
    await picture(page, "changes-waiting");
    // Nothing has left this browser; the page goes, and another one sends it.
    expect((await stored()).map((one) => one.body)).toEqual(["one", "two", "three"]);
    await page.close();
    await context.setOffline(false);
    const again = await context.newPage();
    await again.goto(`${world.url}/r/${id}`);
    await until(async () => (await stored()).length === 4, "the message is sent", 40_000);
    await until(async () => (await stored())[2]?.reactions.length === 1, "the last change is carried out", 40_000);
    const after = await stored();
    expect(after.map((one) => one.body)).toEqual(["first", "", "three", "four"]);
    expect(after[1]?.deleted_at).toBeTruthy();
    expect(after[2]?.reactions.map((one) => one.count)).toEqual([1]);
    const { items } = await rest<{ items: { body: string }[] }>("GET", `/v1/messages/${before[0]?.id}/history`);
    expect(items.map((one) => one.body)).toEqual(["one", "first"]);
    await row(again, /: first$/).waitFor();
    await until(async () => (await again.getByText(/waits? to be|waiting to be|waiting to send/).count()) === 0, "nothing waits any more");
  });

  test("an edit of what was not sent yet is merged into it, and what was dropped never leaves", async () => {
    const { page, username } = await world.newcomer("Bob Bay");
    const { stored } = await room(page, username, "merged");
    await away(page.context(), page);
    await write(page, "sicks");
    await write(page, "never mind");
    await row(page, /never mind/).getByRole("button", { name: "Drop" }).click();
    await row(page, /never mind/).waitFor({ state: "detached" });
    await box(page).press("ArrowUp");
    await until(async () => (await box(page).inputValue()) === "sicks", "what waits is edited");
    await box(page).fill("six");
    await box(page).press("Enter");
    await row(page, /: six$/).getByText("waiting to send").waitFor();
    expect(await page.getByText("change waits").count()).toBe(0);
    await page.context().setOffline(false);
    await until(async () => (await stored()).length === 1, "it is sent", 40_000);
    await live(page);
    expect((await stored()).map((one) => one.body)).toEqual(["six"]);
  });

  test("a waiting change can be taken back, and the message is as it was", async () => {
    const { page, username } = await world.newcomer("Cid Coe");
    const { stored } = await room(page, username, "back", "as it was");
    await away(page.context(), page);
    await act(page, /: as it was$/, "e");
    await until(async () => (await box(page).inputValue()) === "as it was", "it is edited");
    await box(page).fill("hasty");
    await box(page).press("Enter");
    await row(page, /: hasty$/).getByRole("button", { name: "Drop" }).click();
    await row(page, /: as it was$/).waitFor();
    await page.context().setOffline(false);
    await live(page);
    await write(page, "after");
    await until(async () => (await stored()).length === 2, "the next one is sent");
    expect((await stored()).map((one) => one.body)).toEqual(["as it was", "after"]);
  });

  test("a change that is refused says why, shows what was meant, and can be tried again or dropped", async () => {
    const { page, username } = await world.newcomer("Dee Dow");
    const { id, stored } = await room(page, username, "refused", "one", "two");
    const refusals = new Set(["forbidden", "second try", "delete"]);
    // The server's answers, as it would give them.
    await page.routeWebSocket(/\/v1\/ws/, (socket) => {
      const server = socket.connectToServer();
      socket.onMessage((text) => {
        const frame = JSON.parse(String(text)) as { type: string; id: number; body?: string };
        const problem = { type: "about:blank", title: "Forbidden", status: 403, code: "forbidden", detail: "you are muted here", retryable: false, trace_id: "t" };
        if (refusals.delete(frame.type === "edit" ? (frame.body ?? "") : frame.type)) socket.send(JSON.stringify({ type: "error", id: frame.id, error: problem }));
        else server.send(text);
      });
    });
    await page.goto(`${world.url}/r/${id}`);
    await live(page);
    const edit = async (from: string, to: string) => {
      await act(page, new RegExp(`: ${from}$`), "e");
      await until(async () => (await box(page).inputValue()) === from, "it is edited");
      await box(page).fill(to);
      await box(page).press("Enter");
    };
    await edit("one", "forbidden");
    const refused = row(page, /: forbidden$/);
    await refused.getByText("Not changed: you are muted here").waitFor();
    await act(page, /: two$/, "Delete");
    await page.getByRole("dialog").getByRole("button", { name: "Delete" }).click();
    const kept = row(page, /: two$/);
    await kept.getByText("Not deleted: you are muted here").waitFor();
    expect(await faults(page)).toEqual([]);
    await picture(page, "changes-refused");
    // It is there after a reload, too.
    await page.reload();
    await refused.getByText("Not changed: you are muted here").waitFor();
    await refused.getByRole("button", { name: "Drop" }).click();
    await row(page, /: one$/).waitFor();
    await edit("one", "second try");
    await row(page, /: second try$/).getByRole("button", { name: "Try again" }).click();
    await until(async () => (await stored())[0]?.body === "second try", "it is changed");
    await kept.getByRole("button", { name: "Try again" }).click();
    await until(async () => Boolean((await stored())[1]?.deleted_at), "it is deleted");
    await until(async () => (await page.getByText("Not deleted").count()) === 0 && (await page.getByText("Not changed").count()) === 0, "nothing is refused any more");
  });

  test("what was refused far up is not forgotten: the list of rooms says so, and the room leads to it", async () => {
    const { page, username } = await world.newcomer("Eve Elm");
    const { id, rest, stored } = await room(page, username, "far", "the first");
    const [first] = await stored();
    for (let n = 0; n < 120; n++) await rest("POST", `/v1/rooms/${id}/messages`, { body: `line ${n}` });
    await page.routeWebSocket(/\/v1\/ws/, (socket) => {
      const server = socket.connectToServer();
      socket.onMessage((text) => {
        const frame = JSON.parse(String(text)) as { type: string; id: number };
        const problem = { type: "about:blank", title: "Forbidden", status: 403, code: "forbidden", detail: "too late for that", retryable: false, trace_id: "t" };
        if (frame.type === "edit") socket.send(JSON.stringify({ type: "error", id: frame.id, error: problem }));
        else server.send(text);
      });
    });
    await page.goto(`${world.url}/r/${id}/m/${first?.id}`);
    await live(page);
    await row(page, /: the first$/).waitFor();
    await act(page, /: the first$/, "e");
    await until(async () => (await box(page).inputValue()) === "the first", "it is edited");
    await box(page).fill("the very first");
    await box(page).press("Enter");
    await page.getByText("Not changed: too late for that").waitFor();
    const rail = page.getByRole("navigation", { name: "Rooms" });
    await rail.getByRole("link", { name: /far.*not sent/ }).waitFor();
    await page.getByRole("button", { name: "To the newest" }).click();
    await row(page, /: line 119$/).waitFor();
    await page.getByText("Something further up, or in a thread, was not sent.").waitFor();
    expect(await faults(page)).toEqual([]);
    await picture(page, "refused-elsewhere");
    await page.getByRole("link", { name: "Go to the message" }).click();
    await row(page, /: the very first$/).getByRole("button", { name: "Drop" }).click();
    await row(page, /: the first$/).waitFor();
    await rail.getByText("not sent").waitFor({ state: "detached" });
  });
});
