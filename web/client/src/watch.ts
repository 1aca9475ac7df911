/** One tab of a browser keeps watch for all of them. The others give their connection back when they have been hidden for long. */
import type { Channel, Platform } from "./platform.ts";

const LOCK = "tidings-watch";
/** Milliseconds that a page is hidden until it gives its connection back. */
const HIDDEN = 5 * 60_000;
/** Milliseconds for the tab that keeps watch to say so, and up to how many more the others wait, so that one of them is the first to take it over. */
const ANSWER = 3_000;
const SPREAD = 500;
/** Milliseconds between two such questions of a tab without a connection. */
const CHECK = 60_000;
/** What tabs say to one another. */
type Said = "crowded" | "who" | "here";

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
  #over: Promise<void> | undefined;
  #cancel: (() => void) | undefined;
  /** How often it has stood in line: an earlier place in it counts no more. */
  #turn = 0;
  #asking: Promise<boolean> | undefined;
  #answered: (() => void) | undefined;

  constructor(platform: Platform, park: () => void, unpark: () => void) {
    this.#platform = platform;
    this.#park = park;
    this.#unpark = unpark;
    this.#stopped = platform.onVisible(() => this.#look());
    this.#channel = platform.channel(LOCK);
    this.#channel.listen((said) => this.#heard(said as Said));
  }

  /** There is a session: it stands in line to keep watch. */
  start(): void {
    if (this.#leave) return;
    this.#over = new Promise((resolve) => (this.#leave = resolve));
    void this.#stand(Infinity);
    this.#look();
  }

  /** Stands in line, or takes the watch from the one that has it. Says whether this tab has had it. */
  #stand(patience: number): Promise<boolean> {
    const [mine, over] = [++this.#turn, this.#over];
    return new Promise((resolve) => {
      const lead = async () => {
        if (mine !== this.#turn) return resolve(false);
        this.leads = true;
        this.#channel.post("here");
        // The one that kept watch before is gone.
        this.#look();
        resolve(true);
        await over;
      };
      this.#platform.exclusively(LOCK, patience, lead).catch(() => {
        resolve(false);
        if (mine !== this.#turn) return;
        // This tab was frozen, and another one has taken the watch.
        this.leads = false;
        this.#look();
        void this.#stand(Infinity);
      });
    });
  }

  /**
   * Something has happened that the tab that keeps watch must do: whether this is the one. The browser may have frozen that tab,
   * and a frozen one must not silence the others: when it does not answer this one takes the watch.
   */
  wanted(): Promise<boolean> {
    if (this.leads || !this.#leave) return Promise.resolve(this.leads);
    this.#asking ??= this.#ask().finally(() => {
      this.#asking = undefined;
    });
    return this.#asking;
  }

  async #ask(): Promise<boolean> {
    const silent = await new Promise<boolean>((resolve) => {
      const cancel = this.#platform.later(ANSWER + this.#platform.random() * SPREAD, () => resolve(true));
      this.#answered = () => {
        cancel();
        resolve(false);
      };
      this.#channel.post("who");
    });
    this.#answered = undefined;
    // It may have been given the watch, or have left, meanwhile.
    return silent && this.#leave && !this.leads ? this.#stand(0) : this.leads;
  }

  #heard(said: Said): void {
    if (said === "crowded") this.#yield();
    else if (said === "here") this.#answered?.();
    else if (this.leads) this.#channel.post("here");
  }

  /** The session is over. */
  stop(): void {
    this.#turn += 1;
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
    if (seen) this.#channel.post("crowded" satisfies Said);
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
    this.#check();
  }

  /** Without a connection it hears of nothing: it looks now and then whether another tab does. */
  #check(): void {
    this.#cancel = this.#platform.later(CHECK, () => void this.wanted().then((leads) => !leads && this.parked && this.#check()));
  }
}
