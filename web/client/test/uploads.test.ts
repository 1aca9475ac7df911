import { describe, expect, test } from "vitest";
import { Outbox } from "../src/outbox.ts";
import { memoryStorage, platform, type Platform, type Put, type Storage } from "../src/platform.ts";
import { ProblemError } from "../src/problem.ts";
import { Store } from "../src/store.ts";
import type { Account, Media, Message, OutboxPost, Problem } from "../src/types.ts";
import { named, typed, Uploads, type Depot } from "../src/uploads.ts";

function refusal(status: number, more: Partial<Problem> = {}): ProblemError {
  return new ProblemError({ type: "about:blank", title: "", status, detail: `refused ${status}`, code: "conflict", retryable: status >= 500, trace_id: "", ...more } as Problem);
}

const media = (id: string, more: Partial<Media> = {}): Media => ({ id, filename: "a.png", content_type: "image/png", size: 3, sha256: "", url: "/media/x", ...more });
const picture = () => new Blob(["abc"], { type: "image/png" });

interface Told {
  asked: { key: string; type: string }[];
  sent: string[];
  completed: string[];
  removed: string[];
}

/** A server that does as it is told, one answer for each question; without one all goes well. */
function world(answers: { ask?: unknown[]; put?: (Response | Error | "hang")[]; complete?: unknown[] } = {}, storage: Storage = memoryStorage(), files = new Map<string, string>()) {
  const told: Told = { asked: [], sent: [], completed: [], removed: [] };
  const next = async <T>(list: unknown[] | undefined, good: T): Promise<T> => {
    const one = list?.shift();
    if (one instanceof Error) throw one;
    if (one instanceof Promise) await one;
    return good;
  };
  const depot: Depot = {
    ask: async ({ content_type }, key) => {
      told.asked.push({ key, type: content_type });
      // The same key is the same file.
      const id = files.get(key) ?? `media_${files.size + 1}`;
      files.set(key, id);
      return next(answers.ask, { media_id: id, upload: { method: "PUT", url: `http://x/${id}`, headers: { "Content-Type": content_type } } });
    },
    complete: async (id) => {
      told.completed.push(id);
      return next(answers.complete, media(id));
    },
    remove: async (id) => void told.removed.push(id),
  };
  const put = async ({ url, body, progress, cut }: Put): Promise<Response> => {
    progress(1);
    const one = answers.put?.shift();
    if (one instanceof Error) throw one;
    if (one === "hang") await new Promise((_, reject) => cut.addEventListener("abort", () => reject(new Error("cut"))));
    progress(body.size);
    told.sent.push(url);
    return one instanceof Response ? one : new Response(null, { status: 204 });
  };
  const given: Partial<Platform> = {
    put, storage,
    // Each world is a browser of its own.
    exclusively: (_name, _patience, work) => work(),
    // Waits are over at once.
    later: (_, work) => {
      const timer = setTimeout(work, 0);
      return () => clearTimeout(timer);
    },
  };
  const surroundings = platform(given);
  const store = new Store((work) => queueMicrotask(work));
  store.me = { id: "usr_1", username: "ana" } as Account;
  const uploads = new Uploads(surroundings, store, depot);
  return { told, store, uploads, surroundings };
}

