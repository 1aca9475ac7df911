/** The socket: opened with a ticket, kept alive, opened again after every loss, and resumed where it stopped. */
import { Answers } from "./answers.ts";
import { isAfter, latest } from "./position.ts";
import type { Platform, Socket } from "./platform.ts";
import { ProblemError } from "./problem.ts";
import type { ClientFrame, EventFrame, Message, ServerFrame, Status } from "./types.ts";

/** Milliseconds for a socket to open, and for the first frame to come. */
const OPENING = 10_000;
/** Milliseconds for the `pong` after the page or the network has come back. */
const WAKING = 3_000;
/** Milliseconds by which a timer is late when the page has slept. */
const LATE = 5_000;
/** Milliseconds for a ticket at the first attempt; twice as many at each further one, up to `OPENING`. */
const TICKET = 1_000;
/** The `id` of a `ping`: a frame without one is not answered. */
const PING = "alive";
/** The wait before an attempt: at random up to this, doubled each time. */
const FIRST_WAIT = 500;
const LONGEST_WAIT = 30_000;
/** Milliseconds for other tabs to give their sockets back. */
const MAKING_ROOM = 1_000;
/** Milliseconds until a user who had too many sockets may have another one: those of a server that died are counted that long. Twice as many at each further attempt. */
const CROWDED = 15_000;
const LONGEST_CROWDED = 5 * 60_000;
/** How the server closes a socket of a user who has too many. */
const TOO_MANY = 4409;
/** Milliseconds after which a connection counts as good. */
const GOOD = 10_000;

type Welcome = Extract<ServerFrame, { type: "welcome" }>;

/** What a connection is for. */
export interface Ends {
  /** A one-time ticket. */
  ticket(): Promise<string>;
  url(ticket: string): string;
  /** Reads everything anew, as of `position` or later; events are held back meanwhile. */
  sync(position: string): Promise<void>;
  event(frame: EventFrame): void;
  /** What is held of a room may have holes. */
  reload(room: string): void;
  /** Everything held may have holes. */
  reset(): void;
  live(welcome: Welcome): void;
  other(frame: ServerFrame): void;
  status(status: Status): void;
  /** The session is over: whether a refresh has brought it back. */
  sessionEnded(): Promise<boolean>;
  /** The user has too many sockets: whether others were asked to give theirs back. */
  crowded(): boolean;
}

export class Connection {
  /** The highest place of the log up to which everything is applied. */
  position: string | null = null;
  /** The highest place heard of: what is read is to be as new. */
  seen: string | null = null;
  live = false;
  readonly #platform: Platform;
  readonly #ends: Ends;
  #socket: Socket | undefined;
  #run = 0;
  #wanted = false;
  #attempt = 0;
  #faults = 0;
  /** Sockets that were refused one after another because there were too many. */
  #refused = 0;
  #wake: () => void = () => undefined;
  #timers: (() => void)[] = [];
  readonly #answers: Answers;
  readonly #stops: (() => void)[];
  #heard = 0;
  #buffer: EventFrame[] | undefined;
  #retryAfter = 0;
  /** The next attempt comes at once: the last one was waited for in vain. */
  #hasty = false;
  /** The ticket of the next socket, asked for in advance. */
  #early: Promise<string> | undefined;
  /** The last event of each room's timeline, as the next one names it. */
  readonly #last = new Map<string, string>();

  constructor(platform: Platform, ends: Ends) {
    this.#platform = platform;
    this.#ends = ends;
    this.#answers = new Answers(platform);
    this.#stops = [platform.onWake(() => this.#awake()), platform.onOffline(() => this.#lost())];
  }

