import { describe, expect, test } from "vitest";
import { platform, type Platform } from "../src/platform.ts";
import { Sessions } from "../src/session.ts";

describe("sessions", () => {
  const tokens = (access: string) => ({ session_id: "ses_1", access_token: access, token_type: "Bearer", expires_in: 900, refresh_token: null, user: { id: "usr_1" } });

  /** `late`: milliseconds until one tab hears what another one says. */
  function tabs(answers: () => Response, late?: number): { make: () => Sessions; asked: () => number } {
    let asked = 0;
    const heard = new Set<(message: unknown) => void>();
    const given: Partial<Platform> = {
      fetch: async () => {
        asked++;
        await new Promise((resolve) => setTimeout(resolve, 5));
        return answers();
      },
      channel: () => {
        let own: ((message: unknown) => void) | undefined;
        return {
          post: (message) => {
            const tell = () => heard.forEach((one) => one !== own && one(message));
            if (late === undefined) tell();
            else setTimeout(tell, late);
          },
          listen: (one) => void heard.add((own = one)),
          close: () => void (own && heard.delete(own)),
        };
      },
    };
    return { make: () => new Sessions("http://x", platform(given), true), asked: () => asked };
  }

  test("many requests of many tabs lead to one refresh", async () => {
    let generation = 0;
    const { make, asked } = tabs(() => Response.json(tokens(`t${++generation}`)));
    const all = [make(), make(), make()];
    for (const tab of all) await tab.restore();
    const before = asked();
    const got = await Promise.all(all.flatMap((tab) => [tab.token(true), tab.token(true)]));
    expect(asked() - before).toBe(1);
    expect(new Set(got).size).toBe(1);
  });

  test("a tab that may refresh before it has heard of another one's tokens waits for them", async () => {
    let generation = 0;
    const { make, asked } = tabs(() => Response.json(tokens(`t${++generation}`)), 30);
    const all = [make(), make(), make()];
    for (const tab of all) await tab.restore();
    await new Promise((resolve) => setTimeout(resolve, 40));
    const before = asked();
    const got = await Promise.all(all.map((tab) => tab.token(true)));
    expect(asked() - before).toBe(1);
    expect(new Set(got).size).toBe(1);
  });

  test("a tab that another one leaves without an answer asks itself", async () => {
    let turn = 0;
    const { make } = tabs(() => (++turn === 3 ? new Response("", { status: 502 }) : Response.json(tokens(`t${turn}`))), 5);
    const [first, second] = [make(), make()];
    await first.restore();
    await second.restore();
    await new Promise((resolve) => setTimeout(resolve, 15));
    const [refused, got] = await Promise.allSettled([first.token(true), second.token(true)]);
    expect(refused.status).toBe("rejected");
    expect(got).toMatchObject({ status: "fulfilled", value: "t4" });
  });

  test("a refusal ends the session, and a server that is away does not", async () => {
    let mode = "good";
    const { make } = tabs(() => mode === "good" ? Response.json(tokens("t")) : mode === "away" ? new Response("", { status: 502 }) : Response.json({ code: "unauthenticated", retryable: false, status: 401 }, { status: 401 }));
    const tab = make();
    const states: string[] = [];
    tab.onChange = (state) => states.push(state);
    await tab.restore();
    mode = "away";
    await expect(tab.token(true)).rejects.toMatchObject({ retryable: true });
    expect(states).toEqual(["began"]);
    mode = "bad";
    await expect(tab.token(true)).rejects.toMatchObject({ status: 401 });
    expect(states).toEqual(["began", "ended"]);
  });

  test("a session that the user has ended is forgotten in all tabs, whichever heard of its end first", async () => {
    let good = true;
    const { make, asked } = tabs(() => (good ? Response.json(tokens("t")) : Response.json({ code: "unauthenticated", retryable: false, status: 401 }, { status: 401 })));
    const all = [make(), make()];
    const states: string[][] = all.map(() => []);
    all.forEach((tab, i) => (tab.onChange = (state) => states[i]?.push(state)));
    for (const tab of all) await tab.restore();
    good = false;
    await expect(all[1]?.token(true)).rejects.toMatchObject({ status: 401 });
    const before = asked();
    all[0]?.forget();
    expect(states).toEqual([["began", "left"], ["began", "ended", "left"]]);
    expect(all.map((tab) => tab.user)).toEqual([undefined, undefined]);
    expect(asked()).toBe(before);
  });

  test("a session that is left without the server ends here at once, and there later; tokens that were on their way are not taken", async () => {
    const asked: string[] = [];
    let [away, access] = [false, "t1"];
    const held: (() => void)[] = [];
    const fetch = async (request: Request) => {
      asked.push(`${request.method} ${new URL(request.url).pathname}`);
      if (away) throw new TypeError("no network");
      if (access === "late") await new Promise<void>((resolve) => held.push(resolve));
      return request.method === "DELETE" ? new Response(null, { status: 204 }) : Response.json(tokens(access));
    };
    const make = (more: Partial<Platform> = {}) => new Sessions("http://x", platform({ fetch, later: () => () => undefined, ...more }), true);
    const tab = make();
    const states: string[] = [];
    tab.onChange = (state) => states.push(state);
    await tab.restore();
    away = true;
    expect(await tab.leave()).toBe("ses_1");
    expect([states, tab.user]).toEqual([["began", "left"], undefined]);
    await expect(tab.settle("ses_1")).rejects.toMatchObject({ retryable: true });
    away = false;
    asked.length = 0;
    // Of a session that has begun since nothing is ended.
    await tab.settle("ses_0");
    expect(asked).toEqual(["POST /v1/sessions/refresh"]);
    asked.length = 0;
    await tab.settle("ses_1");
    expect(asked).toEqual(["POST /v1/sessions/refresh", "DELETE /v1/sessions/current"]);
    expect([states, tab.user]).toEqual([["began", "left"], undefined]);
    // A server that does not answer is waited for so long and no longer.
    const other = make({ later: (_, work) => {
      const timer = setTimeout(work, 20);
      return () => clearTimeout(timer);
    } });
    await other.restore();
    access = "late";
    const refreshing = other.token(true).catch((error: { status: number }) => error.status);
    expect(await other.leave()).toBe("ses_1");
    held.forEach((release) => release());
    expect(await refreshing).toBe(401);
    expect(other.user).toBeUndefined();
  });
});
