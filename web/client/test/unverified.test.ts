/** Where those whose address is not verified may only read. */
import { expect, test } from "vitest";
import { platform } from "../src/platform.ts";
import { Presence } from "../src/presence.ts";
import { ProblemError } from "../src/problem.ts";
import type { Server } from "../src/server.ts";
import { Store } from "../src/store.ts";
import type { Account, Problem } from "../src/types.ts";

const refusal = (code: string) => new ProblemError({ type: "about:blank", title: code, status: 403, detail: "", code, retryable: false, trace_id: "" } as Problem);
const settle = () => new Promise((resolve) => setImmediate(resolve));

function typist(email_verified: boolean, answer: () => Promise<unknown>, live = true) {
  const store = new Store((work) => queueMicrotask(work));
  store.me = { id: "usr_1", email_verified } as Account;
  const frames: string[] = [];
  const say = (how: string) => (frame: Record<string, unknown>) => {
    frames.push(`${how} ${frame["type"]}`);
    return answer();
  };
  const server = { live, ask: say("ask"), tell: say("tell") } as unknown as Server;
  return { store, frames, presence: new Presence(platform({}), store, server) };
}

test("the first key asks whether one may write, and what the server refuses is known until the address is verified", async () => {
  const { store, frames, presence } = typist(false, () => Promise.reject(refusal("not_verified")));
  let told = 0;
  store.subscribe("unverified", () => told++);
  expect(store.get("unverified")).toBe(false);
  presence.typing("room_1");
  await settle();
  expect(frames).toEqual(["ask typing"]);
  expect([store.get("unverified"), told]).toEqual([true, 1]);
  store.me = { id: "usr_1", email_verified: true } as Account;
  store.touch("me");
  await settle();
  expect([store.get("unverified"), told]).toEqual([false, 2]);
});

test("another refusal, a connection that is lost and another person say nothing of it", async () => {
  for (const failure of [refusal("forbidden"), ProblemError.unreachable("the connection was lost")]) {
    const { store, presence } = typist(false, () => Promise.reject(failure));
    presence.typing("room_1");
    await settle();
    expect(store.get("unverified")).toBe(false);
  }
  const { store, presence } = typist(false, () => Promise.reject(refusal("not_verified")));
  presence.typing("room_1");
  await settle();
  store.clear();
  store.me = { id: "usr_2", email_verified: false } as Account;
  expect(store.get("unverified")).toBe(false);
});

test("one who is verified wants no answer, and without a connection nothing waits for one", () => {
  const verified = typist(true, () => Promise.resolve(null));
  verified.presence.typing("room_1");
  const offline = typist(false, () => Promise.resolve(null), false);
  offline.presence.typing("room_1");
  expect([verified.frames, offline.frames]).toEqual([["tell typing"], ["tell typing"]]);
});
