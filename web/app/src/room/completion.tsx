/** Completes `@names` and `:emoji` while one writes. What shows them comes with the first of them. */
import { useState, useSyncExternalStore, type RefObject } from "react";
import { Later } from "../kit/later.tsx";
import { part } from "../kit/part.tsx";

const List = part(() => import("./completion-list.tsx"));
/** An @ at the beginning of a word, and what was typed of the name; or a colon and at least two letters: `:D`, `12:30` and `http://` are none. */
const WORD = /(?:^|[\s([{"'*_~])(@[\p{L}\p{N}._-]*|:\p{L}[\p{L}\p{N}_+-]+)$/u;

/** The word before the caret that may become something else, with its sign. */
export function wordBefore(text: string): string | undefined {
  return WORD.exec(text)?.[1];
}

export class Completing {
  /** The word that is being completed, with its sign. */
  word: string | undefined;
  /** The list that is shown takes keys; whether it took one. */
  list: ((key: string) => boolean) | undefined;
  // Closed with Esc: not opened again for this word.
  #dismissed: string | undefined;
  readonly #listeners = new Set<() => void>();
  readonly #area: RefObject<HTMLTextAreaElement | null>;

  constructor(area: RefObject<HTMLTextAreaElement | null>) {
    this.#area = area;
  }

  readonly subscribe = (changed: () => void): (() => void) => {
    this.#listeners.add(changed);
    return () => void this.#listeners.delete(changed);
  };

  readonly get = (): string | undefined => this.word;

  /** Looks at what stands before the caret. */
  look(): void {
    const area = this.#area.current;
    const word = area && area.selectionStart === area.selectionEnd ? wordBefore(area.value.slice(Math.max(0, area.selectionStart - 64), area.selectionStart)) : undefined;
    if (word === undefined || !this.#dismissed || !word.startsWith(this.#dismissed)) this.#dismissed = undefined;
    this.#set(this.#dismissed === undefined ? word : undefined);
  }

  /** Puts a text in the place of the word: as the keyboard does it, so that undo takes it back. */
  take(text: string): void {
    const area = this.#area.current;
    if (!area || this.word === undefined) return;
    const end = area.selectionStart;
    area.focus();
    area.setSelectionRange(end - this.word.length, end);
    document.execCommand("insertText", false, text);
    this.close();
  }

  close(): void {
    this.#set(undefined);
  }

  /** Whether a key was meant for the list. */
  takes(key: string): boolean {
    if (this.word === undefined) return false;
    if (key !== "Escape") return this.list?.(key) ?? false;
    // Of what is not shown nothing is closed.
    if (!this.list) return false;
    this.#dismissed = this.word;
    this.close();
    return true;
  }

  #set(word: string | undefined): void {
    if (this.word === word) return;
    this.word = word;
    for (const changed of this.#listeners) changed();
  }
}

export function useCompletion(area: RefObject<HTMLTextAreaElement | null>): Completing {
  const [completing] = useState(() => new Completing(area));
  return completing;
}

export function Completion({ completing, area, room, timeline }: { completing: Completing; area: RefObject<HTMLTextAreaElement | null>; room: string; timeline: string }) {
  const word = useSyncExternalStore(completing.subscribe, completing.get);
  return word === undefined ? null : <Later quiet><List completing={completing} word={word} area={area} room={room} timeline={timeline} /></Later>;
}
