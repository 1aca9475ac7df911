import { describe, expect, test } from "vitest";
import { apply, merged, reactedBy } from "../src/apply.ts";
import { Outbox } from "../src/outbox.ts";
import { isAfter } from "../src/position.ts";
import { memoryStorage, platform } from "../src/platform.ts";
import { ProblemError } from "../src/problem.ts";
import { isSpare } from "../src/rest.ts";
import { Store } from "../src/store.ts";
import { join } from "../src/timeline.ts";
import type { Account, EventFrame, Message, OutboxEntry, Problem, Room } from "../src/types.ts";
import { Uploads, type Depot } from "../src/uploads.ts";

function message(number: number, more: Partial<Message> = {}): Message {
  return {
    id: `msg_${number}`, room_id: "room_1", number: null, sender: { id: "usr_2", username: "bo", display_name: "Bo" }, body: `m${number}`, format: "plain",
    attachments: [], mentions: [], reply_count: 0, reactions: [], pinned: false, created_at: "2026-11-24T14:00:00.000Z", position: `e:${number}`, ...more,
  } as Message;
}

function event(name: string, position: number, data: unknown, room: string | null = "room_1"): EventFrame {
  return { type: "event", event: name, position: `e:${position}`, room_id: room, data } as EventFrame;
}

function store(): Store {
  const one = new Store((work) => queueMicrotask(work));
  one.me = { id: "usr_1", username: "ana" } as Account;
  one.rooms.set("room_1", { id: "room_1", kind: "group", visibility: "private", created_at: "2026-11-24T13:00:00.000Z", archived: false, message_count: 0, membership: { role: "member", joined_at: "", unread_count: 0, mention_count: 0, muted: false } } as Room);
  one.timeline("room_1").put({ messages: [], atStart: true, atEnd: true }, true);
  return one;
}

/** A generator of numbers that a seed decides. */
function random(seed: number): () => number {
  return () => {
    seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
    return seed / 2 ** 32;
  };
}

describe("positions", () => {
  test("compare by number within an epoch, and another epoch is news", () => {
    expect(isAfter("a:10", "a:9")).toBe(true);
    expect(isAfter("a:9", "a:10")).toBe(false);
    expect(isAfter("a:9", "a:9")).toBe(false);
    expect(isAfter("b:1", "a:9")).toBe(true);
  });
});

test("what is fetched on suspicion stops when under 40 % of any limit is left", () => {
  const policy = '"requests";q=100;w=60, "bytes";q=1000;w=60;qu="content-bytes", "frames";q=60;w=3';
  const left = (requests: number, bytes: number, frames: number) => `"requests";r=${requests};t=9, "bytes";r=${bytes};t=60, "frames";r=${frames};t=1`;
  expect(isSpare(left(100, 1_000, 60), policy)).toBe(true);
  expect(isSpare(left(40, 400, 24), policy)).toBe(true);
  expect([left(39, 1_000, 60), left(100, 399, 60), left(100, 1_000, 23)].map((one) => isSpare(one, policy))).toEqual([false, false, false]);
  // A server that sets no limit says nothing.
  expect(isSpare(null, null)).toBe(true);
  expect(isSpare("nonsense", policy)).toBe(true);
});

