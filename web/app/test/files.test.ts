import type { Page } from "playwright-core";
import { describe, expect, test } from "vitest";
import { faults, here, picture, png, still, until, World, write } from "./kit/browser.ts";
import { staged } from "./kit/stage.ts";

const rail = (page: Page) => page.getByRole("navigation", { name: "Rooms" });
const composer = (page: Page) => page.getByRole("form", { name: "Write a message" });

async function room(page: Page, name: string, members = ""): Promise<string> {
  await page.getByRole("button", { name: "New room" }).click();
  const dialog = page.getByRole("dialog", { name: "New room" });
  await dialog.getByLabel("Name").fill(name);
  await dialog.getByRole("textbox", { name: "Members" }).fill(members);
  await dialog.getByRole("button", { name: "Create" }).click();
  await page.getByRole("heading", { level: 1, name: `# ${name}` }).waitFor();
  return new URL(page.url()).pathname.split("/")[2] ?? "";
}

staged("files, search, threads and other ways to sign in, in a browser", [], (world) => {
  test("pictures and files: chosen, sent once, seen by the other in boxes that do not move, opened large", async () => {
    const [a, b] = [await world.newcomer("Pia Pohl"), await world.newcomer("Rui Ray")];
    await room(a.page, "harbour", b.username);
    await rail(b.page).getByRole("link", { name: /harbour/ }).click();
    await composer(a.page).locator("[data-files]").setInputFiles([
      { name: "pier.png", mimeType: "image/png", buffer: png(600, 400) },
      { name: "quay.png", mimeType: "image/png", buffer: png(300, 500, [148, 68, 0]) },
      { name: "tide <b>table.pdf", mimeType: "application/pdf", buffer: Buffer.from("%PDF-1.7 nothing") },
    ]);
    const tray = a.page.getByRole("list", { name: "Attached files" });
    await tray.getByText("pier.png").waitFor();
    await until(async () => (await tray.getByRole("button", { name: /^Remove/ }).count()) === 3, "all are uploaded");
    expect(await faults(a.page)).toEqual([]);
    await picture(a.page, "attached");
    // What stands there stays when another room is looked at.
    await rail(a.page).getByRole("link", { name: /general/ }).click();
    await a.page.getByRole("heading", { level: 1, name: "# general" }).waitFor();
    await rail(a.page).getByRole("link", { name: /harbour/ }).click();
    await tray.getByText("quay.png").waitFor();
    await write(a.page, "the new pier");
    await b.page.getByRole("button", { name: "Open the picture pier.png" }).waitFor();
    expect(await tray.count()).toBe(0);
    const box = await b.page.getByRole("button", { name: "Open the picture pier.png" }).boundingBox();
    expect([Math.round(box?.width ?? 0), Math.round(box?.height ?? 0)]).toEqual([200, 133]);
    const shown = b.page.getByRole("article").last().locator("img[width]");
    await until(() => shown.evaluateAll((all) => all.length >= 2 && all.every((one) => (one as HTMLImageElement).naturalWidth > 0)), "the pictures are there");
    const link = b.page.getByRole("link", { name: /tide <b>table\.pdf/ });
    const download = b.page.waitForEvent("download");
    await link.click();
    expect((await download).suggestedFilename()).toContain("tide");
    expect(await faults(b.page)).toEqual([]);
    await picture(b.page, "pictures");
    await b.page.getByRole("button", { name: "Open the picture pier.png" }).focus();
    await b.page.keyboard.press("Enter");
    const large = b.page.getByRole("dialog", { name: "Picture pier.png" });
    await large.getByText("1 of 2").waitFor();
    expect(await faults(b.page)).toEqual([]);
    await picture(b.page, "lightbox");
    await b.page.keyboard.press("ArrowRight");
    await b.page.getByRole("dialog", { name: "Picture quay.png" }).getByText("2 of 2").waitFor();
    await b.page.emulateMedia({ colorScheme: "dark" });
    expect(await faults(b.page)).toEqual([]);
    await b.page.keyboard.press("Escape");
    await until(() => b.page.evaluate(() => document.activeElement?.getAttribute("aria-label") === "Open the picture pier.png"), "the focus is back");
    await picture(b.page, "pictures-dark");
    await b.page.emulateMedia({ colorScheme: "light" });
    // A message of files alone, dropped and pasted.
    const files = (names: string[]) => a.page.evaluateHandle((all) => {
      const data = new DataTransfer();
      for (const name of all) data.items.add(new File(["some words"], name, { type: "text/plain" }));
      return data;
    }, names);
    const dropped = await files(["dropped.txt"]);
    await a.page.getByRole("main").dispatchEvent("dragenter", { dataTransfer: dropped });
    await picture(a.page, "dropping");
    await a.page.getByRole("main").dispatchEvent("drop", { dataTransfer: dropped });
    await tray.getByText("dropped.txt").waitFor();
    const pasted = await files(["pasted.txt"]);
    await a.page.getByRole("textbox", { name: /Message/ }).evaluate((area, clipboardData) => area.dispatchEvent(new ClipboardEvent("paste", { clipboardData, bubbles: true, cancelable: true })), pasted);
    await tray.getByText("pasted.txt").waitFor();
    await tray.getByRole("button", { name: "Remove pasted.txt" }).or(tray.getByRole("button", { name: "Cancel pasted.txt" })).click();
    await until(async () => (await tray.getByRole("listitem").count()) === 1, "one is left");
    await a.page.getByRole("textbox", { name: /Message/ }).press("Enter");
    await b.page.getByRole("link", { name: /dropped\.txt/ }).waitFor();
    expect(await b.page.getByText("pasted.txt").count()).toBe(0);
  });

  test("limits are said plainly, and a file waits for the connection with its message", async () => {
    const { page } = await world.newcomer("Uma Ude");
    await room(page, "limits");
    const chooser = composer(page).locator("[data-files]");
    await chooser.setInputFiles(Array.from({ length: 12 }, (_, i) => ({ name: `${i}.txt`, mimeType: "text/plain", buffer: Buffer.from(`file ${i}`) })));
    await page.getByText("A message takes 10 files").waitFor();
    await until(async () => (await page.getByRole("list", { name: "Attached files" }).getByRole("button", { name: /^Remove/ }).count()) === 10, "ten are uploaded");
    await write(page, "ten of them");
    await until(async () => (await page.getByRole("article").last().getAttribute("data-message")) !== null, "it is stored");
    expect(await page.getByRole("article").last().getByRole("link").count()).toBe(10);
    await chooser.setInputFiles([{ name: "nothing.txt", mimeType: "text/plain", buffer: Buffer.alloc(0) }]);
    await page.getByText("nothing.txt is empty").waitFor();
    await page.context().setOffline(true);
    await chooser.setInputFiles([{ name: "later.txt", mimeType: "text/plain", buffer: Buffer.from("later") }]);
    await page.getByText("waiting for a connection").waitFor();
    await write(page, "with a file");
    await page.getByText("waiting to send").first().waitFor();
    await picture(page, "file-waits");
    expect(await faults(page)).toEqual([]);
    await page.context().setOffline(false);
    await page.getByRole("link", { name: /later\.txt/ }).waitFor({ timeout: 60_000 });
    await page.reload();
    await page.getByRole("link", { name: /later\.txt/ }).waitFor();
    expect(await page.getByText("with a file").count()).toBe(1);
  });

  test("search: from the switcher into a panel, with filters, marks, and a jump into a room and a thread", async () => {
    const [a, b] = [await world.newcomer("Sue Sol"), await world.newcomer("Tom Tal")];
    const id = await room(a.page, "tides", b.username);
    await write(a.page, "the **tide** turns at <mark>six</mark> & later");
    await a.page.getByText("& later").waitFor();
    const first = a.page.getByRole("article").first();
    await first.hover();
    await first.getByRole("button", { name: "Answer" }).click();
    const thread = a.page.getByRole("complementary", { name: "Thread" });
    await thread.getByRole("textbox").fill("which tide table is it?");
    await thread.getByRole("textbox").press("Enter");
    await until(async () => (await thread.getByRole("article").last().getAttribute("data-message")) !== null, "it is stored");
    await thread.getByRole("button", { name: "Close" }).click();
    await b.page.keyboard.press("Control+k");
    await b.page.getByRole("combobox", { name: "Name of a room or person" }).fill("tide");
    await b.page.getByRole("option", { name: /Search messages for "tide"/ }).waitFor();
    await b.page.keyboard.press("Control+Enter");
    const panel = b.page.getByRole("complementary", { name: "Search" });
    await panel.getByText("2 messages").waitFor();
    expect(await panel.locator("mark").allTextContents()).toEqual(["tide", "tide"]);
    await panel.getByText("<mark>six</mark> & later").waitFor();
    expect(await faults(b.page)).toEqual([]);
    await picture(b.page, "search");
    await panel.getByText("Filters").click();
    await panel.getByLabel("From").fill("stranger");
    await panel.getByText('Nothing found for "tide"').waitFor();
    await picture(b.page, "search-nothing");
    expect(await faults(b.page)).toEqual([]);
    await panel.getByRole("button", { name: "Without from:stranger" }).click();
    await panel.getByLabel("In", { exact: true }).selectOption({ label: "tides" });
    expect(await panel.getByLabel("Search messages").inputValue()).toBe("tide in:tides");
    await panel.getByText("2 messages").waitFor();
    await panel.getByRole("link", { name: /turns at/ }).click();
    await b.page.getByRole("heading", { level: 1, name: "# tides" }).waitFor();
    await until(() => b.page.evaluate(() => document.activeElement?.textContent?.includes("turns at") ?? false), "the message has the focus");
    await panel.getByRole("link", { name: /which/ }).click();
    await b.page.getByRole("complementary", { name: "Thread" }).getByText("which tide table").waitFor();
    await b.page.keyboard.press("Escape");
    await b.page.goto(`${world.url}/search?q=${encodeURIComponent("tide has:file")}`);
    await b.page.getByText("Nothing found").waitFor();
    await b.page.goto(`${world.url}/search?q=${encodeURIComponent("tide in:#tides")}`);
    await b.page.getByText("2 messages").waitFor();
    expect(await faults(b.page)).toEqual([]);
    await b.page.getByRole("link", { name: /turns at/ }).click();
    await until(() => b.page.url().includes(`/r/${id}/m/`), "it leads there");
    await b.page.goBack();
    await b.page.getByText("2 messages").waitFor();
    // More than a page.
    const signedIn = await fetch(`${world.url}/v1/sessions`, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify({ login: a.username, password: "a wordy secret" }) });
    const { access_token } = (await signedIn.json()) as { access_token: string };
    for (let n = 0; n < 40; n++) await fetch(`${world.url}/v1/rooms/${id}/messages`, { method: "POST", headers: { "content-type": "application/json", authorization: `Bearer ${access_token}` }, body: JSON.stringify({ body: `wave ${n}` }) });
    await b.page.getByLabel("Search messages").fill("wave");
    await b.page.getByText("30 messages so far").waitFor();
    await b.page.getByRole("button", { name: "Earlier results" }).click();
    await b.page.getByText("40 messages, newest first").waitFor();
    const found = await b.page.getByRole("main").getByRole("listitem").allTextContents();
    expect(found.map((text) => Number(/wave (\d+)/.exec(text)?.[1]))).toEqual(Array.from({ length: 40 }, (_, n) => 39 - n));
  });

  test("a picture of oneself: chosen in the profile, seen by others beside what one writes", async () => {
    const [a, b] = [await world.newcomer("Ida Ost"), await world.newcomer("Jan Ohm")];
    await room(a.page, "faces", b.username);
    await write(a.page, "who is this?");
    await rail(b.page).getByRole("link", { name: /faces/ }).click();
    await b.page.getByText("who is this?").waitFor();
    await a.page.goto(`${world.url}/settings/profile`);
    await a.page.locator("[data-picture]").setInputFiles([{ name: "me.png", mimeType: "image/png", buffer: png(300, 300, [34, 102, 58]) }]);
    await a.page.getByRole("button", { name: "Remove the picture" }).waitFor();
    expect(await faults(a.page)).toEqual([]);
    await picture(a.page, "own-picture");
    const face = b.page.getByRole("article").last().locator("img");
    await until(() => face.evaluateAll((all) => all.length === 1 && (all[0] as HTMLImageElement).naturalWidth > 0), "the other sees it");
    await picture(b.page, "faces");
    await a.page.getByRole("button", { name: "Remove the picture" }).click();
    await until(async () => (await face.count()) === 0, "it is gone");
  });

  test("threads: counted in the rail, listed, and read when they are seen", async () => {
    const [a, b] = [await world.newcomer("Vic Val"), await world.newcomer("Wim Wal")];
    await room(a.page, "questions", b.username);
    await write(a.page, "who has the keys?");
    await rail(b.page).getByRole("link", { name: /questions/ }).click();
    const first = b.page.getByRole("article").first();
    await first.hover();
    await first.getByRole("button", { name: "Answer" }).click();
    const thread = b.page.getByRole("complementary", { name: "Thread" });
    await thread.getByRole("textbox").fill("I do");
    await thread.getByRole("textbox").press("Enter");
    await rail(a.page).getByRole("link", { name: /Threads.*1/ }).click();
    const entry = a.page.getByRole("main").getByRole("link", { name: /who has the keys/ });
    await entry.waitFor();
    expect(await faults(a.page)).toEqual([]);
    await picture(a.page, "threads");
    await entry.click();
    await a.page.getByRole("complementary", { name: "Thread" }).getByText("I do").waitFor();
    await until(async () => (await rail(a.page).getByRole("link", { name: /Threads.*1/ }).count()) === 0, "it is read", 30_000);
    await a.page.getByRole("complementary", { name: "Thread" }).getByRole("button", { name: "Close" }).click();
    await a.page.getByRole("main").getByRole("button", { name: "Threads" }).click();
    await a.page.getByRole("complementary", { name: "Threads" }).getByText("1 answer").waitFor();
    expect(await faults(a.page)).toEqual([]);
    await picture(a.page, "room-threads");
  });

  test("a provider: the code comes in the fragment, is taken out of the address, and wants the secret that stayed here", async () => {
    const { username } = await world.newcomer("Zoe Zorn");
    const page = await (await world.context()).newPage();
    // The provider is played: what is tried is what the page does.
    let challenge = "";
    let asked: { code?: string; code_verifier?: string; second_factor?: string; refresh?: string }[] = [];
    await page.route("**/v1/oidc", (route) => route.fulfill({ json: { items: [{ id: "works", name: "Works", start_url: `${world.url}/v1/oidc/works/start` }] } }));
    await page.route("**/v1/oidc/works/start?*", (route) => {
      challenge = new URL(route.request().url()).searchParams.get("code_challenge") ?? "";
      return route.fulfill({ status: 302, headers: { location: "/login#code=once" } });
    });
    await page.route("**/v1/sessions/oidc", async (route) => {
      asked.push(route.request().postDataJSON() as (typeof asked)[number]);
      if (asked.length === 1) return route.fulfill({ status: 401, json: { type: "about:blank", title: "", status: 401, detail: "a code is needed", code: "second_factor_required", retryable: false, trace_id: "" } });
      const response = await route.fetch({ url: `${world.url}/v1/sessions`, postData: JSON.stringify({ login: username, password: "a wordy secret", refresh: "cookie" }) });
      return route.fulfill({ response });
    });
    await page.goto(`${world.url}/inbox`);
    await page.getByRole("button", { name: "Continue with Works" }).waitFor();
    expect(await faults(page)).toEqual([]);
    await picture(page, "sign-in-provider");
    await page.getByRole("button", { name: "Continue with Works" }).click();
    await page.getByLabel("Code of your second factor").fill("123456");
    expect(page.url()).toBe(`${world.url}/login`);
    expect(await faults(page)).toEqual([]);
    await page.getByRole("button", { name: "Sign in" }).click();
    await page.getByRole("heading", { level: 1, name: "Inbox" }).waitFor();
    expect(asked).toMatchObject([{ code: "once", refresh: "cookie" }, { code: "once", second_factor: "123456" }]);
    const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(asked[0]?.code_verifier));
    expect(Buffer.from(digest).toString("base64url")).toBe(challenge);
    expect(await page.evaluate(() => JSON.stringify({ ...localStorage, ...sessionStorage }))).not.toContain(asked[0]?.code_verifier);
    const stranger = await (await world.context()).newPage();
    await stranger.goto(`${world.url}/login#error=already_exists`);
    await stranger.getByRole("alert").getByText("not linked to the provider").waitFor();
    expect(stranger.url()).toBe(`${world.url}/login`);
    asked = [];
    await stranger.goto(`${world.url}/login?again#code=stolen`);
    await stranger.getByRole("alert").getByText("begun elsewhere").waitFor();
    expect(asked).toEqual([]);
  });

  test("that the address is not verified is said once, with the way to the code", async () => {
    const { page } = await world.newcomer("Abe Ash");
    const bar = page.getByRole("region", { name: "Your e-mail address" });
    await bar.waitFor();
    expect(await faults(page)).toEqual([]);
    await picture(page, "unverified");
    await bar.getByRole("button", { name: "Confirm the address" }).click();
    await page.getByRole("heading", { level: 1, name: "Settings" }).waitFor();
    expect(new URL(page.url()).pathname).toBe("/settings/address");
    await page.goto(`${world.url}/verify`);
    await page.getByText(`@example.org`).first().waitFor();
    await page.goto(`${world.url}/reset`);
    await page.getByRole("button", { name: "Change password" }).waitFor();
    await page.goto(world.url);
    await page.getByRole("textbox", { name: /Message/ }).waitFor();
    expect(await bar.count()).toBe(0);
  });

  test("a phone: a file, a picture, the search and the threads fit into 320 pixels", async () => {
    const { page } = await world.newcomer("Ben Bay", { viewport: { width: 320, height: 640 } });
    await composer(page).locator("[data-files]").setInputFiles([{ name: `${"long ".repeat(20)}.png`, mimeType: "image/png", buffer: png(1_600, 900) }, { name: `${"y".repeat(120)}.txt`, mimeType: "text/plain", buffer: Buffer.from("x") }]);
    await until(async () => (await page.getByRole("list", { name: "Attached files" }).getByRole("button", { name: /^Remove/ }).count()) === 2, "both are uploaded");
    const sideways = () => page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
    expect(await sideways()).toBeLessThanOrEqual(0);
    await picture(page, "phone-attached");
    await write(page, "look");
    await page.getByRole("button", { name: /Open the picture/ }).waitFor();
    expect(await sideways()).toBeLessThanOrEqual(0);
    expect(await faults(page)).toEqual([]);
    await page.getByRole("button", { name: /Open the picture/ }).click();
    await page.getByRole("dialog", { name: /Picture/ }).waitFor();
    expect(await sideways()).toBeLessThanOrEqual(0);
    expect(await faults(page)).toEqual([]);
    await picture(page, "phone-lightbox");
    await page.keyboard.press("Escape");
    for (const path of ["search?q=look", "threads"]) {
      await page.goto(`${world.url}/${path}`);
      await page.getByRole("heading", { level: 1 }).waitFor();
      await still(page);
      expect(await sideways(), path).toBeLessThanOrEqual(0);
      expect(await faults(page), path).toEqual([]);
    }
  });
});

