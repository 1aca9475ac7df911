/** A list that is one stop of Tab: arrows, Home and End go through it, and letters to what begins with them. */
import { useCallback, useLayoutEffect, useRef, type KeyboardEvent, type RefObject } from "react";
import { composing } from "./composing.ts";
import { fold } from "./fold.ts";

/** Milliseconds within which letters belong together. */
const TOGETHER = 700;

/** The entry that letters lead to: the next one that begins with them, from the one that has the focus on. A single letter leads on to another one. */
export function beginning(names: string[], at: number, typed: string): number {
  const from = typed.length === 1 ? at + 1 : Math.max(0, at);
  const order = names.map((_, i) => (from + i) % names.length);
  return order.find((one) => fold(names[one] ?? "").startsWith(fold(typed))) ?? -1;
}

/** What stands with an entry, the buttons beside it included. */
const row = (entry: HTMLElement): HTMLElement => entry.closest("li") ?? entry;

interface Roving {
  onKeyDown: (event: KeyboardEvent) => void;
  onFocus: () => void;
  onBlur: () => void;
}

/** The names of the entries that a selector finds are their texts, or those of what `named` finds in their rows. Tab goes on to the buttons beside the one that is the stop. */
export function useRoving(list: RefObject<HTMLElement | null>, selector: string, named?: string): Roving {
  const typed = useRef({ text: "", at: 0 });
  const entries = useCallback(() => [...(list.current?.querySelectorAll<HTMLElement>(selector) ?? [])], [list, selector]);
  /** Tab leads to the one that has the focus, else to the one on show, else to the one that had it, else to the first. */
  const place = useCallback(() => {
    const all = entries();
    const stop = all.find((one) => row(one).contains(document.activeElement)) ?? all.find((one) => one.getAttribute("aria-current") === "page") ?? all.find((one) => one.getAttribute("tabindex") === "0") ?? all[0];
    for (const one of all) for (const part of row(one).querySelectorAll<HTMLElement>("a[href], button")) part.tabIndex = one === stop ? 0 : -1;
  }, [entries]);
  useLayoutEffect(place);
  const letters = (key: string) => {
    const now = Date.now();
    typed.current = { text: now - typed.current.at < TOGETHER ? typed.current.text + key : key, at: now };
    return typed.current.text;
  };
  return {
    onKeyDown: (event) => {
      const all = entries();
      const at = all.indexOf(event.target as HTMLElement);
      if (at < 0 || composing(event) || event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
      const steps: Record<string, number> = { ArrowDown: Math.min(at + 1, all.length - 1), ArrowUp: Math.max(at - 1, 0), Home: 0, End: all.length - 1 };
      // These are keys of the whole page.
      const letter = event.key.length === 1 && !" ?/".includes(event.key);
      const names = () => all.map((one) => ((named ? row(one).querySelector(named) : one)?.textContent ?? "").trim());
      const to = steps[event.key] ?? (letter ? beginning(names(), at, letters(event.key)) : -1);
      if (to < 0) return;
      event.preventDefault();
      all[to]?.focus();
    },
    onFocus: place,
    // What gets it is known by then.
    onBlur: () => void setTimeout(place),
  };
}
