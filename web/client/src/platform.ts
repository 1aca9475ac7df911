/** What the library needs of its surroundings: all of it can be replaced, for tests and for other runtimes. */
import { indexedDbStorage } from "./storage.ts";
import type { OutboxEntry } from "./types.ts";

/** The part of WebSocket that is used. `ws` and the browser's both have it. */
export interface Socket {
  readyState: number;
  send(data: string): void;
  close(code?: number, reason?: string): void;
  onopen: ((event: never) => unknown) | null;
  onmessage: ((event: never) => unknown) | null;
  onclose: ((event: never) => unknown) | null;
  onerror: ((event: never) => unknown) | null;
}

/** Where submitted messages outlive the page. */
export interface Storage {
  all(): Promise<OutboxEntry[]>;
  put(entry: OutboxEntry): Promise<void>;
  remove(clientId: string): Promise<void>;
  /** Deletes everything: the user has signed out. */
  wipe(): Promise<void>;
}

/** Bytes that are to be sent to a signed URL. */
export interface Put {
  method: string;
  url: string;
  headers: Record<string, string>;
  body: Blob;
  /** Called with the number of bytes that have been sent, where that can be told. */
  progress: (sent: number) => void;
  cut: AbortSignal;
}

/** How tabs of one browser speak to one another. */
export interface Channel {
  post(message: unknown): void;
  listen(heard: (message: unknown) => void): void;
  close(): void;
}

export interface Platform {
  fetch: (request: Request) => Promise<Response>;
  /** Sends a file. */
  put: (put: Put) => Promise<Response>;
  socket: (url: string) => Socket;
  storage: Storage;
  channel: (name: string) => Channel;
  /** Runs `work` while no other tab runs any under this name; after `patience` milliseconds, which may be infinite, it runs all the same. It is told whether it had to wait for another one. */
  exclusively: <T>(name: string, patience: number, work: (waited?: boolean) => Promise<T>) => Promise<T>;
  now: () => number;
  random: () => number;
  /** 128 random bits in 32 characters. */
  id: () => string;
  later: (milliseconds: number, work: () => void) => () => void;
  /** Called back when the network or the page comes back. Gives what stops it. */
  onWake: (awake: () => void) => () => void;
  onOffline: (offline: () => void) => () => void;
  /** Whether the page can be seen. A program always can. */
  visible: () => boolean;
  /** Called back when the page is hidden or shown. Gives what stops it. */
  onVisible: (changed: () => void) => () => void;
  /** False when there is no network at all: what would be sent waits without being tried. */
  online: () => boolean;
  /** Runs `work` soon, once a frame where there are frames. */
  soon: (work: () => void) => void;
}

/** Milliseconds for an answer of the API. A connection that died without a word would never give one. */
const PATIENCE = 30_000;

export function memoryStorage(): Storage {
  const entries = new Map<string, OutboxEntry>();
  return {
    all: async () => [...entries.values()],
    put: async (entry) => void entries.set(entry.client_id, structuredClone(entry)),
    remove: async (clientId) => void entries.delete(clientId),
    wipe: async () => entries.clear(),
  };
}

const queues = new Map<string, Promise<unknown>>();

/** Locks between clients of one process, where the runtime has none. */
async function inProcess<T>(name: string, patience: number, work: (waited?: boolean) => Promise<T>): Promise<T> {
  const before = queues.get(name);
  const run = (before ? within(before, patience) : Promise.resolve()).then(() => work(before !== undefined));
  const over = run.then(() => undefined, () => undefined).then(() => {
    if (queues.get(name) === over) queues.delete(name);
  });
  queues.set(name, over);
  return run;
}

/** Waits for something, but no longer than so many milliseconds. */
async function within(what: Promise<unknown>, patience: number): Promise<void> {
  if (patience === Infinity) return void (await what);
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise((resolve) => (timer = setTimeout(resolve, patience)));
  await Promise.race([what, late]).finally(() => clearTimeout(timer));
}

