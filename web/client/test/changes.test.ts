/** Edits, deletions and reactions on their way: shown at once, kept over a reload, carried out once and in order. */
import { describe, expect, test } from "vitest";
import { apply } from "../src/apply.ts";
import { Outbox } from "../src/outbox.ts";
import { deleted, needless, overlaid, superseded } from "../src/overlay.ts";
import { memoryStorage, platform, type Storage } from "../src/platform.ts";
import { ProblemError } from "../src/problem.ts";
import { Store } from "../src/store.ts";
import type { Account, EventFrame, Message, OutboxChange, OutboxEntry, Problem } from "../src/types.ts";
import { Uploads, type Depot } from "../src/uploads.ts";

const THUMB = "\u{1F44D}";

function message(number: number, more: Partial<Message> = {}): Message {
  return {
    id: `msg_${number}`, room_id: "room_1", number, sender: { id: "usr_1", username: "ana", display_name: "Ana" }, body: `m${number}`, format: "plain",
    attachments: [], mentions: [], reply_count: 0, reactions: [], pinned: false, created_at: "2026-11-24T14:00:00.000Z", position: `e:${number}`, ...more,
  } as Message;
}

const change = (kind: OutboxChange["kind"], more: Partial<OutboxChange> = {}): OutboxChange => ({ client_id: `c${more.submitted_at ?? 1}`, user_id: "usr_1", room_id: "room_1", message_id: "msg_1", submitted_at: 1, state: "waiting", kind, ...more });
const refusal = (status: number, detail = "you may not") => new ProblemError({ type: "about:blank", title: "", status, detail, code: "forbidden", retryable: false, trace_id: "" } as Problem);

/** A page: its network and its server do as they are told. */
function page(storage: Storage = memoryStorage()) {
  const store = new Store((work) => queueMicrotask(work));
  store.me = { id: "usr_1", username: "ana" } as Account;
  const all = [1, 2, 3].map((number) => message(number));
  for (const one of all) store.messages.set(one.id, one);
  store.timeline("room_1").put({ messages: all, atStart: true, atEnd: true }, true);
  const told = { online: true, answers: [] as (ProblemError | Promise<unknown>)[] };
  const sent: string[] = [];
  const waits = new Set<() => void>();
  const given = platform({ storage, exclusively: (_name, _patience, work) => work(), later: (_, work) => {
    waits.add(work);
    return () => void waits.delete(work);
  } });
  let stored = 10;
  const box = new Outbox(given, store, new Uploads(given, store, {} as Depot), async (entry) => {
    sent.push(entry.kind ? [entry.kind, entry.message_id, entry.body ?? entry.emoji].filter(Boolean).join(" ") : `post ${entry.body}`);
    const next = told.answers.shift();
    if (next instanceof ProblemError) throw next;
    if (next) await next;
    return entry.kind ? undefined : message(++stored, { client_id: entry.client_id, body: entry.body });
  }, () => told.online);
  const later = () => {
    const now = [...waits];
    waits.clear();
    for (const work of now) work();
  };
  const bodies = () => store.get("timeline:room_1").rows.map((row) => row.message?.body ?? row.pending?.body);
  const edit = (id: string, body: string) => box.change({ kind: "edit", message_id: id, room_id: "room_1", body });
  return { store, box, told, sent, later, bodies, edit, storage };
}

async function until(so: () => boolean): Promise<void> {
  for (let turns = 0; turns < 1_000 && !so(); turns++) await new Promise((resolve) => setImmediate(resolve));
  expect(so()).toBe(true);
}

