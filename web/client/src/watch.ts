/** One tab of a browser keeps watch for all of them. The others give their connection back when they have been hidden for long. */
import type { Channel, Platform } from "./platform.ts";

const LOCK = "tidings-watch";
/** Milliseconds that a page is hidden until it gives its connection back. */
const HIDDEN = 5 * 60_000;

export class Watch {
  /** It is this tab that keeps watch. */
  leads = false;
  /** Its connection is given back. */
  parked = false;
  readonly #platform: Platform;
  readonly #park: () => void;
  readonly #unpark: () => void;
  readonly #stopped: () => void;
  readonly #channel: Channel;
  #leave: (() => void) | undefined;
  #cancel: (() => void) | undefined;

  constructor(platform: Platform, park: () => void, unpark: () => void) {
    this.#platform = platform;
    this.#park = park;
    this.#unpark = unpark;
    this.#stopped = platform.onVisible(() => this.#look());
    this.#channel = platform.channel(LOCK);
    this.#channel.listen(() => this.#yield());
  }

  /** There is a session: it stands in line to keep watch. */
  start(): void {
    if (this.#leave) return;
    let left = false;
    const over = new Promise<void>((resolve) => {
      this.#leave = () => {
        left = true;
        resolve();
      };
    });
    const lead = async () => {
      if (left) return;
      this.leads = true;
      // The one that kept watch before is gone.
      this.#look();
      await over;
    };
    this.#platform.exclusively(LOCK, Infinity, lead).catch(() => undefined);
    this.#look();
  }

  /** The session is over. */
  stop(): void {
    this.#leave?.();
    this.#leave = undefined;
    this.leads = this.parked = false;
    this.#look();
  }

  close(): void {
    this.stop();
    this.#stopped();
    this.#channel.close();
  }

  /** The user has too many connections. A tab that is looked at asks the hidden ones for theirs; one that is hidden does without. Says whether others were asked. */
  crowded(): boolean {
    const seen = this.#platform.visible();
    if (seen) this.#channel.post("crowded");
    else this.#yield();
    return seen;
  }

  /** Gives the connection back at once, where another tab keeps watch. */
  #yield(): void {
    if (!this.#leave || this.leads || this.parked || this.#platform.visible()) return;
    this.#cancel?.();
    this.#hidden();
  }

  #look(): void {
    const stays = !this.#leave || this.leads || this.#platform.visible();
    if (!stays) {
      if (!this.parked) this.#cancel ??= this.#platform.later(HIDDEN, () => this.#hidden());
      return;
    }
    this.#cancel?.();
    this.#cancel = undefined;
    if (!this.parked) return;
    this.parked = false;
    this.#unpark();
  }

  #hidden(): void {
    this.#cancel = undefined;
    this.parked = true;
    this.#park();
  }
}
