/** Keys as they stand on the reader's keyboard. */
import { t } from "../i18n.ts";

export const mac = /Mac|iP(hone|ad)/.test(navigator.platform);

/** Keys that have a name; all others are called by their sign. */
const NAMES = new Set(["ctrl", "shift", "alt", "enter", "tab", "esc", "up", "down", "pageup", "pagedown", "home", "end", "del"]);
/** What does on a Mac what these do elsewhere. */
const MAC: Record<string, string> = { ctrl: "cmd", alt: "option" };
const SIGNS: Record<string, string> = { plus: "+" };

/** What a key is called. */
export function keyName(key: string): string {
  if (!NAMES.has(key)) return SIGNS[key] ?? key;
  return t(`key.${(mac && MAC[key]) || key}`);
}

/** The keys of a combination like `ctrl+K`, by name. */
export function keyNames(keys: string): string[] {
  return keys.split("+").map(keyName);
}

/** A combination in one line. */
export function written(keys: string): string {
  return keyNames(keys).join(" ");
}