describe("what is laid over a message", () => {
  test("a text, a deletion and a reaction are shown; of what was refused only a text is", () => {
    const held = message(1, { reactions: [{ emoji: THUMB, count: 1, users: ["usr_2"], me: false }] });
    const look = (...changes: OutboxChange[]) => overlaid(held, changes, "usr_1");
    expect(look(change("edit", { body: "new" })).body).toBe("new");
    expect(look(change("edit", { body: "new", state: "failed" })).body).toBe("new");
    expect(look(change("delete", { submitted_at: Date.parse("2026-11-27T10:00:00Z") }))).toMatchObject({ body: "", deleted_at: "2026-11-27T10:00:00.000Z", reactions: [] });
    for (const state of ["failed", "old"] as const) {
      expect(look(change("delete", { state }))).toBe(held);
      expect(look(change("react", { emoji: THUMB, state }))).toBe(held);
    }
    expect(look(change("react", { emoji: `${THUMB}\uFE0F` })).reactions).toEqual([{ emoji: THUMB, count: 2, users: ["usr_2", "usr_1"], me: true }]);
    expect(look(change("react", { emoji: THUMB }), change("unreact", { emoji: THUMB })).reactions).toEqual(held.reactions);
    // Nothing is done to what is deleted.
    expect(look(change("delete"), change("edit", { body: "late" })).body).toBe("");
    expect(overlaid(deleted(held, "2026-11-27T10:00:00.000Z"), [change("edit", { body: "late" })], "usr_1").body).toBe("");
  });

  test("what a later change makes needless is not sent, unless it may have been already", () => {
    const first = change("edit", { body: "a" });
    const second = change("edit", { body: "b", submitted_at: 2 });
    const like = change("react", { emoji: THUMB, submitted_at: 3 });
    const unlike = change("unreact", { emoji: `${THUMB}\uFE0F`, submitted_at: 4 });
    expect(superseded([first, second, like, unlike])).toEqual([first, like]);
    expect(superseded([{ ...first, state: "unknown" }, second])).toEqual([]);
    expect(superseded([{ ...first, state: "failed" }, second])).toHaveLength(1);
    expect(superseded([first, { ...second, message_id: "msg_2" }])).toEqual([]);
    expect(superseded([first, like, change("delete", { submitted_at: 5 })])).toEqual([first, like]);
    expect(superseded([first, change("delete", { submitted_at: 5, state: "failed" })])).toEqual([]);
  });

  test("what changes nothing is needless", () => {
    const held = message(1, { reactions: [{ emoji: THUMB, count: 1, users: [], me: true }] });
    expect([change("edit", { body: "m1" }), change("react", { emoji: THUMB }), change("unreact", { emoji: "\u{1F440}" })].map((one) => needless(held, one))).toEqual([true, true, true]);
    expect([change("edit", { body: "m2" }), change("delete"), change("unreact", { emoji: THUMB }), change("react", { emoji: "\u{1F440}" })].map((one) => needless(held, one))).toEqual([false, false, false, false]);
    // Who has reacted is not known of it.
    expect(needless(message(1, { reactions: null as never }), change("react", { emoji: THUMB }))).toBe(false);
  });
});