  start(): void {
    if (this.#wanted) return;
    this.#wanted = true;
    void this.#loop(++this.#run);
  }

  /** Ends the connection, for good or until `start`. */
  stop(): void {
    this.#wanted = false;
    this.#run += 1;
    this.#wake();
    this.#cut(1000);
  }

  close(): void {
    this.stop();
    for (const stop of this.#stops) stop();
  }

  /** Tries again at once. */
  now(): void {
    if (!this.#wanted) return this.start();
    this.#wake();
  }

  forget(): void {
    this.position = this.seen = null;
    this.#last.clear();
  }

  /** Sends a frame that is not answered. */
  tell(frame: ClientFrame | Record<string, unknown>): boolean {
    if (!this.live || !this.#socket) return false;
    this.#socket.send(JSON.stringify(frame));
    return true;
  }

  /** Sends a frame and waits for its answer. No answer: `unreachable`, and it may have been carried out. */
  ask(frame: Record<string, unknown>): Promise<Message | null> {
    const socket = this.#socket;
    if (!this.live || !socket) return Promise.reject(ProblemError.unreachable("there is no connection"));
    return this.#answers.ask(frame, (text) => socket.send(text));
  }

  async #loop(run: number): Promise<void> {
    const over = () => run !== this.#run;
    while (!over()) {
      let code: number;
      try {
        this.#ends.status({ phase: "connecting" });
        const ticket = this.#early ?? this.#ticket();
        this.#early = undefined;
        code = await this.#once(await ticket, over);
      } catch (error) {
        code = error instanceof ProblemError && error.status === 401 ? 4401 : 0;
        if (error instanceof ProblemError && error.retryAfter) this.#retryAfter = error.retryAfter;
      }
      if (over()) return;
      if (code === 4401 && !(await this.#ends.sessionEnded())) return this.stop();
      if (over()) return;
      if (code === 4400 || code === 4408 || code === 4413) {
        if (++this.#faults >= 3) {
          this.#ends.status({ phase: "failed", code, detail: `the server closed the connection three times (${code})` });
          return this.stop();
        }
      }
      const atLeast = code === TOO_MANY ? this.#crowded() : code === 4429 ? 5_000 : 0;
      if (over()) return;
      await this.#pause(atLeast, code);
    }
  }

  /** A connection that died without a word never answers: the next attempt takes another one, and need not wait any more. */
  #ticket(patience = Math.min(OPENING, TICKET * 2 ** this.#attempt)): Promise<string> {
    return new Promise((resolve, reject) => {
      const cancel = this.#platform.later(patience, () => {
        this.#hasty = patience < WAKING;
        reject(ProblemError.unreachable("no ticket came"));
      });
      this.#ends.ticket().then(resolve, reject).finally(cancel);
    });
  }

  /** Asks for the ticket of the next socket while the present one is given its last moment. */
  #prepare(): void {
    this.#early ??= this.#ticket(TICKET).catch(() => this.#ticket(TICKET * 2));
    this.#early.catch(() => undefined);
  }

  /** How long to wait for a socket of one's own. It is asked for again, ever more rarely: which of the others will go, and when, only people know. */
  #crowded(): number {
    const asked = this.#ends.crowded();
    const turn = this.#refused++ - (asked ? 1 : 0);
    const longest = turn < 0 ? MAKING_ROOM : Math.min(LONGEST_CROWDED, CROWDED * 2 ** turn);
    return longest * (1 + this.#platform.random());
  }

  /** Full jitter: many clients that were cut together do not come back together. */
  async #pause(atLeast: number, code: number): Promise<void> {
    const longest = Math.min(LONGEST_WAIT, FIRST_WAIT * 2 ** this.#attempt);
    const wait = Math.max(atLeast, this.#retryAfter, this.#hasty || this.#early ? 0 : this.#platform.random() * longest);
    this.#retryAfter = 0;
    this.#hasty = false;
    this.#attempt += 1;
    this.#ends.status({ phase: "waiting", until: this.#platform.now() + wait, attempt: this.#attempt, ...(code === TOO_MANY ? { code } : {}) });
    await new Promise<void>((resolve) => {
      const cancel = this.#platform.later(wait, resolve);
      this.#wake = () => {
        cancel();
        resolve();
      };
    });
    this.#wake = () => undefined;
  }

  /** One socket, from its opening to its end. Gives its close code. */
  #once(ticket: string, over: () => boolean): Promise<number> {
    return new Promise((resolve) => {
      if (over()) return resolve(0);
      const socket = this.#platform.socket(this.#ends.url(ticket));
      this.#socket = socket;
      let ended = false;
      const end = (code: number) => {
        if (ended) return;
        ended = true;
        if (this.#socket === socket) this.#down();
        // What comes of it now is no longer wanted.
        socket.onopen = socket.onmessage = socket.onerror = null;
        socket.onclose = null;
        socket.onerror = () => undefined;
        try {
          socket.close();
        } catch {
          // It never opened.
        }
        resolve(code);
      };
      this.#cut = end;
      this.#timer(OPENING * 2, () => end(1006));
      socket.onclose = ((event: { code: number }) => end(event.code)) as never;
      socket.onerror = (() => undefined) as never;
      socket.onmessage = ((event: { data: unknown }) => {
        this.#heard = this.#platform.now();
        let frame: ServerFrame;
        try {
          frame = JSON.parse(String(event.data)) as ServerFrame;
        } catch {
          return;
        }
        this.#frame(frame, end);
      }) as never;
    });
  }

  #cut: (code: number) => void = () => undefined;

  #frame(frame: ServerFrame, end: (code: number) => void): void {
    switch (frame.type) {
      case "welcome": return this.#welcome(frame, end);
      case "event": return this.#event(frame);
      case "reload":
        this.#last.delete(frame.room_id);
        return this.#ends.reload(frame.room_id);
      case "resumed":
        return this.#resumed(frame.position);
      case "reset":
        this.#ends.reset();
        this.forget();
        return void this.#sync(this.#welcomed?.position ?? "", end);
      case "ok": case "error": return this.#answers.heard(frame);
      case "closing":
        this.#retryAfter = frame.retry_after_ms ?? 0;
        return;
      default: return this.#ends.other(frame);
    }
  }

