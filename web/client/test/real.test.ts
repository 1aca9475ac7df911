import "fake-indexeddb/auto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { answer, indexedDbStorage, memoryStorage, type Client, type Message } from "../src/index.ts";
import { client, here, live, person, Proxy, Server, until } from "./server.ts";

/** The whole history of a room over REST, oldest first. */
async function history(of: Client, room: string): Promise<Message[]> {
  const position = { "Tidings-Min-Position": (await of.request("PUT", `/v1/notifications/read`, {})).response.headers.get("tidings-position") ?? "" };
  const all: Message[] = [];
  for (let before: string | undefined; ; before = all[0]?.id) {
    const query = { limit: 200, threads: false, ...(before ? { before } : {}) };
    const page = await answer(of.api.GET("/v1/rooms/{room_id}/messages", { params: { path: { room_id: room }, query, header: position } }));
    all.unshift(...page.items);
    if (!page.next_cursor) return all;
  }
}

/** What must be equal: all but what only reads know, or only writers. */
function bare(message: Message) {
  const { id, body, sender, client_id, edited_at, deleted_at } = message;
  return { id, body, sender: sender.id, client_id, edited_at: edited_at ?? null, deleted_at: deleted_at ?? null };
}

/** Waits until the store holds of a room what REST says, message for message, and nothing is left to send. */
async function settled(of: Client, room: string): Promise<Message[]> {
  await live(of);
  await until(() => of.store.outbox.length === 0, "the outbox is empty");
  const truth = await history(of, room);
  while (!of.store.get(`timeline:${room}`).atStart) await of.older(room);
  const held = () => of.store.get(`timeline:${room}`).rows.flatMap((row) => (row.message ? [bare(row.message)] : []));
  await until(() => JSON.stringify(held()) === JSON.stringify(truth.map(bare)), "the store equals REST", 10_000).catch(() => undefined);
  expect(held()).toEqual(truth.map(bare));
  const document = await answer(of.api.GET("/v1/rooms/{room_id}", { params: { path: { room_id: room } } }));
  await until(() => of.store.get(`room:${room}`)?.membership?.unread_count === document.membership?.unread_count, "the counts are right");
  return truth;
}

async function shared(a: Client, b: Client): Promise<string> {
  const room = await answer(a.api.POST("/v1/rooms", { body: { kind: "group", name: "harbour", members: [b.store.me?.id ?? ""] } }));
  await until(() => Boolean(a.store.get(`room:${room.id}`) && b.store.get(`room:${room.id}`)?.membership), "both have the room");
  await Promise.all([a.open(room.id), b.open(room.id)]);
  return room.id;
}