async function until(true_: () => boolean): Promise<void> {
  const end = Date.now() + 5_000;
  while (!true_()) {
    if (Date.now() > end) throw new Error(`not in time: ${true_}`);
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

describe("uploads", () => {
  test("a file is asked for, sent with progress, and checked", async () => {
    const { told, store, uploads } = world();
    const seen: string[] = [];
    const id = uploads.begin(picture(), "a.png");
    store.subscribe(`upload:${id}`, () => seen.push(`${store.get(`upload:${id}`)?.state} ${store.get(`upload:${id}`)?.sent}`));
    await until(() => store.get(`upload:${id}`)?.state === "done");
    await Promise.resolve();
    expect(told).toMatchObject({ asked: [{ key: id, type: "image/png" }], sent: ["http://x/media_1"], completed: ["media_1"] });
    expect(store.get(`upload:${id}`)?.file).toMatchObject({ media: { id: "media_1" }, size: 3 });
    expect(store.get(`upload:${id}`)?.file.data).toBeUndefined();
    expect(seen.at(-1)).toBe("done 3");
  });

  test("what fails for a while is tried again as the same upload", async () => {
    const { told, store, uploads } = world({ ask: [refusal(503)], put: [new Error("cut"), new Response("{}", { status: 502 })], complete: [refusal(503)] });
    const id = uploads.begin(picture(), "a.png");
    await until(() => store.get(`upload:${id}`)?.state === "done");
    expect(new Set(told.asked.map((one) => one.key))).toEqual(new Set([id]));
    // The bytes were there after the third attempt: they are not sent again because the check did not answer.
    expect(told.sent).toHaveLength(2);
    expect(told.completed).toEqual(["media_1", "media_1"]);
  });

  test("a refusal says why and can be tried again", async () => {
    const { store, uploads } = world({ ask: [refusal(413, { detail: "a file may have at most 5 bytes" })] });
    const id = uploads.begin(picture(), "a.png");
    await until(() => store.get(`upload:${id}`)?.state === "failed");
    expect(store.get(`upload:${id}`)?.problem?.detail).toBe("a file may have at most 5 bytes");
    uploads.retry(id);
    await until(() => store.get(`upload:${id}`)?.state === "done");
  });

  test("a file that is not what its name says goes as a file like any other", async () => {
    const { told, store, uploads } = world({ complete: [refusal(400, { errors: [{ pointer: "/content_type", code: "mismatch", detail: "" }] })] });
    const id = uploads.begin(picture(), "a.png");
    await until(() => store.get(`upload:${id}`)?.state === "done");
    expect(told.asked).toEqual([{ key: id, type: "image/png" }, { key: `${id}-1`, type: "application/octet-stream" }]);
    expect(told.sent).toHaveLength(2);
  });

  test("a URL that has run out is asked for anew, and one that was used is completed", async () => {
    const first = world({ put: [new Response("{}", { status: 403 })] });
    const id = first.uploads.begin(picture(), "a.png");
    await until(() => first.store.get(`upload:${id}`)?.state === "done");
    expect(first.told.asked.map((one) => one.key)).toEqual([id, `${id}-1`]);
    const conflict = { code: "conflict", retryable: false, status: 409, detail: "completed" };
    const second = world({ put: [Response.json(conflict, { status: 409 })] });
    const other = second.uploads.begin(picture(), "a.png");
    await until(() => second.store.get(`upload:${other}`)?.state === "done");
    expect(second.told.completed).toEqual(["media_1"]);
  });

  test("what is given up is cut, and what was stored is removed", async () => {
    const { told, store, uploads } = world({ put: ["hang"] });
    const id = uploads.begin(picture(), "a.png");
    await until(() => store.get(`upload:${id}`)?.sent === 1);
    uploads.cancel(id);
    expect(store.get(`upload:${id}`)).toBeUndefined();
    const other = uploads.begin(picture(), "b.png");
    await until(() => store.get(`upload:${other}`)?.state === "done");
    uploads.cancel(other);
    expect(told.removed).toEqual(["media_2"]);
    expect(told.completed).toEqual(["media_2"]);
  });

  test("three at a time, and all of them in the end", async () => {
    const { told, store, uploads } = world();
    const ids = Array.from({ length: 10 }, (_, i) => uploads.begin(picture(), `${i}.png`));
    await until(() => ids.every((id) => store.get(`upload:${id}`)?.state === "done"));
    expect(told.sent).toHaveLength(10);
  });

  test("names and types are what the server takes", () => {
    expect(["/tmp/a.png", "C:\\x\\b.txt", "a\u202Egpj.exe", "..", "", "c\nd"].map(named)).toEqual(["a.png", "b.txt", "agpj.exe", "file", "file", "cd"]);
    // As messengers and word processors write them.
    expect(["\u200EPHOTO.jpg", "\u2068דוח\u2069.pdf", "so\u00ADft\uFEFF.txt", "\uE000\u0301x.txt", "a\uD83D.txt"].map(named)).toEqual(["PHOTO.jpg", "דוח.pdf", "soft.txt", "x.txt", "a.txt"]);
    const long = named(`${"ü".repeat(300)}.tar`);
    expect([Array.from(long).length, long.endsWith(".tar")]).toEqual([255, true]);
    expect(["image/PNG", "text/plain;charset=utf-8", "", "nonsense", "a/b c"].map(typed)).toEqual(["image/png", "text/plain", "application/octet-stream", "application/octet-stream", "application/octet-stream"]);
  });
});

describe("messages with files", () => {
  function outbox(of: ReturnType<typeof world>) {
    const delivered: OutboxPost[] = [];
    const box = new Outbox(of.surroundings, of.store, of.uploads, async (entry) => {
      delivered.push(entry as OutboxPost);
      return {} as Message;
    });
    return { box, delivered };
  }

  test("a message waits for its files, those after it wait for it, and each is sent once", async () => {
    const here = world({ put: [new Error("cut"), new Error("cut")] });
    const { box, delivered } = outbox(here);
    const id = here.uploads.begin(picture(), "a.png");
    const file = here.store.get(`upload:${id}`)?.file;
    await box.submit({ room_id: "room_1", body: "look", files: file ? [file] : [] });
    await box.submit({ room_id: "room_1", body: "after it" });
    await until(() => delivered.length === 2);
    box.flush();
    expect(delivered.map((entry) => [entry.body, entry.files?.map((one) => one.media?.id)])).toEqual([["look", ["media_1"]], ["after it", undefined]]);
    expect(here.told.asked.every((one) => one.key === id)).toBe(true);
    await until(() => here.store.outbox.every((entry) => entry.state === "sent"));
    await box.delivered(here.store.outbox[0]?.client_id ?? "", "msg_1");
    expect(here.store.get(`upload:${id}`)).toBeUndefined();
  });

  test("a file that is refused parks its message with the reason, and the next ones go on", async () => {
    const here = world({ ask: [refusal(413, { detail: "too large" })] });
    const { box, delivered } = outbox(here);
    const id = here.uploads.begin(picture(), "a.png");
    const file = here.store.get(`upload:${id}`)?.file;
    const entry = await box.submit({ room_id: "room_1", body: "", files: file ? [file] : [] });
    await box.submit({ room_id: "room_1", body: "after it" });
    await until(() => delivered.length === 1);
    expect(here.store.outbox.find((one) => one.client_id === entry.client_id)).toMatchObject({ state: "failed", problem: { detail: "too large" } });
    await box.retry(entry.client_id);
    await until(() => delivered.length === 2);
    expect(delivered[1]?.files?.[0]?.media?.id).toBe("media_1");
  });

  test("a page that comes after goes on with what the one before had sent", async () => {
    const storage = memoryStorage();
    const files = new Map<string, string>();
    // It sent all, and was closed before the server had answered.
    const before = world({ complete: [new Promise(() => undefined)] }, storage, files);
    const first = outbox(before);
    const id = before.uploads.begin(picture(), "a.png");
    const file = before.store.get(`upload:${id}`)?.file;
    await first.box.submit({ room_id: "room_1", body: "look", files: file ? [file] : [] });
    await until(() => before.told.sent.length === 1);
    first.box.close();
    before.uploads.close();
    const after = world({}, storage, files);
    const second = outbox(after);
    await second.box.load();
    second.box.flush();
    await until(() => second.delivered.length === 1);
    expect(second.delivered[0]).toMatchObject({ body: "look", files: [{ media: { id: "media_1" } }] });
    expect(after.told.sent).toEqual([]);
    expect(after.told.asked.map((one) => one.key)).toEqual([id]);
  });
});