describe("runs", () => {
  test("pages of any order make one run without a hole", () => {
    for (let seed = 1; seed <= 200; seed++) {
      const next = random(seed);
      const truth = Array.from({ length: 60 }, (_, i) => `m${i}`);
      type Run = Parameters<typeof join>[0];
      let runs: Run[] = [];
      for (let step = 0; step < 40; step++) {
        const from = Math.floor(next() * 55);
        const to = Math.min(60, from + 2 + Math.floor(next() * 15));
        let run: Run = { ids: truth.slice(from, to), atStart: from === 0, atEnd: to === 60, stale: false };
        runs = runs.filter((other) => {
          const one = join(run, other);
          if (one) run = one;
          return !one;
        });
        runs.push(run);
        for (const one of runs) {
          const at = truth.indexOf(one.ids[0] ?? "");
          expect(one.ids).toEqual(truth.slice(at, at + one.ids.length));
          if (one.ids.includes("m0")) expect(one.atStart || !runs.includes(one)).toBe(true);
        }
      }
    }
  });

  test("an empty room that was stale takes new messages again", () => {
    const one = store();
    one.timeline("room_1").spoil();
    one.timeline("room_1").empty();
    apply(one, event("message.posted", 1, message(1)));
    expect(one.get("timeline:room_1").rows).toHaveLength(1);
  });

  test("a long row loses its far end, and says that there is more", () => {
    const one = store();
    const timeline = one.timeline("room_1");
    const all = Array.from({ length: 10 }, (_, i) => message(i));
    for (const each of all) one.messages.set(each.id, each);
    timeline.put({ messages: all, atStart: true, atEnd: true }, true);
    expect(timeline.trim("end", 10)).toEqual([]);
    expect(timeline.trim("end", 7)).toEqual(["msg_7", "msg_8", "msg_9"]);
    expect(timeline.view()).toMatchObject({ atStart: true, atEnd: false });
    // What is posted does not join a row whose end is not held.
    apply(one, event("message.posted", 11, message(11)));
    expect(timeline.ids).toHaveLength(7);
    expect(timeline.trim("start", 4)).toEqual(["msg_0", "msg_1", "msg_2"]);
    expect(timeline.view()).toMatchObject({ atStart: false, atEnd: false });
    // The page behind it meets it again.
    timeline.put({ messages: all.slice(5), atStart: false, atEnd: true }, true);
    expect(timeline.ids).toEqual(["msg_3", "msg_4", "msg_5", "msg_6", "msg_7", "msg_8", "msg_9"]);
    expect(timeline.view()).toMatchObject({ atStart: false, atEnd: true });
  });

  test("what is stale is fresh again once all of it was read anew, from its end to its start", () => {
    const ids = Array.from({ length: 150 }, (_, i) => `m${i}`);
    const held = { ids, atStart: true, atEnd: true, stale: true };
    const page = (from: number, to: number) => ({ ids: ids.slice(from, to), atStart: from === 0, atEnd: to === 150, stale: false });
    const one = join(page(100, 150), held);
    expect(one).toMatchObject({ stale: true, checked: "m100" });
    // With the message that the page adjoins.
    const two = one && join(page(50, 101), one);
    expect(two).toMatchObject({ stale: true, checked: "m50" });
    const three = two && join(page(0, 51), two);
    expect(three).toEqual({ ids, atStart: true, atEnd: true, stale: false });
    // A page in the middle says nothing of what is behind it.
    expect(join(page(20, 70), held)).toEqual({ ids, atStart: true, atEnd: true, stale: true, checked: undefined });
    const late = one && join(page(0, 51), one);
    expect(late).toMatchObject({ stale: true, checked: "m100" });
  });

  test("a message that comes while a long row is read anew joins it as soon as its end is", () => {
    const one = store();
    const timeline = one.timeline("room_1");
    const all = Array.from({ length: 12 }, (_, i) => message(i));
    for (const each of all) one.messages.set(each.id, each);
    timeline.put({ messages: all.slice(0, 10), atStart: true, atEnd: true }, true);
    timeline.spoil();
    timeline.append("msg_10");
    expect(timeline.ids).toHaveLength(10);
    timeline.put({ messages: all.slice(6, 11), atStart: false, atEnd: true }, false);
    expect(timeline.view().stale).toBe(true);
    timeline.append("msg_11");
    timeline.put({ messages: all.slice(0, 7), atStart: true, atEnd: false }, false);
    expect(timeline.view()).toMatchObject({ stale: false, atStart: true, atEnd: true });
    expect(timeline.ids).toEqual(all.map((each) => each.id));
    // In doubt once more: what was checked counts no longer.
    timeline.spoil();
    one.messages.set("msg_12", message(12));
    timeline.append("msg_12");
    expect(timeline.ids).toHaveLength(12);
  });

  test("what a page does not show any more is gone", () => {
    const held = { ids: ["a", "b", "c", "d"], atStart: true, atEnd: true, stale: true };
    const page = { ids: ["a", "c", "d"], atStart: true, atEnd: true, stale: false };
    expect(join(page, held)).toEqual({ ids: ["a", "c", "d"], atStart: true, atEnd: true, stale: false });
  });
});

