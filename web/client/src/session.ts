/** Logins: one access token in memory, shared by the tabs of a browser, and refreshed by one of them at a time. */
import { ProblemError } from "./problem.ts";
import type { Channel, Platform } from "./platform.ts";
import type { Account, SessionTokens } from "./types.ts";

const LOCK = "tidings-refresh";
/** Milliseconds another tab is given to refresh. */
const PATIENCE = 15_000;
/** Milliseconds for the tokens of a tab that has just refreshed to be heard of. A lock may be had before they are. */
const NEWS = 1_000;
/** Milliseconds for the server to hear that the user has signed out. */
const LEAVING = 5_000;
/** The part of a token's life after which it is refreshed. */
const OLD = 0.8;

interface Held {
  access: string;
  /** Milliseconds since 1970. */
  obtained: number;
  expires: number;
  session: string;
  /** None in the cookie way. */
  refresh: string | null;
}

/** What tabs tell one another. */
type Told = { kind: "tokens"; held: Held; user: Account } | { kind: "ended" } | { kind: "wanted" };

export class Sessions {
  user: Account | undefined;
  /** Called when the session begins, and when it has ended. */
  onChange: (state: "began" | "ended" | "left") => void = () => undefined;
  #held: Held | undefined;
  #refreshing: Promise<string> | undefined;
  /** How often a session was left: tokens that were asked for before are not taken after that. */
  #turn = 0;
  /** The session that was left without the server. */
  #owed: Held | undefined;
  /** Waits for tokens of another tab. */
  #expecting: () => void = () => undefined;
  readonly #base: string;
  readonly #platform: Platform;
  readonly #byCookie: boolean;
  readonly #channel: Channel;

  constructor(base: string, platform: Platform, byCookie: boolean) {
    this.#base = base;
    this.#platform = platform;
    this.#byCookie = byCookie;
    this.#channel = platform.channel("tidings-session");
    this.#channel.listen((told) => this.#heard(told as Told));
  }

  get id(): string | undefined {
    return this.#held?.session;
  }

  async logIn(login: string, password: string, code?: string): Promise<Account> {
    const body = { login, password, ...(code ? { code } : {}), ...(this.#byCookie ? { refresh: "cookie" } : {}) };
    return this.#take((await this.#ask("/v1/sessions", body)) as SessionTokens);
  }

  /** Logs in with the code of a provider. */
  async logInByCode(code: string, verifier: string, secondFactor?: string): Promise<Account> {
    const body = { code, code_verifier: verifier, ...(secondFactor ? { second_factor: secondFactor } : {}), ...(this.#byCookie ? { refresh: "cookie" } : {}) };
    return this.#take((await this.#ask("/v1/sessions/oidc", body)) as SessionTokens);
  }

  /** Asks for something that needs no session. */
  open(method: "GET" | "POST", path: string, body?: unknown): Promise<unknown> {
    return this.#ask(path, body, method);
  }

  /** Takes the tokens of a login that was made some other way. */
  adopt(tokens: SessionTokens): Account {
    return this.#take(tokens);
  }

  /** Goes on with the session of the browser's cookie. None when there is none. */
  async restore(): Promise<Account | undefined> {
    if (!this.#byCookie) return undefined;
    try {
      await this.token(true);
      return this.user;
    } catch (error) {
      if (error instanceof ProblemError && (error.status === 401 || error.status === 403)) return undefined;
      throw error;
    }
  }

  /** A token that is good for a while. `rejected`: the present one was refused. */
  async token(rejected = false): Promise<string> {
    const held = this.#held;
    const now = this.#platform.now();
    if (held && !rejected && now < held.obtained + (held.expires - held.obtained) * OLD) return held.access;
    this.#refreshing ??= this.#refresh(held).finally(() => {
      this.#refreshing = undefined;
    });
    try {
      return await this.#refreshing;
    } catch (error) {
      // Early, and the server is away: the old one will do.
      if (held && !rejected && now < held.expires && error instanceof ProblemError && error.retryable) return held.access;
      throw error;
    }
  }

  /** Ends the session: here in any case, and on the server where it can be reached in time. Gives the id of one that the server could not be told of. */
  async leave(): Promise<string | undefined> {
    const held = this.#held;
    const told = !held || (this.#platform.online() && (await this.#inTime(this.token().then((access) => this.#end(access)))));
    this.forget();
    if (told) return undefined;
    this.#owed = held;
    return held.session;
  }

  /** Ends a session on the server that was left without it. Where another one has begun meanwhile, or it has ended, there is nothing to do. */
  settle(session: string): Promise<void> {
    return this.#platform.exclusively(LOCK, PATIENCE, async () => {
      if (this.#held || !(this.#byCookie || this.#owed)) return;
      try {
        const tokens = (await this.#ask("/v1/sessions/refresh", this.#byCookie ? {} : { refresh_token: this.#owed?.refresh ?? "" })) as SessionTokens;
        if (tokens.session_id === session) await this.#end(tokens.access_token);
      } catch (error) {
        if (!(error instanceof ProblemError) || error.retryable) throw error;
      }
      this.#owed = undefined;
    });
  }

  async #end(access: string): Promise<void> {
    const request = new Request(`${this.#base}/v1/sessions/current`, { method: "DELETE", headers: { authorization: `Bearer ${access}` }, credentials: "same-origin" });
    const response = await this.#platform.fetch(request).catch((error: unknown) => {
      throw ProblemError.unreachable(String(error));
    });
    if (!response.ok && response.status !== 401) throw await ProblemError.of(response, await response.json().catch(() => null));
  }

  /** Whether it was done before the user has waited long enough. A session that the server has ended is ended. */
  #inTime(work: Promise<void>): Promise<boolean> {
    return new Promise((resolve) => {
      const cancel = this.#platform.later(LEAVING, () => resolve(false));
      const end = (done: boolean) => {
        cancel();
        resolve(done);
      };
      work.then(() => end(true), (error: unknown) => end(error instanceof ProblemError && error.status === 401));
    });
  }