async function webLock<T>(name: string, patience: number, work: (waited?: boolean) => Promise<T>): Promise<T> {
  const free = await navigator.locks.request(name, { ifAvailable: true }, async (lock) => (lock ? { done: await work(false) } : undefined));
  if (free) return free.done;
  const late = () => work(true);
  if (patience === Infinity) return navigator.locks.request(name, late);
  const giveUp = AbortSignal.timeout(patience);
  try {
    return await navigator.locks.request(name, { signal: giveUp }, late);
  } catch (error) {
    // A frozen tab may hold it for hours. What is done under our locks may be done twice without harm.
    if (giveUp.aborted && error instanceof DOMException) return navigator.locks.request(name, { steal: true }, late);
    throw error;
  }
}

/** A file by XMLHttpRequest: `fetch` does not tell how far it is. */
function putByXhr({ method, url, headers, body, progress, cut }: Put): Promise<Response> {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open(method, url);
    for (const [name, value] of Object.entries(headers)) request.setRequestHeader(name, value);
    request.upload.onprogress = (event) => progress(event.loaded);
    request.onload = () => {
      const wait = request.getResponseHeader("retry-after");
      const empty = [204, 205, 304].includes(request.status);
      resolve(new Response(empty ? null : request.responseText, { status: request.status, headers: wait ? { "retry-after": wait } : {} }));
    };
    request.onerror = request.onabort = () => reject(new Error("the upload was cut"));
    cut.addEventListener("abort", () => request.abort(), { once: true });
    request.send(body);
  });
}

function listening(target: EventTarget | undefined, names: string[], heard: () => void): () => void {
  if (!target) return () => undefined;
  for (const name of names) target.addEventListener(name, heard);
  return () => {
    for (const name of names) target.removeEventListener(name, heard);
  };
}

/** The platform of a browser, or of Node 20 and later. Pass `socket` where there is no global WebSocket. */
export function platform(given: Partial<Platform> = {}): Platform {
  const page = typeof window === "undefined" ? undefined : window;
  const paper = typeof document === "undefined" ? undefined : document;
  const locks = typeof navigator !== "undefined" && "locks" in navigator && page !== undefined;
  return {
    fetch: (request) => fetch(request, { signal: AbortSignal.timeout(PATIENCE) }),
    put: typeof XMLHttpRequest === "undefined" ? ({ method, url, headers, body, cut }) => fetch(url, { method, headers, body, signal: cut }) : putByXhr,
    socket: (url) => new WebSocket(url) as unknown as Socket,
    storage: given.storage ?? (page && typeof indexedDB !== "undefined" ? indexedDbStorage() : memoryStorage()),
    channel: (name) => {
      if (typeof BroadcastChannel === "undefined" || !page) return { post: () => undefined, listen: () => undefined, close: () => undefined };
      const channel = new BroadcastChannel(name);
      return {
        post: (message) => channel.postMessage(message),
        listen: (heard) => channel.addEventListener("message", (event) => heard(event.data)),
        close: () => channel.close(),
      };
    },
    exclusively: locks ? webLock : inProcess,
    now: () => Date.now(),
    random: () => Math.random(),
    // crypto.randomUUID is missing on plain http.
    id: () => Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join(""),
    later: (milliseconds, work) => {
      const timer = setTimeout(work, milliseconds);
      return () => clearTimeout(timer);
    },
    onWake: (awake) => {
      const visible = () => paper?.visibilityState === "visible" && awake();
      const stops = [listening(page, ["online", "pageshow"], awake), listening(paper, ["visibilitychange"], visible), listening(paper, ["resume"], awake)];
      return () => stops.forEach((stop) => stop());
    },
    onOffline: (offline) => listening(page, ["offline"], offline),
    visible: () => paper?.visibilityState !== "hidden",
    onVisible: (changed) => listening(paper, ["visibilitychange"], changed),
    online: () => !page || navigator.onLine,
    soon: (work) => {
      if (paper?.visibilityState === "visible") requestAnimationFrame(work);
      else setTimeout(work, 0);
    },
    ...given,
  };
}
