/** Names of emoji, from our own origin, in the language of the page: fetched once, when one is first looked for. */
import { language, type Language } from "../i18n.ts";

export const DATA = "/assets/emoji-17.0.0";

export interface Emoji {
  emoji: string;
  label: string;
  tags?: string[];
  /** Parts of other emoji have none. */
  group?: number;
}

/** Parts: skin tones and the like. */
const PARTS = 2;
const asked = new Map<Language, Promise<Emoji[]>>();

export function emojis(): Promise<Emoji[]> {
  const now = language();
  let all = asked.get(now);
  if (!all) {
    all = fetch(`${DATA}/${now}/data.json`).then((answer) => (answer.ok ? (answer.json() as Promise<Emoji[]>) : Promise.reject(new Error(String(answer.status)))));
    asked.set(now, all);
    // What failed is asked for again.
    all.catch(() => asked.delete(now));
  }
  return all;
}

const fold = (text: string) => text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();

/** The emoji that a word may mean: those whose name begins with it, then those with a word that does, then by their tags. */
export function named(all: Emoji[], typed: string): Emoji[] {
  const word = fold(typed.replaceAll("_", " "));
  const score = ({ label, tags = [] }: Emoji): number => {
    const name = fold(label);
    if (name === word || tags.some((tag) => fold(tag) === word)) return name.startsWith(word) ? 0 : 1;
    if (name.startsWith(word)) return 2;
    if (name.split(/[\s:-]+/u).some((one) => one.startsWith(word))) return 3;
    return tags.some((tag) => fold(tag).startsWith(word)) ? 4 : 5;
  };
  const scored = all.filter((one) => one.group !== undefined && one.group !== PARTS).map((one, at) => ({ one, at, score: score(one) })).filter((each) => each.score < 5);
  return scored.sort((a, b) => a.score - b.score || a.at - b.at).map((each) => each.one);
}
