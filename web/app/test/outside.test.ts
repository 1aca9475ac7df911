/** Rooms that one is not in any more, and what is said in them. */
import type { Page } from "playwright-core";
import { expect, test } from "vitest";
import { enter, faults, picture, until, write, type World } from "./kit/browser.ts";
import { staged } from "./kit/stage.ts";

type Rest = Awaited<ReturnType<World["rest"]>>;

const held = (page: Page) => page.evaluate(() => document.activeElement?.textContent ?? "");

staged("rooms that are lost, in a browser", [], (world) => {
  async function made(name: string, visibility: "private" | "public") {
    const [host, guest] = [await world.newcomer("Hanna Host"), await world.newcomer("Gus Guest")];
    const rest: Rest = await world.rest(host.username);
    const { id } = await rest<{ id: string }>("POST", "/v1/rooms", { kind: "group", name, visibility, topic: "of members only", members: [`@${guest.username}`] });
    await enter(guest.page, name);
    await write(guest.page, "said by a member");
    await guest.page.getByRole("article", { name: /said by a member/ }).waitFor();
    const { items } = await rest<{ items: { user_id: string; user: { username: string } }[] }>("GET", `/v1/rooms/${id}/members`);
    const user = items.find((one) => one.user.username === guest.username)?.user_id ?? "";
    return { host, page: guest.page, username: guest.username, rest, id, user };
  }

  test("one who is removed from a private room reads so, and sees nothing of it any more", async () => {
    const { page, username, rest, id, user } = await made("vault", "private");
    await page.getByRole("button", { name: /^Members/ }).click();
    await page.getByRole("complementary", { name: "Members" }).waitFor();
    const box = page.getByRole("main").getByRole("textbox", { name: /^Message/ });
    await box.fill("half a thought");
    await rest("DELETE", `/v1/rooms/${id}/members/${user}`);
    const sentence = page.getByRole("heading", { level: 1, name: "You were removed from # vault, or have left it elsewhere." });
    await sentence.waitFor();
    expect(await page.getByRole("main").getByText("You can come back when a member adds you.").count()).toBe(1);
    expect(await page.getByRole("button", { name: "Join" }).count()).toBe(0);
    for (const gone of ["of members only", "said by a member", "Hanna Host"]) expect(await page.getByText(gone).count(), gone).toBe(0);
    expect(await page.getByRole("complementary").count()).toBe(0);
    await until(async () => /^You were removed/.test(await held(page)), "the sentence has the focus");
    expect(await faults(page)).toEqual([]);
    await picture(page, "removed");
    await rest("POST", `/v1/rooms/${id}/members`, { user: `@${username}` });
    await box.waitFor();
    expect(await box.inputValue()).toBe("half a thought");
  });

  test("one who is banned from a public room reads so, and is offered no way in", async () => {
    const { page, username, rest, id, user } = await made("square", "public");
    const { id: root } = await (await world.rest(username))<{ id: string }>("POST", `/v1/rooms/${id}/messages`, { body: "a question" });
    await page.goto(`${world.url}/r/${id}/t/${root}`);
    const thread = page.getByRole("complementary", { name: "Thread" });
    await thread.getByRole("textbox").fill("half an answer");
    await rest("PUT", `/v1/rooms/${id}/bans/${user}`, { reason: "noise" });
    const sentence = page.getByRole("main").getByText("You are banned from # square.");
    await sentence.waitFor();
    expect(await page.getByRole("button", { name: "Join" }).count()).toBe(0);
    expect(await thread.count()).toBe(0);
    expect(await page.getByText("a question").count()).toBe(0);
    await until(async () => /^You are banned/.test(await held(page)), "the sentence has the focus");
    expect(await faults(page)).toEqual([]);
    await picture(page, "banned");
    // A page that is loaded anew learns of it when it asks.
    await page.reload();
    await page.getByRole("button", { name: "Join" }).click();
    await sentence.waitFor();
    expect(await page.getByRole("button", { name: "Join" }).count()).toBe(0);
    await until(async () => /^You are banned/.test(await held(page)), "the sentence has the focus");
  });

  test("when the message that began a thread is deleted, one who answers reads so, and has what was written", async () => {
    const { page, rest, id } = await made("threads", "private");
    const { id: root } = await rest<{ id: string }>("POST", `/v1/rooms/${id}/messages`, { body: "a question" });
    await rest("POST", `/v1/rooms/${id}/messages`, { body: "an answer", thread_root_id: root });
    await page.goto(`${world.url}/r/${id}/t/${root}`);
    const thread = page.getByRole("complementary", { name: "Thread" });
    await thread.getByRole("article", { name: /an answer/ }).waitFor();
    const box = thread.getByRole("textbox");
    await box.fill("half an answer");
    expect(await box.evaluate((one) => one === document.activeElement)).toBe(true);
    await rest("DELETE", `/v1/messages/${root}`);
    const sentence = thread.getByText("The message that began this thread was deleted: the thread can be read, not answered.");
    await sentence.waitFor();
    await until(() => sentence.evaluate((one) => one === document.activeElement), "the sentence has the focus");
    const written = thread.getByLabel("What you have written and not sent");
    expect(await written.inputValue()).toBe("half an answer");
    expect(await faults(page)).toEqual([]);
    await picture(page, "root-deleted");
    await thread.getByRole("button", { name: "Copy it" }).click();
    await thread.getByText("Copied").waitFor();
    await page.reload();
    await sentence.waitFor();
    expect(await written.inputValue()).toBe("half an answer");
    // It can be pasted elsewhere.
    await page.getByRole("main").getByRole("textbox", { name: /^Message/ }).press("Control+v");
    expect(await page.getByRole("main").getByRole("textbox", { name: /^Message/ }).inputValue()).toBe("half an answer");
    await thread.getByRole("button", { name: "Discard it" }).click();
    await until(async () => (await written.count()) === 0, "it is gone");
    expect(await sentence.evaluate((one) => one === document.activeElement)).toBe(true);
  });

  test("a link that was cut off leads to the room, with a sentence and without a way to try what cannot help; so does one to a thread, and a search that is too long", async () => {
    const { page, id } = await made("links", "private");
    const main = page.getByRole("main");
    const retry = page.getByRole("button", { name: "Try again" });
    for (const cut of ["nope", "msg_06h1xdhrqdtbxd2vzjnd"]) {
      await page.goto(`${world.url}/r/${id}/m/${cut}`);
      await main.getByText("There is no such message: the link to it may have been cut off.").waitFor();
      await main.getByRole("article", { name: /said by a member/ }).waitFor();
      expect([await retry.count(), await page.getByRole("alert").count()]).toEqual([0, 0]);
    }
    expect(await faults(page)).toEqual([]);
    await picture(page, "cut-message");
    await page.goto(`${world.url}/r/${id}/m/msg_00000000000000000000000000`);
    await main.getByText("That message is not here any more.").waitFor();
    await main.getByRole("article", { name: /said by a member/ }).waitFor();
    const thread = page.getByRole("complementary", { name: "Thread" });
    for (const cut of ["nope", "msg_00000000000000000000000000"]) {
      await page.goto(`${world.url}/r/${id}/t/${cut}`);
      const sentence = thread.getByText("There is no such thread here");
      await sentence.waitFor();
      await until(async () => (await thread.getByRole("alert").count()) === 0, "it is said once");
      expect([await retry.count(), await thread.getByRole("textbox").count()]).toEqual([0, 0]);
    }
    expect(await faults(page)).toEqual([]);
    await picture(page, "cut-thread");
    await thread.getByRole("button", { name: "To the room" }).click();
    await until(async () => (await thread.count()) === 0, "it is closed");
    await main.getByRole("article", { name: /said by a member/ }).waitFor();
    // Of what is no id of a room at all the same is said as of a room that there is not.
    await page.goto(`${world.url}/r/nope`);
    await page.getByRole("heading", { level: 1, name: "There is no such room, or you may not see it." }).waitFor();
    expect(await retry.count()).toBe(0);
    await page.goto(`${world.url}/search?q=${"long ".repeat(120)}`);
    await page.getByText("A search has 500 characters at most.").waitFor();
    expect([await retry.count(), await page.getByRole("alert").count()]).toEqual([0, 0]);
    // What the server refuses for good is not offered to be tried again, whatever it is.
    await page.route("**/v1/search/messages*", (route) => route.fulfill({ status: 400, contentType: "application/problem+json", body: JSON.stringify({ type: "about:blank", title: "Bad", status: 400, detail: "no", code: "validation_failed", retryable: false, trace_id: "t" }) }));
    await page.goto(`${world.url}/search?q=said`);
    await page.getByRole("alert").waitFor();
    expect(await retry.count()).toBe(0);
  });

  test("one who is removed from a public room reads so, and may join again; one who leaves is not told that they were removed", async () => {
    const { page, rest, id, user } = await made("market", "public");
    await rest("DELETE", `/v1/rooms/${id}/members/${user}`);
    await page.getByText("You were removed from # market, or have left it elsewhere.").waitFor();
    await page.getByRole("button", { name: "Join" }).click();
    await page.getByRole("article", { name: /said by a member/ }).waitFor();
    await page.locator("header").getByRole("button", { name: "More actions" }).click();
    await page.getByRole("menuitem", { name: "Leave" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Leave" }).click();
    await until(() => !page.url().includes(id), "it is left");
    await page.goBack();
    await page.getByText("You have left # market.").waitFor();
    expect(await page.getByText(/You were removed/).count()).toBe(0);
  });
});