test("a reaction of one's own is counted once when its event comes after it, and taken back once", () => {
  const one = store();
  const others = Array.from({ length: 20 }, (_, n) => `usr_${n + 10}`);
  one.messages.set("msg_1", message(1, { reactions: [{ emoji: "\u{1F44D}", count: 25, users: others, me: false }] }));
  const reactions = () => one.messages.get("msg_1")?.reactions?.map(({ emoji, count, me }) => [emoji, count, me]);
  reactedBy(one, "msg_1", "\u{1F44D}\uFE0F", true);
  expect(reactions()).toEqual([["\u{1F44D}", 26, true]]);
  apply(one, event("reaction.added", 2, { message_id: "msg_1", user_id: "usr_1", emoji: "\u{1F44D}" }));
  expect(reactions()).toEqual([["\u{1F44D}", 26, true]]);
  reactedBy(one, "msg_1", "\u{1F44D}", true);
  expect(reactions()).toEqual([["\u{1F44D}", 26, true]]);
  for (const _ of [1, 2]) reactedBy(one, "msg_1", "\u{1F44D}", false);
  expect(reactions()).toEqual([["\u{1F44D}", 25, false]]);
  // The answer came first: the event has the name that the server keeps.
  reactedBy(one, "msg_1", "\u{1F389}\uFE0F", true);
  apply(one, event("reaction.added", 3, { message_id: "msg_1", user_id: "usr_1", emoji: "\u{1F389}" }));
  expect(reactions()).toEqual([["\u{1F44D}", 25, false], ["\u{1F389}", 1, true]]);
  reactedBy(one, "msg_1", "\u{1F389}", false);
  reactedBy(one, "msg_1", "\u{1F440}", true);
  reactedBy(one, "msg_1", "\u{1F440}", false);
  expect(reactions()).toEqual([["\u{1F44D}", 25, false]]);
  reactedBy(one, "msg_2", "\u{1F440}", true);
  expect(one.messages.has("msg_2")).toBe(false);
});

describe("events", () => {
  test("once is the same as twice, in any random history", () => {
    for (let seed = 1; seed <= 100; seed++) {
      const next = random(seed);
      const once = store();
      const twice = store();
      let posted = 0;
      for (let position = 1; position < 60; position++) {
        const what = next();
        const of = Math.ceil(next() * posted);
        const frame =
          what < 0.5 || posted === 0 ? event("message.posted", position, message(++posted, { position: `e:${position}`, mentions: next() < 0.3 ? ["usr_1"] : [] }))
          : what < 0.7 ? event("message.edited", position, message(of, { body: `edited ${position}`, reactions: null, pinned: null, reply_count: null }))
          : what < 0.8 ? event("message.deleted", position, message(of, { body: "", deleted_at: "2026-11-24T15:00:00.000Z" }))
          : what < 0.9 ? event("reaction.added", position, { message_id: `msg_${of}`, user_id: "usr_2", emoji: "👍" })
          : event("message.pinned", position, { message_id: `msg_${of}`, user_id: "usr_2" });
        apply(once, frame);
        apply(twice, frame);
        apply(twice, frame);
      }
      expect(twice.messages).toEqual(once.messages);
      expect(twice.rooms).toEqual(once.rooms);
      expect(twice.get("timeline:room_1").rows.map((row) => row.key)).toEqual(once.get("timeline:room_1").rows.map((row) => row.key));
    }
  });

  test("null keeps what is held, and a deleted message stays deleted", () => {
    const held = message(1, { number: 7, pinned: true, reply_count: 3 });
    expect(merged(held, message(1, { body: "new", pinned: null, reply_count: null }))).toMatchObject({ number: 7, pinned: true, reply_count: 3, body: "new" });
    const one = store();
    apply(one, event("message.posted", 1, message(1)));
    apply(one, event("message.deleted", 2, message(1, { body: "", deleted_at: "2026-11-24T15:00:00.000Z" })));
    apply(one, event("message.edited", 3, message(1, { body: "late" })));
    expect(one.get("message:msg_1")?.body).toBe("");
  });

  test("a user is what the last event says: a picture that was taken away is gone", () => {
    const one = store();
    const user = { id: "usr_1", username: "ana", display_name: "Ana", role: "user", created_at: "" };
    apply(one, event("user.changed", 1, { ...user, avatar_url: "/media/media_1/avatar", bio: "hi" }, null));
    expect(one.get("user:usr_1")?.avatar_url).toBe("/media/media_1/avatar");
    apply(one, event("user.changed", 2, user, null));
    expect(one.get("user:usr_1")?.avatar_url).toBeUndefined();
    expect(one.get("me")).toMatchObject({ username: "ana", avatar_url: null, bio: null });
  });

  test("unknown events change nothing, and subscribers hear once of many changes", async () => {
    const one = store();
    let heard = 0;
    one.subscribe("timeline:room_1", () => heard++);
    await Promise.resolve();
    heard = 0;
    expect(apply(one, event("weather.changed", 1, { rain: true }))).toEqual({});
    for (let i = 1; i <= 50; i++) apply(one, event("message.posted", i, message(i, { position: `e:${i}` })));
    await Promise.resolve();
    expect(heard).toBe(1);
    expect(one.get("room:room_1")?.membership?.unread_count).toBe(50);
  });
});

