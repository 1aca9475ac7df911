/** Several tabs, a connection that goes, and what outlives both. */
import type { BrowserContext, Page, WebSocketRoute } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { enter, faults, here, picture, until, World, write } from "./kit/browser.ts";

type Rest = Awaited<ReturnType<World["rest"]>>;

interface Listed {
  items: { id: string; body: string }[];
}

const box = (page: Page) => page.getByRole("textbox", { name: /^Message/ });

describe.skipIf(!here)("tabs and connections, in a browser", () => {
  let world: World;

  beforeAll(async () => {
    world = await World.start();
  });

  afterAll(async () => {
    await world?.stop();
    expect(world?.complaints ?? []).toEqual([]);
  });

  async function made(username: string, name: string, ...members: string[]): Promise<{ id: string; rest: Rest }> {
    const rest = await world.rest(username);
    const { id } = await rest<{ id: string }>("POST", "/v1/rooms", { kind: "group", name, members: members.map((one) => `@${one}`) });
    return { id, rest };
  }

  async function tab(context: BrowserContext, path: string): Promise<Page> {
    const page = await context.newPage();
    await page.goto(world.url + path);
    await page.getByRole("navigation", { name: "Rooms" }).waitFor();
    return page;
  }

  test("what was written without a connection outlives the tab, and is stored once, in order", async () => {
    const { page, username } = await world.newcomer("Abe Ash");
    const { id, rest } = await made(username, "outlives");
    await enter(page, "outlives");
    const context = page.context();
    // Another tab keeps the browser's session while the first is closed; it is not in the room.
    await context.setOffline(true);
    await page.getByText(/Offline|Connecting/).waitFor();
    for (let n = 1; n <= 5; n++) await write(page, `kept ${n}`);
    await until(async () => (await page.getByText("waiting to send").count()) === 5, "all of them wait, and say so");
    await page.close();
    await context.setOffline(false);
    const again = await tab(context, `/r/${id}`);
    await until(async () => (await rest<Listed>("GET", `/v1/rooms/${id}/messages`)).items.length === 5, "they are sent", 40_000);
    await until(async () => (await again.getByText("waiting to send").count()) === 0, "none waits");
    expect((await rest<Listed>("GET", `/v1/rooms/${id}/messages`)).items.map((message) => message.body)).toEqual([1, 2, 3, 4, 5].map((n) => `kept ${n}`));
  });

  test("a message that is refused says why and can be repeated or dropped; the next ones go on, and one that comes too soon waits", async () => {
    const { page, username } = await world.newcomer("Cam Cue");
    const { id, rest } = await made(username, "refusals");
    const answers: Record<string, object[]> = {
      refused: [{ status: 403, code: "forbidden", title: "Forbidden", detail: "you may not say that here", retryable: false }],
      dropped: [{ status: 413, code: "payload_too_large", title: "Too large", detail: "that is too much", retryable: false }],
      soon: [{ status: 429, code: "rate_limited", title: "Too many", detail: "wait", retryable: true, retry_after_ms: 300 }],
    };
    // The server's answers, as it would give them.
    await page.routeWebSocket(/\/v1\/ws/, (socket) => {
      const server = socket.connectToServer();
      socket.onMessage((text) => {
        const frame = JSON.parse(String(text)) as { type: string; id: number; body: string };
        const refusal = frame.type === "post" ? answers[frame.body]?.shift() : undefined;
        if (refusal) socket.send(JSON.stringify({ type: "error", id: frame.id, error: { type: "about:blank", trace_id: "t", ...refusal } }));
        else server.send(text);
      });
    });
    await page.goto(`${world.url}/r/${id}`);
    await box(page).waitFor();
    // By the socket, not over REST.
    await until(async () => (await page.getByText(/Offline|Connecting/).count()) === 0, "it is live");
    await write(page, "hello");
    await page.getByRole("article", { name: /hello/ }).waitFor();
    for (const text of ["refused", "dropped", "soon", "after"]) await write(page, text);
    const refused = page.getByRole("article", { name: /: refused/ });
    await refused.getByText("Not sent: you may not say that here").waitFor();
    await page.getByText("Not sent: that is too much").waitFor();
    await until(async () => (await rest<Listed>("GET", `/v1/rooms/${id}/messages`)).items.length === 3, "the others went on");
    expect(await faults(page)).toEqual([]);
    await picture(page, "refused");
    await page.getByRole("article", { name: /: dropped/ }).getByRole("button", { name: "Drop" }).click();
    await refused.getByRole("button", { name: "Try again" }).click();
    await until(async () => (await rest<Listed>("GET", `/v1/rooms/${id}/messages`)).items.length === 4, "it is sent");
    expect((await rest<Listed>("GET", `/v1/rooms/${id}/messages`)).items.map((message) => message.body)).toEqual(["hello", "soon", "after", "refused"]);
    expect(await page.getByText("Not sent").count()).toBe(0);
  });

  test("three drafts, of a room, a thread and an edit, are there again after a switch and a reload", async () => {
    const { page, username } = await world.newcomer("Dag Dor");
    const { id, rest } = await made(username, "drafts");
    const root = await rest<{ id: string }>("POST", `/v1/rooms/${id}/messages`, { body: "the question" });
    await page.goto(`${world.url}/r/${id}/t/${root.id}`);
    const thread = page.getByRole("complementary", { name: "Thread" }).getByRole("textbox");
    await thread.fill("half an answer");
    const main = page.getByRole("main").getByRole("textbox", { name: /^Message/ });
    await page.getByRole("main").getByRole("article").first().hover();
    await page.getByRole("main").getByRole("article").first().getByRole("button", { name: "Edit" }).click();
    await until(async () => (await main.inputValue()) === "the question", "the message is edited");
    await main.fill("the better question");
    await page.getByRole("button", { name: "Cancel" }).waitFor();
    await page.getByRole("navigation", { name: "Rooms" }).getByRole("link", { name: /general/ }).click();
    await page.getByRole("heading", { level: 1, name: "# general" }).waitFor();
    await page.goto(`${world.url}/r/${id}`);
    await main.fill("half a thought");
    await page.reload();
    await until(async () => (await main.inputValue()) === "half a thought", "the draft of the room");
    await page.getByRole("navigation", { name: "Rooms" }).getByRole("link", { name: /general/ }).click();
    await page.getByText("draft", { exact: true }).waitFor();
    await page.goto(`${world.url}/r/${id}/t/${root.id}`);
    await until(async () => (await thread.inputValue()) === "half an answer", "the draft of the thread");
    await page.getByRole("main").getByRole("article").first().hover();
    await page.getByRole("main").getByRole("article").first().getByRole("button", { name: "Edit" }).click();
    await until(async () => (await main.inputValue()) === "the better question", "the draft of the edit");
  });

  test("every badge says the same in all tabs, and as the server", async () => {
    const [a, b] = [await world.newcomer("Eve Elm"), await world.newcomer("Fox Fir")];
    const { id, rest } = await made(a.username, "badges", b.username);
    const quiet = await made(a.username, "muted", b.username);
    const theirs = await world.rest(b.username);
    await theirs("PATCH", `/v1/rooms/${quiet.id}/members/me`, { notify: "none" });
    const tabs = [await tab(b.page.context(), "/inbox"), await tab(b.page.context(), "/inbox"), await tab(b.page.context(), "/browse")];
    await b.page.goto(`${world.url}/inbox`);
    await rest("POST", `/v1/rooms/${id}/messages`, { body: "one" });
    await rest("POST", `/v1/rooms/${id}/messages`, { body: `two @${b.username}` });
    await rest("POST", `/v1/rooms/${quiet.id}/messages`, { body: "unheard" });
    const said = async () => {
      const unread = await theirs<{ rooms: number; threads: number }>("GET", "/v1/users/me/unread");
      const waits = unread.rooms + unread.threads;
      return waits > 0 ? `(${waits}) ` : "";
    };
    const all = [b.page, ...tabs];
    await until(async () => (await said()) !== "" && (await Promise.all(all.map(async (page) => (await page.title()).startsWith(await said())))).every(Boolean), "all tabs say what the server counts");
    for (const page of all) expect(await page.locator("link[rel=icon]").getAttribute("href")).toContain("unread");
    await tabs[0]?.goto(`${world.url}/r/${id}`);
    await until(async () => (await Promise.all(all.map(async (page) => !(await page.title()).startsWith("(")))).every(Boolean), "it is read in all tabs", 30_000);
    expect(await said()).toBe("");
  });

  test("one notification for all tabs; none of what is seen, or was read elsewhere at once", async () => {
    const [a, b] = [await world.newcomer("Gil Gum"), await world.newcomer("Hua Hay")];
    const { id, rest } = await made(a.username, "notes", b.username);
    const theirs = await world.rest(b.username);
    const context = b.page.context();
    await context.addInitScript(() => {
      const shown: string[] = [];
      Object.assign(window, { shown, asked: 0 });
      class Stub {
        static permission = "granted";
        static requestPermission = async () => {
          (window as unknown as { asked: number }).asked += 1;
          return "granted";
        };
        onclick: unknown;
        constructor(title: string, { body, tag }: { body: string; tag: string }) {
          shown.push(`${title} ${body} ${tag}`);
        }
        close() {}
      }
      Object.assign(window, { Notification: Stub });
    });
    await b.page.goto(`${world.url}/inbox`);
    const tabs = [b.page, await tab(context, "/inbox"), await tab(context, "/browse")];
    const shown = async () => (await Promise.all(tabs.map((page) => page.evaluate(() => (window as unknown as { shown: string[] }).shown)))).flat();
    const first = await rest<{ id: string }>("POST", `/v1/rooms/${id}/messages`, { body: `first @${b.username}` });
    await until(async () => (await shown()).length === 1, "one is shown");
    // Read before its time has come.
    const second = await rest<{ id: string }>("POST", `/v1/rooms/${id}/messages`, { body: `second @${b.username}` });
    await theirs("PUT", `/v1/rooms/${id}/read`, { message_id: second.id });
    const third = await rest<{ id: string }>("POST", `/v1/rooms/${id}/messages`, { body: `third @${b.username}` });
    await until(async () => (await theirs<{ items: { message_id?: string }[] }>("GET", "/v1/notifications")).items.some((one) => one.message_id === third.id), "the server tells of it");
    const { items } = await theirs<{ items: { id: string; message_id?: string }[] }>("GET", "/v1/notifications");
    const note = (message: { id: string }) => items.find((one) => one.message_id === message.id)?.id ?? "none";
    await until(async () => (await shown()).length > 1, "the third is shown");
    expect((await shown()).map((one) => one.split(" ").at(-1)).sort()).toEqual([note(first), note(third)].sort());
    expect(await Promise.all(tabs.map((page) => page.evaluate(() => (window as unknown as { asked: number }).asked)))).toEqual([0, 0, 0]);
  });

  test("a part that is gone, or a server of another build: the page stays, and says that there is a new one", async () => {
    const { page } = await world.newcomer("Ivy Ire");
    const page2 = await page.context().newPage();
    let turn = 0;
    const sockets: WebSocketRoute[] = [];
    await page2.routeWebSocket(/\/v1\/ws/, (socket) => {
      const server = socket.connectToServer();
      const mine = turn++;
      sockets.push(socket);
      server.onMessage((text) => socket.send(mine > 0 ? String(text).replace(/"build":"[^"]*"/, '"build":"newer"') : text));
    });
    await page2.goto(world.url);
    await box(page2).waitFor();
    await box(page2).fill("half a thought");
    await until(() => turn === 1, "it is connected");
    await until(async () => (await page2.getByText(/Offline|Connecting/).count()) === 0, "it is live");
    await sockets[0]?.close({ code: 1001 });
    await page2.getByText("Tidings was updated.").waitFor();
    expect(await faults(page2)).toEqual([]);
    await picture(page2, "updated");
    expect(await box(page2).inputValue()).toBe("half a thought");
    await page2.close();
    // A page that was loaded before, and a part of it that the server has no more.
    const third = await page.context().newPage();
    await third.route("**/assets/browse-*.js", (route) => route.fulfill({ status: 404, body: "" }));
    await third.goto(world.url);
    await box(third).waitFor();
    await third.getByRole("navigation", { name: "Rooms" }).getByRole("link", { name: "Browse" }).click();
    await third.getByText("Tidings was updated.").waitFor();
    await third.getByText("This part of the app could not be loaded.").waitFor();
    // The rail, and all else, stays.
    await third.getByRole("navigation", { name: "Rooms" }).getByRole("link", { name: /general/ }).click();
    await box(third).waitFor();
    await third.unroute("**/assets/browse-*.js");
    await third.getByRole("button", { name: "Reload" }).click();
    await box(third).waitFor();
    await third.getByRole("navigation", { name: "Rooms" }).getByRole("link", { name: "Browse" }).click();
    await third.getByRole("heading", { level: 1, name: "Browse" }).waitFor();
  });
});
