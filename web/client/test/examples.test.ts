/** The examples of docs/WEB.md, run as they stand there. */
import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import WebSocket from "ws";
import * as library from "../src/index.ts";
import { client, here, live, Server, until } from "./server.ts";

const page = readFileSync(new URL("../../../docs/WEB.md", import.meta.url), "utf8");
const examples = [...page.matchAll(/```ts\n([\s\S]*?)```/g)].map((found) => found[1] ?? "");

/** Runs the code of an example with some names in scope. */
async function run(code: string, scope: Record<string, unknown>): Promise<void> {
  const body = code.replace(/^import .*$/gm, "").replaceAll("http://127.0.0.1:8080", String(scope["url"]));
  const Async = Object.getPrototypeOf(async () => undefined).constructor as new (...parts: string[]) => (...values: unknown[]) => Promise<void>;
  await new Async(...Object.keys(scope), body)(...Object.values(scope));
}

describe.skipIf(!here)("the examples of docs/WEB.md", () => {
  let server: Server;
  let ada: library.Client;
  let room: string;
  let messageId: string;
  const made: library.Client[] = [];
  /** The library's `connect`, whose clients are closed when the tests end. */
  const connect = (options: library.Options) => {
    const one = library.connect({ ...options, platform: { socket: (address) => new WebSocket(address) as unknown as library.Socket, ...options.platform } });
    made.push(one);
    return one;
  };

  beforeAll(async () => {
    server = await Server.start();
    ada = client(server.url);
    made.push(ada);
    await ada.register({ username: "ada", email: "ada@example.org", password: "correct horse" });
    await live(ada);
    room = ada.store.get("rooms")[0]?.id ?? "";
    await ada.open(room);
    await ada.send(room, "first");
    await until(() => ada.store.outbox.length === 0, "it is sent");
    messageId = ada.store.get(`timeline:${room}`).rows[0]?.message?.id ?? "";
  });

  afterAll(async () => {
    for (const one of made) one.close();
    await server?.stop();
  });

  test("all of them", async () => {
    expect(examples).toHaveLength(5);
    const scope = { ...library, connect, WebSocket, client: ada, room, messageId, url: server.url, console: { log: () => undefined } };
    for (const code of examples) {
      // An example that makes a client of its own has none in scope.
      const { client: _, ...without } = scope;
      await run(code, /const client =/.test(code) ? without : scope);
    }
    await until(() => ada.store.messages.get(messageId)?.body === "" , "the example deleted it");
    await until(() => ada.store.get("rooms").some((one) => one.name === "harbour"), "the example made it");
    await until(() => ada.store.get(`timeline:${room}`).rows.some((row) => row.message?.body === "Hello"), "the example said it");
  });
});
