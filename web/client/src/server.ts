/** The server, as the parts of a client ask it: by the socket when it is live, else over REST, and never for something older than what was heard of. */
import type { Connection } from "./connection.ts";
import { answer, type Api } from "./rest.ts";
import type { Page } from "./types.ts";

/** Frames above this many bytes go over REST. */
const LARGE = 48 * 1024;

/** What a route of REST gives. */
type Asked<T = unknown> = Promise<{ data?: T; error?: unknown; response: Response }>;

export class Server {
  readonly api: Api;
  readonly #connection: Connection;

  constructor(api: Api, connection: Connection) {
    this.api = api;
    this.#connection = connection;
  }

  get live(): boolean {
    return this.#connection.live;
  }

  /** The place of the log up to which everything is applied. */
  get position(): string | null {
    return this.#connection.position;
  }

  /** The header of what is to be as new as what was heard of. */
  fresh(): { "Tidings-Min-Position"?: string } {
    return this.#connection.seen ? { "Tidings-Min-Position": this.#connection.seen } : {};
  }

  /** Sends a frame that is not answered. */
  tell(frame: Record<string, unknown>): void {
    this.#connection.tell(frame);
  }

  /** By the socket when it is live, else over REST. */
  async ask(frame: Record<string, unknown>, byRest: () => Asked): Promise<unknown> {
    if (!this.live || JSON.stringify(frame).length > LARGE) return answer(byRest());
    return this.#connection.ask(frame);
  }

  /** A route that the generated types do not know yet. */
  async request<T = unknown>(method: string, path: string, body?: unknown): Promise<{ data: T; response: Response }> {
    const send = this.api as unknown as Record<string, (path: string, init: unknown) => Asked<T>>;
    const result = send[method]?.(path, body === undefined ? {} : { body });
    if (!result) throw new Error(`no such method: ${method}`);
    const data = (await answer(result)) as T;
    return { data, response: (await result).response };
  }
}

/** All items of a list. */
export async function all<T>(page: (cursor: { cursor?: string }) => Promise<Page<T>>): Promise<T[]> {
  const items: T[] = [];
  let cursor: string | null | undefined;
  do {
    const one = await page(cursor ? { cursor } : {});
    items.push(...one.items);
    cursor = one.next_cursor;
  } while (cursor);
  return items;
}