describe("messages on their way", () => {
  /** An outbox whose network and server do as they are told. */
  function outbox(storage = memoryStorage()): { box: Outbox; one: Store; sent: OutboxEntry[]; told: { online: boolean; refuses: boolean }; again: () => void } {
    const one = store();
    const told = { online: true, refuses: false };
    const sent: OutboxEntry[] = [];
    const waiting = new Set<() => void>();
    const given = platform({ storage, exclusively: (_name, _patience, work) => work(), later: (_, work) => {
      waiting.add(work);
      return () => void waiting.delete(work);
    } });
    const box = new Outbox(given, one, new Uploads(given, one, {} as Depot), async (entry) => {
      sent.push(entry);
      if (told.refuses) throw new ProblemError({ type: "about:blank", title: "", status: 403, detail: "you are muted", code: "forbidden", retryable: false, trace_id: "" } as Problem);
      return {} as Message;
    }, () => told.online);
    return { box, one, sent, told, again: () => {
      const now = [...waiting];
      waiting.clear();
      for (const work of now) work();
    } };
  }
  const until = async (so: () => boolean) => {
    for (let turns = 0; turns < 1_000 && !so(); turns++) await new Promise((resolve) => setImmediate(resolve));
    expect(so()).toBe(true);
  };

  test("without a network nothing is tried, and a text that waits can be changed", async () => {
    const { box, one, sent, told, again } = outbox();
    told.online = false;
    const first = await box.submit({ room_id: "room_1", body: "sicks" });
    await box.submit({ room_id: "room_1", body: "seven" });
    expect(await box.edit(first.client_id, "six")).toBe(true);
    expect(one.outbox.map((entry) => [entry.body, entry.state])).toEqual([["six", "waiting"], ["seven", "waiting"]]);
    expect(sent).toEqual([]);
    told.online = true;
    again();
    await until(() => sent.length === 2);
    expect(sent.map((entry) => [entry.client_id === first.client_id, entry.body])).toEqual([[true, "six"], [false, "seven"]]);
    // The server has it: only an edit of the message changes it now.
    expect(await box.edit(first.client_id, "late")).toBe(false);
  });

  test("what a page finds after more than a day waits until the user says so", async () => {
    const storage = memoryStorage();
    const entry: OutboxEntry = { client_id: "c1", user_id: "usr_1", room_id: "room_1", body: "lunch?", format: "plain", submitted_at: Date.now() - 25 * 3_600_000, state: "unknown" };
    await storage.put(entry);
    await storage.put({ ...entry, client_id: "c2", body: "just now", submitted_at: Date.now() });
    const { box, one, sent } = outbox(storage);
    await box.load();
    box.flush();
    await until(() => sent.length === 1);
    expect(sent[0]?.body).toBe("just now");
    await box.load();
    expect(one.outbox.find((each) => each.client_id === "c1")?.state).toBe("old");
    await box.retry("c1");
    await until(() => sent.length === 2);
    expect(sent[1]?.body).toBe("lunch?");
  });

  test("one that was refused says why, and goes out as it is changed", async () => {
    const { box, one, sent, told } = outbox();
    told.refuses = true;
    const entry = await box.submit({ room_id: "room_1", body: "six" });
    await until(() => one.outbox[0]?.state === "failed");
    expect(one.outbox[0]?.problem?.detail).toBe("you are muted");
    told.refuses = false;
    expect(await box.edit(entry.client_id, "sorry")).toBe(true);
    await until(() => sent.length === 2);
    expect(sent[1]).toMatchObject({ client_id: entry.client_id, body: "sorry" });
    expect(sent[1]?.problem).toBeUndefined();
  });
});