describe("changes on their way", () => {
  test("without a network they are shown, wait behind what was written before, and go out in order", async () => {
    const { store, box, told, sent, later, bodies, edit } = page();
    told.online = false;
    await box.submit({ room_id: "room_1", body: "six" });
    await edit("msg_1", "one");
    await box.change({ kind: "delete", message_id: "msg_2", room_id: "room_1" });
    await box.change({ kind: "react", message_id: "msg_3", room_id: "room_1", emoji: THUMB });
    expect(bodies()).toEqual(["one", "", "m3", "six"]);
    expect(store.get("message:msg_2")?.deleted_at).toBeTruthy();
    expect(store.get("message:msg_3")?.reactions).toEqual([{ emoji: THUMB, count: 1, users: ["usr_1"], me: true }]);
    expect(store.get("changes:msg_1").map((one) => [one.kind, one.state])).toEqual([["edit", "waiting"]]);
    // A refresh brings what the server knows: what was done stays to be seen.
    store.messages.set("msg_1", message(1, { reply_count: 2 }));
    store.touch("message:msg_1");
    expect(store.get("message:msg_1")).toMatchObject({ body: "one", reply_count: 2 });
    expect(sent).toEqual([]);
    told.online = true;
    later();
    await until(() => sent.length === 4);
    expect(sent).toEqual(["post six", "edit msg_1 one", "delete msg_2", `react msg_3 ${THUMB}`]);
    await until(() => store.outbox.every((entry) => entry.state === "sent"));
    expect(store.get("changes:msg_1")).toEqual([]);
  });

  test("they outlive the page, and those of another day ask first", async () => {
    const storage = memoryStorage();
    const first = page(storage);
    first.told.online = false;
    await first.edit("msg_1", "kept");
    first.box.close();
    const [kept] = (await storage.all()) as OutboxChange[];
    await storage.put({ ...(kept as OutboxEntry), client_id: "yesterday", message_id: "msg_2", submitted_at: Date.now() - 25 * 3_600_000 } as OutboxEntry);
    const { store, box, sent, bodies } = page(storage);
    await box.load();
    box.flush();
    await until(() => sent.length === 1);
    expect(sent).toEqual(["edit msg_1 kept"]);
    expect(store.get("changes:msg_2").map((one) => one.state)).toEqual(["old"]);
    expect(bodies()[1]).toBe("kept");
    await box.retry("yesterday");
    await until(() => sent.length === 2);
    await until(() => store.outbox.length === 0);
    expect(await storage.all()).toEqual([]);
  });

  test("only the last text of a message is sent, none when it is as before, and a deletion takes all with it", async () => {
    const { store, box, told, sent, later, edit } = page();
    told.online = false;
    await edit("msg_1", "a");
    await edit("msg_1", "b");
    await edit("msg_2", "other");
    await edit("msg_2", "m2");
    for (const kind of ["react", "unreact"] as const) await box.change({ kind, message_id: "msg_3", room_id: "room_1", emoji: THUMB });
    later();
    await until(() => store.outbox.length === 1);
    expect(store.outbox.map((entry) => entry.body)).toEqual(["b"]);
    await box.change({ kind: "delete", message_id: "msg_1", room_id: "room_1" });
    told.online = true;
    later();
    await until(() => sent.length === 1);
    await until(() => store.outbox.length === 0);
    expect(sent).toEqual(["delete msg_1"]);
  });

  test("one whose answer is lost is sent again, or known by its event", async () => {
    const { store, box, told, sent, later, edit } = page();
    told.answers.push(ProblemError.unreachable("no answer came"), ProblemError.unreachable("no answer came"));
    await edit("msg_1", "sure?");
    await until(() => sent.length === 1);
    await until(() => store.outbox[0]?.state === "unknown");
    later();
    await until(() => sent.length === 2);
    const frame = { type: "event", event: "message.edited", room_id: "room_1", position: "e:20", data: message(1, { body: "sure?" }) } as EventFrame;
    apply(store, frame);
    box.told(frame);
    await until(() => store.outbox.length === 0);
    later();
    await new Promise((resolve) => setImmediate(resolve));
    expect(sent).toHaveLength(2);
    expect(store.get("message:msg_1")?.body).toBe("sure?");
  });

  test("a refusal is kept with its reason, can be tried again or dropped, and the next ones go on", async () => {
    const { store, box, told, sent, bodies, edit } = page();
    told.answers.push(refusal(403), refusal(403));
    const first = await edit("msg_1", "forbidden");
    const second = await box.change({ kind: "delete", message_id: "msg_2", room_id: "room_1" });
    await edit("msg_3", "fine");
    await until(() => sent.length === 3);
    await until(() => store.outbox.length === 2);
    expect(store.get("changes:msg_1")[0]).toMatchObject({ state: "failed", problem: { detail: "you may not" } });
    expect(bodies().slice(0, 2)).toEqual(["forbidden", "m2"]);
    await box.drop(first.client_id);
    expect(bodies()[0]).toBe("m1");
    await box.retry(second.client_id);
    await until(() => store.outbox.length === 0);
    expect(sent.at(-1)).toBe("delete msg_2");
  });

  test("what is gone cannot be deleted again, and that is no failure", async () => {
    const { store, box, told, sent } = page();
    told.answers.push(refusal(410), refusal(404));
    await box.change({ kind: "delete", message_id: "msg_1", room_id: "room_1" });
    await box.change({ kind: "unreact", message_id: "msg_2", room_id: "room_1", emoji: "\u{1F440}" });
    await until(() => store.outbox.length === 0);
    expect(sent).toEqual(["delete msg_1"]);
  });

  test("a message that was never sent is edited and dropped where it waits", async () => {
    const { store, box, told, sent, later } = page();
    told.online = false;
    const [first, second] = [await box.submit({ room_id: "room_1", body: "sicks" }), await box.submit({ room_id: "room_1", body: "never mind" })];
    expect(await box.edit(first.client_id, "six")).toBe(true);
    await box.drop(second.client_id);
    expect(store.outbox.map((entry) => entry.body)).toEqual(["six"]);
    told.online = true;
    later();
    await until(() => sent.length === 1);
    expect(sent).toEqual(["post six"]);
  });

  test("one that is just being sent is edited behind that, under the id that it gets", async () => {
    const { store, box, told, sent, bodies } = page();
    let answered: () => void = () => undefined;
    told.answers.push(new Promise<void>((resolve) => (answered = resolve)));
    const entry = await box.submit({ room_id: "room_1", body: "sicks" });
    await until(() => sent.length === 1);
    expect(await box.edit(entry.client_id, "six")).toBe(true);
    expect(bodies().at(-1)).toBe("six");
    answered();
    await until(() => sent.length === 2);
    expect(sent).toEqual(["post sicks", "edit msg_11 six"]);
    await until(() => store.outbox.length === 1);
    expect(store.outbox[0]?.state).toBe("sent");
  });

  test("one that is refused while its edit waits goes out as it was edited", async () => {
    const { store, box, told, sent } = page();
    let answered: (error: ProblemError) => void = () => undefined;
    told.answers.push(new Promise<void>((_, reject) => (answered = reject)));
    const entry = await box.submit({ room_id: "room_1", body: "x" });
    await until(() => sent.length === 1);
    await box.edit(entry.client_id, "y");
    answered(refusal(400));
    await until(() => sent.length === 2);
    expect(sent).toEqual(["post x", "post y"]);
    await until(() => store.outbox.every((one) => one.state === "sent"));
    expect(store.outbox).toHaveLength(1);
  });

  test("a message that waits for its files holds those after it, and no change of another one", async () => {
    const { box, sent, edit } = page();
    await box.submit({ room_id: "room_1", body: "picture", files: [{ id: "f1", filename: "a.png", content_type: "image/png", size: 3 }] });
    await box.submit({ room_id: "room_1", body: "after it" });
    await edit("msg_1", "meanwhile");
    await until(() => sent.length === 1);
    expect(sent).toEqual(["edit msg_1 meanwhile"]);
  });

  test("a row is drawn again only when what it shows has changed", async () => {
    const { store, told, edit } = page();
    told.online = false;
    await edit("msg_1", "new");
    const [first, second] = store.get("timeline:room_1").rows;
    await edit("msg_3", "other");
    expect(store.get("timeline:room_1").rows[0]).toBe(first);
    expect(store.get("timeline:room_1").rows[1]).toBe(second);
    let heard = 0;
    store.subscribe("changes:msg_2", () => heard++);
    store.subscribe("changes:msg_1", () => heard++);
    await edit("msg_2", "now");
    await new Promise((resolve) => setImmediate(resolve));
    expect(heard).toBe(1);
  });
});