describe.skipIf(!here)("a server with rules of its own", () => {
  test("a file that is too large says how large one may be, stops its message, and can be taken out", async () => {
    const world = await World.start("--media-max-file", "2kB");
    try {
      const { page } = await world.newcomer("Cal Cox");
      await composer(page).locator("[data-files]").setInputFiles([{ name: "chart.bin", mimeType: "", buffer: Buffer.alloc(3_000, 1) }, { name: "note.txt", mimeType: "text/plain", buffer: Buffer.from("short") }]);
      const tray = page.getByRole("list", { name: "Attached files" });
      await tray.getByText("Too large: a file may have 2 kB here.").waitFor();
      await tray.getByRole("button", { name: "Try chart.bin again" }).waitFor();
      expect(await faults(page)).toEqual([]);
      await picture(page, "file-refused");
      await write(page, "the chart");
      await page.getByText("A file was refused").waitFor();
      expect(await page.getByRole("article").count()).toBe(0);
      await tray.getByRole("button", { name: "Remove chart.bin" }).click();
      await page.getByRole("textbox", { name: /Message/ }).press("Enter");
      await page.getByRole("link", { name: /note\.txt/ }).waitFor();
    } finally {
      await world.stop();
    }
  });

  test("who registers by an invitation's link is in its room, without doing anything more", async () => {
    const world = await World.start("--unverified", "everything");
    try {
      const host = await world.newcomer("Dot Day");
      const id = await room(host.page, "by-link");
      await host.page.getByRole("button", { name: "More actions" }).click();
      await host.page.getByRole("menuitem", { name: "Invite by link" }).click();
      const dialog = host.page.getByRole("dialog", { name: "Invite by link" });
      await dialog.getByRole("button", { name: "Create" }).click();
      const link = await dialog.getByRole("textbox", { name: "Link" }).inputValue();
      const page = await (await world.context()).newPage();
      await page.goto(link);
      await page.getByText("Dot Day invites you to by-link.").waitFor();
      await page.getByRole("link", { name: "Create an account" }).click();
      expect(await page.getByRole("textbox", { name: "Invitation" }).inputValue()).toBe(link.split("/").at(-1));
      await page.getByLabel("Username").fill("eli");
      await page.getByLabel("E-mail").fill("eli@example.org");
      await page.getByLabel("Password").fill("a wordy secret");
      expect(await faults(page)).toEqual([]);
      await page.getByRole("button", { name: "Create account" }).click();
      await page.getByRole("heading", { level: 1, name: "# by-link" }).waitFor();
      expect(new URL(page.url()).pathname).toBe(`/r/${id}`);
      await write(page, "hello from the link");
      await host.page.keyboard.press("Escape");
      await host.page.getByText("hello from the link").waitFor();
    } finally {
      await world.stop();
    }
  });

  test("registration by invitation asks for one, a closed one says so", async () => {
    for (const [mode, text] of [["invite", "by invitation"], ["closed", "Registration is closed"], ["domains:harbour.example", "cannot register here"]] as const) {
      const world = await World.start("--registration", mode);
      try {
        const page = await (await world.context()).newPage();
        await page.goto(`${world.url}/register`);
        await page.getByLabel("Username").fill("cleo");
        await page.getByLabel("E-mail").fill("cleo@example.org");
        await page.getByLabel("Password").fill("a wordy secret");
        await page.getByRole("button", { name: "Create account" }).click();
        await page.getByText(text).waitFor();
        expect(await faults(page), mode).toEqual([]);
        if (mode === "invite") await page.getByLabel("Invitation").waitFor();
        expect(await page.getByRole("button", { name: "Create account" }).count()).toBe(mode === "closed" ? 0 : 1);
      } finally {
        await world.stop();
      }
    }
  });
});
