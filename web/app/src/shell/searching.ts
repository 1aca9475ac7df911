/** Whether the search stands beside what is shown, and what it begins with. */
import { useSyncExternalStore } from "react";
import { giveBack } from "./given-back.ts";

/** Each opening is another one, with a text of its own. */
export interface Opening {
  text: string;
  nth: number;
}

let now: Opening | undefined;
let nth = 0;
let opener: Element | null = null;
const listeners = new Set<() => void>();

function set(next: Opening | undefined): void {
  now = next;
  listeners.forEach((changed) => changed());
}

export function openSearch(text = ""): void {
  if (!now) opener = document.activeElement;
  set({ text, nth: ++nth });
}

export function closeSearch(): void {
  const from = opener;
  giveBack("[data-region=search]", () => (from instanceof HTMLElement ? from : null));
  set(undefined);
}

/** What one has found takes the focus. */
export function leaveSearch(): void {
  set(undefined);
}

export function isSearching(): boolean {
  return now !== undefined;
}

/** Whether there is space for it beside a room. */
export function beside(): boolean {
  return matchMedia("(min-width: 64rem)").matches;
}

export function useSearching(): Opening | undefined {
  return useSyncExternalStore((changed) => {
    listeners.add(changed);
    return () => void listeners.delete(changed);
  }, () => now);
}
