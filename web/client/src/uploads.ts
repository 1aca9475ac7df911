/** Files on their way: asked for, sent, checked by the server. What fails for a while is tried again until it succeeds or is given up. */
import type { Platform } from "./platform.ts";
import { ProblemError } from "./problem.ts";
import type { Store } from "./store.ts";
import type { Media, OutboxFile, Problem, UploadView } from "./types.ts";

/** Files that are sent side by side. */
const ABREAST = 3;
/** Milliseconds before the next attempt: doubled each time. */
const FIRST_WAIT = 1_000;
const LONGEST_WAIT = 30_000;
/** Characters of a name. */
const LONGEST_NAME = 255;
/** The type of which the server expects nothing. */
const ANYTHING = "application/octet-stream";
/** Uploads that are begun for one file, when URLs run out or the type is another one. */
const MOST_TURNS = 4;

/** What uploads ask of the server. */
export interface Depot {
  /** Where a file may be sent. The same `key` gives the same place. */
  ask(file: Pick<OutboxFile, "filename" | "content_type" | "size">, key: string): Promise<{ media_id: string; upload: { method: string; url: string; headers: Record<string, string> } }>;
  complete(media: string): Promise<Media>;
  remove(media: string): Promise<unknown>;
}

interface Run {
  given: boolean;
  cut: () => void;
  wake: () => void;
}

/** How far one file has come with the server. */
interface Progress {
  /** How many places were asked for before this one. */
  turn: number;
  type: string;
  /** The bytes are there. */
  sent: boolean;
  /** A page before this one may have sent it all. */
  unsure: boolean;
}

export class Uploads {
  onDone: (id: string, media: Media) => void = () => undefined;
  onRefused: (id: string, problem: Problem) => void = () => undefined;
  readonly #platform: Platform;
  readonly #store: Store;
  readonly #depot: Depot;
  readonly #runs = new Map<string, Run>();
  readonly #queue: (() => void)[] = [];
  #busy = 0;
  readonly #stops: (() => void)[];

  constructor(platform: Platform, store: Store, depot: Depot) {
    this.#platform = platform;
    this.#store = store;
    this.#depot = depot;
    this.#stops = [platform.onWake(() => this.wake()), platform.onOffline(() => this.#runs.forEach((run) => run.cut()))];
  }

