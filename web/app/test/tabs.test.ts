/** Several tabs, a connection that goes, and what outlives both. */
import type { BrowserContext, Page, WebSocketRoute } from "playwright-core";
import { expect, test } from "vitest";
import { enter, faults, picture, until, type World, write } from "./kit/browser.ts";
import { texts } from "./kit/locale.ts";
import { staged } from "./kit/stage.ts";

type Rest = Awaited<ReturnType<World["rest"]>>;

interface Listed {
  items: { id: string; body: string }[];
}

const box = (page: Page) => page.getByRole("textbox", { name: /^Message/ });

staged("tabs and connections, in a browser", [], (world) => {
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

  test("the server is killed between a message and its answer, and it is stored once; the next ones go on", async () => {
    const { page, username } = await world.newcomer("Kim Kill");
    const { id, rest } = await made(username, "killed");
    // From here on what is said of the message is lost on its way.
    let deaf = false;
    let sent = 0;
    await page.routeWebSocket(/\/v1\/ws/, (socket) => {
      const server = socket.connectToServer();
      socket.onMessage((text) => {
        const frame = JSON.parse(String(text)) as { type: string; body?: string };
        if (frame.type === "post" && frame.body === "the one") {
          sent += 1;
          deaf = sent === 1;
        }
        server.send(text);
      });
      server.onMessage((text) => deaf || socket.send(text));
    });
    await page.goto(`${world.url}/r/${id}`);
    await box(page).waitFor();
    await until(async () => (await page.getByText(/Offline|Connecting/).count()) === 0, "it is live");
    await write(page, "before");
    await until(async () => (await page.getByRole("article", { name: /: before/ }).getAttribute("data-message")) !== null, "it is stored");
    await write(page, "the one");
    await until(async () => (await rest<Listed>("GET", `/v1/rooms/${id}/messages`)).items.some((message) => message.body === "the one"), "the server has it");
    expect(await page.getByRole("article", { name: /: the one/ }).getAttribute("data-message")).toBeNull();
    await world.kill();
    deaf = false;
    await page.getByText(/Offline, trying again/).waitFor();
    await write(page, "the next");
    await page.getByRole("article", { name: /: the next/ }).getByText("waiting to send").waitFor();
    await world.up();
    await until(async () => (await page.getByRole("article", { name: /: the next/ }).getAttribute("data-message")) !== null, "both are stored", 60_000);
    expect((await rest<Listed>("GET", `/v1/rooms/${id}/messages`)).items.map((message) => message.body)).toEqual(["before", "the one", "the next"]);
    expect(await page.getByRole("article").evaluateAll((rows) => rows.map((row) => row.querySelector("[class*=body]")?.textContent?.trim()))).toEqual(["before", "the one", "the next"]);
  });

  test("a refusal is said in the reader's language, with the server's own words among the details", async () => {
    const { page, username } = await world.newcomer("Uwe Ulm");
    const de = texts("de");
    await page.evaluate(() => localStorage.setItem("tidings.language", "de"));
    await page.reload();
    // The button stands below the rooms: it moves until they are there.
    await page.getByRole("heading", { level: 1, name: "# general" }).waitFor();
    await page.getByRole("button", { name: de("rooms.create") }).click();
    const dialog = page.getByRole("dialog", { name: de("create.title") });
    await dialog.getByLabel(de("create.name"), { exact: true }).fill("general");
    await dialog.getByRole("button", { name: de("action.create") }).click();
    const alert = dialog.getByRole("alert");
    await alert.getByText(de("wrong.name_already_exists")).waitFor();
    // A code that does not tell the cause.
    const problem = { type: "/problems/conflict", title: "Conflict", status: 409, detail: "the server's own words", code: "conflict", retryable: false, trace_id: "trace-1" };
    await page.route("**/v1/rooms", (route) => (route.request().method() === "POST" ? route.fulfill({ status: 409, contentType: "application/problem+json", body: JSON.stringify(problem) }) : route.continue()));
    await dialog.getByRole("button", { name: de("action.create") }).click();
    await alert.getByText(de("refused.conflict")).waitFor();
    expect(await alert.getByText("the server's own words").isVisible()).toBe(false);
    await alert.getByText(de("error.details")).click();
    await alert.getByText("the server's own words").waitFor();
    // With a reason the cause is told, in the reader's language, too.
    Object.assign(problem, { reason: "last_owner" });
    await dialog.getByRole("button", { name: de("action.create") }).click();
    await alert.getByText(de("because.last_owner")).waitFor();
    expect(await faults(page)).toEqual([]);
    await picture(page, "refused-german");
    // A form says it at the field.
    const other = await (await world.context({ locale: "de-DE" })).newPage();
    await other.goto(`${world.url}/register`);
    await other.getByLabel(de("field.display_name")).fill("Uwe");
    await other.getByLabel(de("field.username")).fill(username);
    await other.getByLabel(de("field.email")).fill("uwe@example.org");
    await other.getByLabel(de("field.password"), { exact: true }).fill("a wordy secret");
    await other.getByRole("button", { name: de("action.register") }).click();
    await other.getByText(de("wrong.username_already_exists")).waitFor();
    expect(await faults(other)).toEqual([]);
    await picture(other, "register-taken-german");
  });

  test("too many connections are said, and asked for again; a tab that is looked at has those of hidden ones", async () => {
    const { page } = await world.newcomer("Val Vast");
    const other = await page.context().newPage();
    let refusals = 2;
    let opened = 0;
    await other.routeWebSocket(/\/v1\/ws/, (socket) => {
      opened += 1;
      if (refusals-- > 0) void socket.close({ code: 4409, reason: "too many sockets" });
      else socket.connectToServer();
    });
    await other.goto(`${world.url}/inbox`);
    const rail = other.getByRole("navigation", { name: "Rooms" });
    // The second one comes soon; the third one, in a quarter of a minute, unless it is asked for.
    await until(() => opened === 2, "it is asked for again");
    await rail.getByText(/Too many tabs or devices are connected, trying again in \d+ s/).waitFor();
    expect(await faults(other)).toEqual([]);
    // Nothing is said of what was never read, and the button is not broken.
    expect(await other.getByText("Nothing waits for you.").count()).toBe(0);
    expect(await rail.getByRole("button", { name: "use this one" }).evaluate((button) => button.getBoundingClientRect().height)).toBeLessThan(48);
    await picture(other, "too-many");
    await rail.getByRole("button", { name: "use this one" }).click();
    await rail.getByText(/Too many tabs/).waitFor({ state: "detached" });
    await until(() => opened === 3, "it is connected");
    await rail.getByRole("link", { name: /general/ }).waitFor();
    expect(await rail.getByRole("status").count()).toBe(0);
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

  /** What the badges of a page say: title, icon, and the list of rooms. */
  const badges = (page: Page) => page.evaluate(() => {
    const rail = document.querySelector("nav[data-region=rail]");
    const counted = (link: Element | null | undefined) => Number(link?.querySelector("[class*=count]")?.textContent?.replace("@", "") ?? 0);
    const rooms = [...(rail?.querySelectorAll("[data-room]") ?? [])];
    return {
      title: Number(/^\((\d+)\) /.exec(document.title)?.[1] ?? 0),
      icon: document.querySelector("link[rel=icon]")?.getAttribute("href")?.includes("unread") ?? false,
      rooms: rooms.filter((one) => one.hasAttribute("data-unread")).length,
      mentions: rooms.filter((one) => one.querySelector("[data-mention]")).reduce((sum, one) => sum + counted(one), 0),
      threads: counted(rail?.querySelector('[href="/threads"]')),
      notifications: counted(rail?.querySelector('[href="/inbox"]')),
    };
  });

  test("every badge says the same in all tabs, and as the server: mentions, threads, rooms of which one wants to hear nothing", async () => {
    const [a, b] = [await world.newcomer("Eve Elm"), await world.newcomer("Fox Fir")];
    const { id, rest } = await made(a.username, "badges", b.username);
    const quiet = await made(a.username, "muted", b.username);
    const theirs = await world.rest(b.username);
    await theirs("PATCH", `/v1/rooms/${quiet.id}/members/me`, { notify: "none" });
    const root = await theirs<{ id: string }>("POST", `/v1/rooms/${id}/messages`, { body: "who has the keys?" });
    const tabs = [await tab(b.page.context(), "/inbox"), await tab(b.page.context(), "/threads"), await tab(b.page.context(), "/browse")];
    await b.page.goto(`${world.url}/inbox`);
    const all = [b.page, ...tabs];
    /** What the badges have to say, as the server counts. */
    const due = async () => {
      const unread = await theirs<{ rooms: number; mention_count: number; threads: number; notifications: number }>("GET", "/v1/users/me/unread");
      const title = unread.rooms + unread.threads;
      return { title, icon: title > 0, rooms: unread.rooms, mentions: unread.mention_count, threads: unread.threads, notifications: unread.notifications };
    };
    /** Waits until the server counts so, and all tabs say it. */
    const agreed = async (what: string, counts: Partial<Awaited<ReturnType<typeof due>>>) => {
      let last = "";
      const same = async () => {
        const server = await due();
        const said = await Promise.all(all.map(badges));
        last = JSON.stringify({ server, said });
        return Object.entries(counts).every(([name, value]) => server[name as keyof typeof server] === value) && said.every((one) => JSON.stringify(one) === JSON.stringify(server));
      };
      await until(same, what, 30_000).catch((error: unknown) => {
        throw new Error(`${String(error)}: ${last}`);
      });
    };
    await agreed("nothing waits", { title: 0 });
    await rest("POST", `/v1/rooms/${id}/messages`, { body: "one" });
    await rest("POST", `/v1/rooms/${id}/messages`, { body: `two @${b.username}` });
    await rest("POST", `/v1/rooms/${id}/messages`, { body: "I do", thread_root_id: root.id });
    await rest("POST", `/v1/rooms/${quiet.id}/messages`, { body: "unheard" });
    await agreed("a room with a mention, and a thread", { rooms: 1, mentions: 1, threads: 1 });
    // Of a room of which one wants to hear nothing a mention is heard.
    await rest("POST", `/v1/rooms/${quiet.id}/messages`, { body: `heard @${b.username}` });
    await agreed("both rooms", { rooms: 2, mentions: 2, threads: 1 });
    // Read in one of them, it is read in all: a badge leads to what clears it.
    const [one] = tabs as [Page];
    const rail = one.getByRole("navigation", { name: "Rooms" });
    await rail.getByRole("link", { name: /badges/ }).click();
    await agreed("the first room is read", { rooms: 1, mentions: 1, threads: 1 });
    await rail.getByRole("link", { name: /muted/ }).click();
    await agreed("the other one is read", { rooms: 0, mentions: 0, threads: 1 });
    await rail.getByRole("link", { name: /Threads/ }).click();
    await one.getByRole("main").getByRole("link", { name: /who has the keys/ }).click();
    await agreed("the thread is read", { title: 0, icon: false, rooms: 0, threads: 0 });
  });

  test("one notification for all tabs; none of what is seen in any of them, or was read elsewhere at once", async () => {
    const [a, b] = [await world.newcomer("Gil Gum"), await world.newcomer("Hua Hay")];
    const { id, rest } = await made(a.username, "notes", b.username);
    const elsewhere = await made(a.username, "elsewhere", b.username);
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
    // One that does not keep watch is looked at. What comes after what it has seen is told in another room.
    const [, , seeing] = tabs as [Page, Page, Page];
    await seeing.goto(`${world.url}/r/${id}`);
    await seeing.bringToFront();
    await seeing.locator(`[data-message="${third.id}"]`).waitFor();
    const heard = await rest<{ id: string }>("POST", `/v1/rooms/${id}/messages`, { body: "what comes now is heard" });
    await seeing.locator(`[data-message="${heard.id}"]`).waitFor();
    const before = await shown();
    const fourth = await rest<{ id: string }>("POST", `/v1/rooms/${id}/messages`, { body: `fourth @${b.username}` });
    await seeing.locator(`[data-message="${fourth.id}"]`).waitFor();
    const fifth = await rest<{ id: string }>("POST", `/v1/rooms/${elsewhere.id}/messages`, { body: `fifth @${b.username}` });
    await until(async () => (await shown()).length > before.length, "the fifth is shown");
    const { items: later } = await theirs<{ items: { id: string; message_id?: string }[] }>("GET", "/v1/notifications");
    expect((await shown()).filter((one) => !before.includes(one)).map((one) => one.split(" ").at(-1))).toEqual([later.find((one) => one.message_id === fifth.id)?.id]);
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
    // Where it is not looked at it is loaded anew by itself: not while something is being written.
    await page2.evaluate(() => Object.assign(window, { same: true }));
    const hide = () => page2.evaluate(() => {
      Object.defineProperty(document, "visibilityState", { value: "hidden", configurable: true });
      document.dispatchEvent(new Event("visibilitychange"));
      return new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)));
    });
    await hide();
    expect(await page2.evaluate(() => "same" in window)).toBe(true);
    await box(page2).fill("");
    const loaded = page2.waitForEvent("load");
    await hide().catch(() => undefined);
    await loaded;
    await box(page2).waitFor();
    expect(await page2.getByText("Tidings was updated.").count()).toBe(0);
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