describe.skipIf(!here)("against a real server", () => {
  let server: Server;
  let proxy: Proxy;
  const clients: Client[] = [];
  const come = async (url: string, storage = memoryStorage()) => {
    const one = await person(url, storage);
    clients.push(one);
    return one;
  };

  beforeAll(async () => {
    server = await Server.start();
    proxy = await Proxy.to(server.port);
  });

  afterAll(async () => {
    for (const one of clients) one.close();
    await proxy?.close();
    await server?.stop();
  });

  test("two people talk, and both hold what REST says", async () => {
    const [a, b] = [await come(server.url), await come(server.url)];
    const room = await shared(a, b);
    await a.send(room, "who has the keys?");
    await until(() => b.store.get(`timeline:${room}`).rows.length === 1, "it has arrived");
    expect(b.store.get(`room:${room}`)?.membership?.unread_count).toBe(1);
    const first = b.store.get(`timeline:${room}`).rows[0]?.message as Message;
    b.read(room, first.id);
    await until(() => b.store.get(`room:${room}`)?.membership?.unread_count === 0, "it is read");
    await until(() => a.store.get(`markers:${room}`).get(b.store.me?.id ?? "") === first.id, "the writer sees who has read it");
    await b.send(room, "I do");
    await until(() => a.store.get(`timeline:${room}`).rows.every((row) => row.message), "all is stored");
    await a.edit(first.id, "who has **the** keys?");
    await b.send(room, "gone in a moment");
    await until(() => b.store.outbox.length === 0, "it is sent");
    const last = b.store.get(`timeline:${room}`).rows.at(-1)?.message as Message;
    await b.remove(last.id);
    expect((await settled(a, room)).map((message) => message.body)).toEqual(["who has **the** keys?", "I do", ""]);
    await settled(b, room);
  });

  test("what is written without a connection goes out once, in order, and keeps its row", async () => {
    const [a, b] = [await come(proxy.url), await come(server.url)];
    const room = await shared(a, b);
    proxy.down = true;
    proxy.cut();
    for (let i = 0; i < 5; i++) await a.send(room, `offline ${i}`);
    const keys = a.store.get(`timeline:${room}`).rows.map((row) => row.key);
    expect(keys).toHaveLength(5);
    await until(() => a.store.status.phase === "waiting", "the loss is noticed");
    // Meanwhile the others go on.
    await b.send(room, "meanwhile");
    await until(() => b.store.outbox.length === 0, "it is sent");
    proxy.down = false;
    a.reconnect();
    const truth = await settled(a, room);
    expect(truth.map((message) => message.body)).toEqual(["meanwhile", ...[0, 1, 2, 3, 4].map((i) => `offline ${i}`)]);
    expect(a.store.get(`timeline:${room}`).rows.slice(1).map((row) => row.key)).toEqual(keys);
    await settled(b, room);
  });

  test("a message whose answer was lost is stored once", async () => {
    const [a, b] = [await come(proxy.url), await come(server.url)];
    const room = await shared(a, b);
    proxy.mute = true;
    await a.send(room, "did it arrive?");
    await until(() => b.store.get(`timeline:${room}`).rows.length === 1, "the server has it");
    expect(a.store.outbox).toHaveLength(1);
    proxy.cut();
    proxy.mute = false;
    a.reconnect();
    expect(await settled(a, room)).toHaveLength(1);
  });

  test("a resume brings edits, deletions and many messages", async () => {
    const [a, b] = [await come(proxy.url), await come(server.url)];
    const room = await shared(a, b);
    for (let i = 0; i < 3; i++) await b.send(room, `before ${i}`);
    await until(() => a.store.get(`timeline:${room}`).rows.filter((row) => row.message).length === 3, "all have arrived");
    const [first, second] = a.store.get(`timeline:${room}`).rows.map((row) => row.message as Message) as [Message, Message];
    proxy.down = true;
    proxy.cut();
    await b.edit(first.id, "changed while away");
    await b.remove(second.id);
    for (let i = 0; i < 120; i++) await b.send(room, `away ${i}`);
    await until(() => b.store.outbox.length === 0, "all is sent");
    proxy.down = false;
    a.reconnect();
    expect(await settled(a, room)).toHaveLength(123);
    expect(a.store.get(`room:${room}`)?.membership?.unread_count).toBe(122);
  });

  test("the server is killed in the middle of a burst", async () => {
    const [a, b] = [await come(server.url), await come(server.url)];
    const room = await shared(a, b);
    for (let i = 0; i < 40; i++) void a.send(room, `burst ${i}`);
    await until(() => b.store.get(`timeline:${room}`).rows.length > 5, "some have arrived");
    await server.kill();
    for (let i = 40; i < 50; i++) await a.send(room, `burst ${i}`);
    await server.up();
    a.reconnect();
    b.reconnect();
    const truth = await settled(a, room);
    expect(truth.map((message) => message.body)).toEqual(Array.from({ length: 50 }, (_, i) => `burst ${i}`));
    await settled(b, room);
  });

  test("what waits outlives the page", async () => {
    const storage = indexedDbStorage(`outbox-${process.pid}`);
    const a = await come(proxy.url, storage);
    const b = await come(server.url);
    const room = await shared(a, b);
    proxy.down = true;
    proxy.cut();
    await a.send(room, "written before the reload");
    a.close();
    proxy.down = false;
    const again = client(proxy.url, storage);
    clients.push(again);
    await again.logIn(a.store.me?.username ?? "", "a wordy secret");
    await again.open(room);
    expect((await settled(again, room)).map((message) => message.body)).toEqual(["written before the reload"]);
    await until(async () => (await storage.all()).length === 0, "nothing is left in the storage");
  });

  test("what is done to messages without a connection waits, outlives the page, and is carried out once, in order", async () => {
    const storage = indexedDbStorage(`changes-${process.pid}`);
    const a = await come(proxy.url, storage);
    const b = await come(server.url);
    const room = await shared(a, b);
    for (const body of ["one", "two", "three"]) await a.send(room, body);
    await until(() => a.store.outbox.length === 0, "all is sent");
    const [one, two, three] = a.store.get(`timeline:${room}`).rows.map((row) => row.message?.id ?? "") as [string, string, string];
    proxy.down = true;
    proxy.cut();
    await until(() => a.store.status.phase === "waiting", "the loss is noticed");
    await a.send(room, "four");
    await a.edit(one, "first");
    await a.edit(one, "the first");
    await a.remove(two);
    await a.react(three, "\u{1F44D}", true);
    await a.edit(a.store.outbox[0]?.client_id ?? "", "the fourth");
    const shown = a.store.get(`timeline:${room}`).rows.map((row) => row.message?.body ?? row.pending?.body);
    expect(shown).toEqual(["the first", "", "three", "the fourth"]);
    a.close();
    proxy.down = false;
    const again = client(proxy.url, storage);
    clients.push(again);
    await again.logIn(a.store.me?.username ?? "", "a wordy secret");
    await again.open(room);
    await until(() => b.store.get(`message:${three}`)?.reactions?.[0]?.count === 1, "the last of them has arrived at the other");
    expect((await settled(again, room)).map((message) => message.body)).toEqual(["the first", "", "three", "the fourth"]);
    await settled(b, room);
    const path = { message_id: one };
    expect((await answer(b.api.GET("/v1/messages/{message_id}/history", { params: { path } }))).items.map((text) => text.body)).toEqual(["one", "the first"]);
    await until(async () => (await storage.all()).length === 0, "nothing is left in the storage");
  });

  test("the server is killed while changes are under way, and each is carried out", async () => {
    const [a, b] = [await come(server.url), await come(server.url)];
    const room = await shared(a, b);
    for (let i = 0; i < 20; i++) await a.send(room, `line ${i}`);
    await until(() => a.store.outbox.length === 0, "all is sent");
    const ids = a.store.get(`timeline:${room}`).rows.map((row) => row.message?.id ?? "");
    for (const [i, id] of ids.entries()) void (i % 3 === 0 ? a.remove(id) : a.edit(id, `line ${i}, changed`));
    await until(() => b.store.get(`message:${ids[2]}`)?.body === "line 2, changed", "some are carried out");
    await server.kill();
    await server.up();
    for (const one of [a, b]) one.reconnect();
    const expected = ids.map((_, i) => (i % 3 === 0 ? "" : `line ${i}, changed`));
    expect((await settled(a, room)).map((message) => message.body)).toEqual(expected);
    await settled(b, room);
  });

  test("a refused message says why, can be dropped, and the next ones go on", async () => {
    const [a, b] = [await come(server.url), await come(server.url)];
    const room = await shared(a, b);
    await a.send(room, "x".repeat(9_000));
    await a.send(room, "short");
    await until(() => a.store.outbox[0]?.state === "failed" && a.store.outbox.length === 1, "one is refused, one is sent");
    expect(a.store.outbox[0]?.problem?.code).toBe("validation_failed");
    await a.outbox.drop(a.store.outbox[0]?.client_id ?? "");
    expect((await settled(a, room)).map((message) => message.body)).toEqual(["short"]);
  });

  test("a message with files is stored once, whatever becomes of the connection while they are sent", async () => {
    const [a, b] = [await come(proxy.url), await come(server.url)];
    const room = await shared(a, b);
    const bytes = new Uint8Array(3_000_000).map((_, i) => (i * 31) % 251);
    const large = a.upload(new Blob([bytes]), "tides.bin");
    const small = a.upload(new Blob(["ebb and flow"], { type: "text/plain" }), "/tmp/notes.txt");
    await a.send(room, "the tables", { files: [large, small] });
    await a.send(room, "as promised");
    proxy.cut();
    proxy.mute = true;
    await until(() => a.store.status.phase !== "live", "the loss is noticed");
    proxy.cut();
    proxy.mute = false;
    a.reconnect();
    const truth = await settled(a, room);
    expect(truth.map((message) => message.body)).toEqual(["the tables", "as promised"]);
    expect(truth[0]?.attachments.map((one) => [one.filename, one.size, one.content_type])).toEqual([["tides.bin", 3_000_000, "application/octet-stream"], ["notes.txt", 12, "text/plain"]]);
    const seen = b.store.get(`timeline:${room}`).rows[0]?.message?.attachments ?? [];
    const got = await fetch(b.link(seen[0]?.url ?? ""));
    expect(new Uint8Array(await got.arrayBuffer())).toEqual(bytes);
    expect(await (await fetch(b.link((await b.media(seen[1]?.id ?? "")).url))).text()).toBe("ebb and flow");
    expect([...a.store.uploads.keys()]).toEqual([]);
  });

  test("a message whose file is refused says why, and a file that is given up is not there", async () => {
    const a = await come(server.url);
    const room = a.store.get("rooms")[0]?.id ?? "";
    await a.open(room);
    const empty = a.upload(new Blob([]), "nothing.txt");
    await until(() => a.store.get(`upload:${empty}`)?.state === "failed", "it is refused");
    expect(a.store.get(`upload:${empty}`)?.problem?.code).toBe("validation_failed");
    const wrong = a.upload(new Blob(["no picture"], { type: "image/png" }), "wrong.png");
    await until(() => a.store.get(`upload:${wrong}`)?.state === "done", "it goes as a file like any other");
    const { id, content_type } = a.store.get(`upload:${wrong}`)?.file.media ?? {};
    expect(content_type).toBe("application/octet-stream");
    a.uploads.cancel(wrong);
    await until(async () => a.media(id ?? "").then(() => false, (error: { status?: number }) => error.status === 404), "it is removed");
  });

  test("threads one follows are counted, and read elsewhere they are not", async () => {
    const [a, b] = [await come(server.url), await come(server.url)];
    const room = await shared(a, b);
    await a.send(room, "who has the keys?");
    await until(() => b.store.get(`timeline:${room}`).rows.length === 1, "it has arrived");
    const root = b.store.get(`timeline:${room}`).rows[0]?.message?.id ?? "";
    await b.send(room, "I do", { thread: root });
    await until(() => a.store.get("unread").threads === 1, "the answer counts");
    await a.threads(room);
    expect(a.store.get(`threads:${room}`)?.items.map((one) => [one.root.id, one.unread_count, one.following])).toEqual([[root, 1, true]]);
    await a.open(`${room}/${root}`);
    a.read(room, a.store.get(`timeline:${room}/${root}`).rows[0]?.message?.id ?? "", root);
    await until(() => a.store.get("unread").threads === 0, "it is read");
    expect(a.store.get(`threads:${room}`)?.stale).toBe(true);
  });

  test("history is read in both directions, and a jump into it has no hole", async () => {
    const [a, b] = [await come(server.url), await come(server.url)];
    const room = await shared(a, b);
    for (let i = 0; i < 180; i++) await b.send(room, `line ${i}`);
    await until(() => b.store.outbox.length === 0, "all is sent");
    const truth = await history(a, room);
    const late = client(server.url);
    clients.push(late);
    await late.logIn(a.store.me?.username ?? "", "a wordy secret");
    await live(late);
    await late.open(room, truth[60]?.id);
    const bodies = () => late.store.get(`timeline:${room}`).rows.map((row) => row.message?.body);
    expect(bodies()).toContain("line 60");
    expect(late.store.get(`timeline:${room}`).atEnd).toBe(false);
    await b.send(room, "line 180");
    await until(() => b.store.outbox.length === 0, "it is sent");
    while (!late.store.get(`timeline:${room}`).atEnd) await late.newer(room);
    while (!late.store.get(`timeline:${room}`).atStart) await late.older(room);
    expect(bodies()).toEqual(Array.from({ length: 181 }, (_, i) => `line ${i}`));
  });

  test("a session that ends elsewhere is said, and nothing typed is lost", async () => {
    const a = await come(server.url);
    await a.request("DELETE", "/v1/sessions");
    await until(() => a.store.status.phase === "signedOut", "it is said");
    expect(a.store.status).toMatchObject({ reason: "ended" });
  });

  test("after signing out nothing is left", async () => {
    const storage = memoryStorage();
    const a = await come(server.url, storage);
    await a.signOut();
    expect(a.store.get("rooms")).toEqual([]);
    expect(await storage.all()).toEqual([]);
    await expect(answer(a.api.GET("/v1/users/me"))).rejects.toMatchObject({ status: 401 });
  });
});