  #welcomed: Welcome | undefined;

  #welcome(frame: Welcome, end: (code: number) => void): void {
    for (const cancel of this.#timers.splice(0)) cancel();
    this.#welcomed = frame;
    this.seen = latest(this.seen, frame.position);
    this.#beat(frame.heartbeat_ms, end);
    this.#ends.status({ phase: "syncing" });
    if (this.position) {
      this.#last.clear();
      // What happens before the server reads the next frame is told at once, and then told again in its place.
      this.#buffer = [];
      this.#socket?.send(JSON.stringify({ type: "resume", position: this.position }));
    } else {
      void this.#sync(frame.position, end);
    }
  }

  #resumed(position: string): void {
    const buffer = this.#buffer ?? [];
    this.#buffer = undefined;
    buffer.sort((a, b) => (a.position === b.position ? 0 : isAfter(a.position, b.position) ? 1 : -1));
    for (const frame of buffer) this.#event(frame);
    this.position = latest(this.position, position);
    this.#up();
  }

  async #sync(position: string, end: (code: number) => void): Promise<void> {
    const buffer: EventFrame[] = (this.#buffer = []);
    try {
      await this.#ends.sync(position);
    } catch {
      return end(1006);
    }
    if (this.#buffer !== buffer) return;
    this.#buffer = undefined;
    this.position = position;
    for (const frame of buffer) this.#event(frame);
    this.#up();
  }

  #event(frame: EventFrame): void {
    this.seen = latest(this.seen, frame.position);
    if (this.#buffer) {
      this.#buffer.push(frame);
      return;
    }
    const room = frame.room_id;
    const timeline = /^(message|reaction)\./.test(frame.event);
    if (room && timeline && this.live) {
      const last = this.#last.get(room);
      if (frame.previous && last && frame.previous !== last && isAfter(frame.position, last)) this.#ends.reload(room);
    }
    this.#ends.event(frame);
    if (room && timeline && frame.previous !== undefined && this.live) this.#last.set(room, frame.position);
    // While a resume is under way the place is where it began: who is cut in the middle resumes from there.
    if (this.live) this.position = latest(this.position, frame.position);
  }

  #up(): void {
    this.live = true;
    this.#faults = this.#refused = 0;
    this.#timer(GOOD, () => {
      this.#attempt = 0;
    });
    this.#ends.status({ phase: "live" });
    if (this.#welcomed) this.#ends.live(this.#welcomed);
  }

  /** Pings, and gives a socket up that says nothing for twice the time. */
  #beat(every: number, end: (code: number) => void): void {
    this.#heard = this.#platform.now();
    const next = () => {
      const due = this.#platform.now() + every;
      this.#timer(every, () => {
        const now = this.#platform.now();
        // A timer that is late says that the page has slept, not that the line is dead: it is asked.
        const slept = now - due > LATE;
        if (!slept && now - this.#heard > every * 2) return end(1006);
        if (slept) this.#probe(end);
        else this.#socket?.send(JSON.stringify({ type: "ping", id: PING }));
        next();
      });
    };
    next();
  }

  #probe(end: (code: number) => void): void {
    const asked = this.#platform.now();
    this.#socket?.send(JSON.stringify({ type: "ping", id: PING }));
    this.#timer(WAKING / 2, () => {
      if (this.#heard < asked) this.#prepare();
    });
    this.#timer(WAKING, () => {
      if (this.#heard < asked) return end(1006);
      // It lives: the ticket is not needed, and will not be good for long.
      this.#early = undefined;
    });
  }

  /** The page or the network is back: an open socket proves nothing. */
  #awake(): void {
    this.#wake();
    if (this.#socket?.readyState === 1) this.#probe(this.#cut);
  }

  #lost(): void {
    if (this.#socket) this.#cut(1006);
  }

  #down(): void {
    this.#socket = undefined;
    this.live = false;
    this.#buffer = undefined;
    for (const cancel of this.#timers.splice(0)) cancel();
    this.#answers.lost();
  }

  #timer(milliseconds: number, work: () => void): void {
    this.#timers.push(this.#platform.later(milliseconds, work));
    if (this.#timers.length > 50) this.#timers.splice(0, this.#timers.length - 50);
  }
}