  /** The server has ended the session at the user's own wish, or their account: nothing is asked, in all tabs. */
  forget(): void {
    this.#left();
    this.#channel.post({ kind: "ended" } satisfies Told);
  }

  /** The socket may have told of the end first: it is for good all the same. */
  #left(): void {
    this.#turn += 1;
    this.#held = undefined;
    this.user = undefined;
    this.onChange("left");
  }

  /** The server says that the session has ended. */
  ended(): void {
    this.#drop();
  }

  close(): void {
    this.#channel.close();
  }

  #drop(): void {
    if (!this.#held) return;
    this.#held = undefined;
    this.onChange("ended");
  }

  #heard(told: Told): void {
    if (told.kind === "tokens") {
      if (this.#held && this.#held.obtained >= told.held.obtained) return;
      // Another user has signed in elsewhere: this page is not theirs.
      if (this.user && this.user.id !== told.user.id) return this.#drop();
      if (this.#held) this.#held = told.held;
      this.#expecting();
    } else if (told.kind === "ended" && this.user) {
      this.#left();
    }
  }

  async #refresh(before: Held | undefined): Promise<string> {
    if (!before && !this.#byCookie) throw signedOut();
    return this.#platform.exclusively(LOCK, PATIENCE, async (waited) => {
      // While we waited, another tab may have told us what it got.
      if (before && waited && this.#held === before) await this.#news();
      const held = this.#held;
      if (before && held && held.obtained > before.obtained) return held.access;
      const body = this.#byCookie ? {} : { refresh_token: before?.refresh ?? "" };
      const turn = this.#turn;
      try {
        const tokens = (await this.#ask("/v1/sessions/refresh", body)) as SessionTokens;
        if (turn !== this.#turn) throw signedOut();
        this.#take(tokens);
      } catch (error) {
        if (error instanceof ProblemError && error.status === 401) this.#drop();
        throw error;
      }
      return this.#held?.access ?? "";
    });
  }

  /** What the tab before had to tell may still be on its way. */
  #news(): Promise<void> {
    return new Promise((resolve) => {
      const cancel = this.#platform.later(NEWS, resolve);
      this.#expecting = () => {
        cancel();
        resolve();
      };
    });
  }

  #take(tokens: SessionTokens): Account {
    const now = this.#platform.now();
    const began = !this.#held;
    this.#held = {
      access: tokens.access_token,
      obtained: now,
      expires: now + tokens.expires_in * 1000,
      session: tokens.session_id,
      refresh: tokens.refresh_token ?? null,
    };
    this.user = tokens.user;
    this.#channel.post({ kind: "tokens", held: this.#held, user: tokens.user } satisfies Told);
    if (began) this.onChange("began");
    return tokens.user;
  }

  async #ask(path: string, body: unknown, method = "POST"): Promise<unknown> {
    const request = new Request(this.#base + path, {
      method,
      headers: { "content-type": "application/json", "tidings-client": "1" },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      credentials: "same-origin",
    });
    const response = await this.#platform.fetch(request).catch((error: unknown) => {
      throw ProblemError.unreachable(String(error));
    });
    const answer: unknown = response.status === 204 ? null : await response.json().catch(() => null);
    if (!response.ok) throw await ProblemError.of(response, answer);
    return answer;
  }
}

export function signedOut(): ProblemError {
  const code = "unauthenticated" as ProblemError["problem"]["code"];
  return new ProblemError({ type: "about:blank", title: "Signed out", status: 401, detail: "there is no session", code, retryable: false, trace_id: "" });
}