  /** Begins with a file. Gives the id under which the store tells how far it is. */
  begin(data: Blob, filename: string): string {
    const file: OutboxFile = { id: this.#platform.id(), filename: named(filename), content_type: typed(data.type), size: data.size, data };
    this.#show({ file, state: "waiting", sent: 0 });
    this.#start(file, false, async () => true);
    return file.id;
  }

  /** Goes on with a file of the outbox. `wanted` tells, once no other tab has it in hands, whether it is still to be sent. */
  resume(file: OutboxFile, wanted: () => Promise<boolean>): void {
    if (this.#runs.has(file.id)) return;
    this.#show({ file, state: "waiting", sent: 0 });
    this.#start(file, true, wanted);
  }

  /** Tries a file that was refused once more. */
  retry(id: string): void {
    const held = this.#store.uploads.get(id);
    if (held?.state !== "failed" || this.#runs.has(id)) return;
    this.#show({ file: held.file, state: "waiting", sent: 0 });
    this.#start(held.file, false, async () => true);
  }

  /** Gives a file up, here and on the server. */
  cancel(id: string): void {
    const media = this.#store.uploads.get(id)?.file.media;
    this.forget(id);
    if (media) void this.#depot.remove(media.id).catch(() => undefined);
  }

  /** Its message has it now. */
  forget(id: string): void {
    const run = this.#runs.get(id);
    if (run) {
      run.given = true;
      run.cut();
      run.wake();
    }
    if (this.#store.uploads.delete(id)) this.#store.touch(`upload:${id}`);
  }

  /** What waits for its next attempt does not wait any longer. */
  wake(): void {
    for (const run of this.#runs.values()) run.wake();
  }

  clear(): void {
    for (const id of [...this.#runs.keys(), ...this.#store.uploads.keys()]) this.forget(id);
  }

  close(): void {
    this.clear();
    for (const stop of this.#stops) stop();
  }

  #start(file: OutboxFile, unsure: boolean, wanted: () => Promise<boolean>): void {
    const run: Run = { given: false, cut: () => undefined, wake: () => undefined };
    this.#runs.set(file.id, run);
    // Who else has the file in hands, in another tab, goes on with it.
    void this.#platform
      .exclusively(`tidings-upload-${file.id}`, Infinity, async () => {
        if (!run.given && (await wanted())) await this.#work(file, run, unsure);
      })
      .catch(() => undefined)
      .finally(() => this.#runs.get(file.id) === run && this.#runs.delete(file.id));
  }

  async #work(file: OutboxFile, run: Run, unsure: boolean): Promise<void> {
    const progress: Progress = { turn: 0, type: file.content_type, sent: false, unsure };
    for (let attempt = 0; !run.given; attempt++) {
      try {
        const media = await this.#inTurn(() => this.#send(file, run, progress));
        if (run.given) return void this.#depot.remove(media.id).catch(() => undefined);
        const { data: _, ...rest } = file;
        this.#show({ file: { ...rest, media }, state: "done", sent: file.size });
        return this.onDone(file.id, media);
      } catch (error) {
        if (run.given) return;
        const problem = error instanceof ProblemError ? error : ProblemError.unreachable(String(error));
        // Without a session nothing is refused: it waits for the next one.
        if (!problem.retryable && problem.status !== 401) {
          this.#runs.delete(file.id);
          this.#show({ file, state: "failed", sent: 0, problem: problem.problem });
          return this.onRefused(file.id, problem.problem);
        }
        this.#show({ file, state: "waiting", sent: 0 });
        await this.#pause(run, attempt, problem.retryAfter ?? 0);
      }
    }
  }

  async #inTurn<T>(work: () => Promise<T>): Promise<T> {
    while (this.#busy >= ABREAST) await new Promise<void>((resolve) => this.#queue.push(resolve));
    this.#busy += 1;
    try {
      return await work();
    } finally {
      this.#busy -= 1;
      this.#queue.shift()?.();
    }
  }

  async #pause(run: Run, attempt: number, atLeast: number): Promise<void> {
    const longest = Math.min(LONGEST_WAIT, FIRST_WAIT * 2 ** attempt);
    await new Promise<void>((resolve) => {
      const cancel = this.#platform.later(Math.max(atLeast, longest * (0.5 + this.#platform.random() / 2)), resolve);
      run.wake = () => {
        cancel();
        resolve();
      };
    });
    run.wake = () => undefined;
  }

  /** Asks, sends and completes, as far as that is not done. */
  async #send(file: OutboxFile, run: Run, progress: Progress): Promise<Media> {
    const { filename, size } = file;
    for (;;) {
      if (run.given) throw ProblemError.unreachable("given up");
      const key = progress.turn === 0 ? file.id : `${file.id}-${progress.turn}`;
      const { media_id, upload } = await this.#depot.ask({ filename, content_type: progress.type, size }, key);
      if (progress.unsure) {
        progress.unsure = false;
        const media = await this.#depot.complete(media_id).catch(refusedOnly);
        if (media) return media;
      }
      if (!progress.sent && !(await this.#put(file, run, upload))) {
        // The URL has run out.
        if (!anew(progress)) throw new ProblemError(EXPIRED);
        continue;
      }
      progress.sent = true;
      this.#show({ file, state: "checking", sent: size });
      try {
        return await this.#depot.complete(media_id);
      } catch (error) {
        if (!(error instanceof ProblemError) || error.retryable || error.status === 401) throw error;
        progress.sent = false;
        // What the name says of the type is not always so: then it is a file like any other.
        const other = progress.type !== ANYTHING && error.problem.errors?.some((one) => one.pointer === "/content_type" && one.code === "mismatch");
        if (other) progress.type = ANYTHING;
        if (!(other || error.status === 404 || error.status === 409) || !anew(progress)) throw error;
      }
    }
  }

  /** Whether the bytes are on the server now. Not when the URL is not good any more. */
  async #put(file: OutboxFile, run: Run, upload: { method: string; url: string; headers: Record<string, string> }): Promise<boolean> {
    if (!file.data) throw new ProblemError(LOST);
    const cut = new AbortController();
    run.cut = () => cut.abort();
    const progress = (sent: number) => this.#show({ file, state: "sending", sent: Math.min(sent, file.size) });
    progress(0);
    try {
      const response = await this.#platform.put({ ...upload, body: file.data, progress, cut: cut.signal });
      if (response.ok) return true;
      if (response.status === 403 || response.status === 404 || response.status === 410) return false;
      const problem = await ProblemError.of(response, await response.json().catch(() => null));
      // It was sent and completed before, and the answer got lost.
      if (response.status === 409 && !problem.retryable) return true;
      throw problem;
    } finally {
      run.cut = () => undefined;
    }
  }

  #show(view: UploadView): void {
    if (this.#runs.get(view.file.id)?.given) return;
    this.#store.uploads.set(view.file.id, view);
    this.#store.touch(`upload:${view.file.id}`);
  }
}

/** Whether another place may be asked for. */
function anew(progress: Progress): boolean {
  progress.turn += 1;
  return progress.turn < MOST_TURNS;
}

/** A refusal that says "not yet". */
function refusedOnly(error: unknown): undefined {
  if (error instanceof ProblemError && !error.retryable && error.status !== 401) return undefined;
  throw error;
}

function problem(status: number, code: Problem["code"], reason: string, detail: string): Problem {
  return { type: "about:blank", title: detail, status, detail, code, retryable: false, trace_id: "", errors: [{ pointer: "", code: reason, detail }] };
}

const EXPIRED = problem(403, "forbidden", "expired", "the place to upload to has run out");
const LOST = problem(410, "gone", "lost", "the file is not here any more: attach it again");

/** What the server takes in no name: controls, separators of lines, private and unknown characters, and what is not seen. */
const HIDDEN = /[\p{Cc}\p{Co}\p{Cn}\p{Cs}\p{Zl}\p{Zp}\u00AD\u034F\u061C\u115F\u1160\u17B4\u17B5\u180E\u200B\u200E\u200F\u202A-\u202E\u2060-\u206F\u2800\u3164\uFEFF\uFFA0\uFFF9-\uFFFC]/gu;

/** A name as the server takes it: without a path and what cannot be seen, and beginning with a character of its own. */
export function named(filename: string): string {
  const last = filename.split(/[/\\]/u).at(-1) ?? "";
  const visible = last.replace(HIDDEN, "").trim().replace(/^\p{M}+/u, "");
  const name = visible === "" || /^\.+$/u.test(visible) ? "file" : visible;
  const letters = Array.from(name);
  if (letters.length <= LONGEST_NAME) return name;
  const ending = /\.[^.]{1,16}$/u.exec(name)?.[0] ?? "";
  return letters.slice(0, LONGEST_NAME - Array.from(ending).length).join("") + ending;
}

/** A media type without parameters; what is none is anything. */
export function typed(type: string): string {
  const bare = (type.split(";")[0] ?? "").trim().toLowerCase();
  return bare.length <= 127 && /^[a-z0-9][a-z0-9!#$&^_.+-]*\/[a-z0-9][a-z0-9!#$&^_.+-]*$/.test(bare) ? bare : ANYTHING;
}
