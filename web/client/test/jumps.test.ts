/** Places of a history that are asked for one after another, and answered as they come. */
import { expect, test } from "vitest";
import { connect, type Message, type SessionTokens } from "../src/index.ts";

const ROOM = "room_1";
const settle = () => new Promise((resolve) => setTimeout(resolve, 0));

function message(number: number): Message {
  return { id: `msg_${number}`, room_id: ROOM, sender: { id: "usr_2", username: "bo", display_name: "Bo" }, body: `m${number}`, format: "plain", attachments: [], mentions: [], reply_count: 0, reactions: [], created_at: "2026-11-24T14:00:00.000Z", position: `e:${number}` } as unknown as Message;
}

/** Messages around one, or before or behind it. */
const page = (from: number, to: number, more = true) => Response.json({ items: Array.from({ length: to - from }, (_, n) => message(from + n)), next_cursor: more ? "more" : null });

/** A client of a server that answers when the test says so. */
function world() {
  const asked: { query: string; answer: (response: Response) => Promise<void> }[] = [];
  const client = connect({
    url: "http://x",
    platform: {
      later: () => () => undefined,
      fetch: (request) => {
        const url = new URL(request.url);
        if (!url.pathname.endsWith("/messages")) return Promise.reject(new Error("there is no such server"));
        return new Promise((resolve) => asked.push({ query: [...url.searchParams].filter(([name]) => ["around", "before", "after"].includes(name)).flat().join(), answer: async (response) => {
          resolve(response);
          await settle();
          await settle();
        } }));
      },
    },
  });
  client.sessions.adopt({ access_token: "t", expires_in: 3_600, session_id: "ses_1", refresh_token: "r", token_type: "Bearer", user: { id: "usr_1", username: "ana" } } as unknown as SessionTokens);
  const shown = () => client.store.get(`timeline:${ROOM}`).rows.map((row) => Number(row.message?.id.slice(4)));
  return { client, asked, shown };
}

test("the place that was asked for last is shown at once, however late the first one is answered", async () => {
  const { client, asked, shown } = world();
  const first = client.open(ROOM, "msg_20");
  const second = client.open(ROOM, "msg_120");
  await settle();
  expect(asked.map((one) => one.query)).toEqual(["around,msg_20", "around,msg_120"]);
  await asked[1]?.answer(page(95, 145));
  await second;
  expect([shown()[0], shown().at(-1)]).toEqual([95, 144]);
  await asked[0]?.answer(page(1, 51));
  await first;
  expect([shown()[0], shown().at(-1)]).toEqual([95, 144]);
  // What came late is held all the same: going there asks for nothing.
  await client.open(ROOM, "msg_20");
  expect(asked.length).toBe(2);
  expect([shown()[0], shown().at(-1)]).toEqual([1, 50]);
});

test("a page of the place before neither shows it again nor ends the one on show", async () => {
  const { client, asked, shown } = world();
  const opened = client.open(ROOM, "msg_60");
  await settle();
  await asked[0]?.answer(page(35, 85));
  await opened;
  const [older, newer] = [client.older(ROOM), client.newer(ROOM)];
  await settle();
  const jumped = client.open(ROOM, "msg_220");
  await settle();
  expect(asked.map((one) => one.query)).toEqual(["around,msg_60", "before,msg_35", "around,msg_220"]);
  await asked[2]?.answer(page(195, 245));
  await jumped;
  await asked[1]?.answer(page(0, 0, false));
  await older;
  expect([shown()[0], shown().at(-1)]).toEqual([195, 244]);
  expect(client.store.get(`timeline:${ROOM}`).atStart).toBe(false);
  // What was still to be asked of the place before is asked of the one on show.
  expect(asked.at(-1)?.query).toBe("after,msg_244");
  await asked.at(-1)?.answer(page(245, 250, false));
  await newer;
  expect([shown()[0], shown().at(-1)]).toEqual([195, 249]);
});

test("of one place there is one question at a time, and one that fails does not keep the next from being answered", async () => {
  const { client, asked, shown } = world();
  const tries = [client.open(ROOM), client.open(ROOM)];
  await settle();
  expect(asked.length).toBe(1);
  const refused = expect(tries[0]).rejects.toThrow();
  await asked[0]?.answer(Response.json({ code: "unavailable", retryable: true, status: 503, detail: "", title: "", type: "", trace_id: "" }, { status: 503 }));
  await refused;
  expect(asked.length).toBe(2);
  await asked[1]?.answer(page(1, 11, false));
  await tries[1];
  expect([shown()[0], shown().at(-1)]).toEqual([1, 10]);
});

test("what is read ahead leaves the place alone that was asked for", async () => {
  const { client, asked, shown } = world();
  const opened = client.open(ROOM, "msg_60");
  await settle();
  const ahead = client.prefetch(ROOM);
  await settle();
  expect(asked.map((one) => one.query)).toEqual(["around,msg_60"]);
  await asked[0]?.answer(page(35, 85));
  await Promise.all([opened, ahead]);
  await client.prefetch(ROOM);
  expect([shown()[0], shown().at(-1), asked.length]).toEqual([35, 84, 1]);
  // The other way round the place that is asked for comes before what was read ahead.
  const other = world();
  const first = other.client.prefetch(ROOM);
  const second = other.client.open(ROOM, "msg_60");
  await settle();
  expect(other.asked.map((one) => one.query)).toEqual(["", "around,msg_60"]);
  await other.asked[1]?.answer(page(35, 85));
  await second;
  await other.asked[0]?.answer(page(200, 250, false));
  await first;
  expect([other.shown()[0], other.shown().at(-1)]).toEqual([35, 84]);
});
