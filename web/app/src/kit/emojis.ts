/** Names of emoji, from our own origin, in the language of the page: fetched once, when one is first looked for. */
import { language, type Language } from "../i18n.ts";
import { fold } from "./fold.ts";

export const DATA = "/assets/emoji-17.0.0-1";

export interface Emoji {
  emoji: string;
  label: string;
  tags?: string[];
  /** Names without spaces, the same in every language. */
  shortcodes?: string[];
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

/** How far an emoji is from what a word means: nought is what it is called; undefined: it is not meant at all. */
function distance({ label, tags = [], shortcodes = [] }: Emoji, word: string): number | undefined {
  const name = fold(label);
  const short = shortcodes.map((one) => one.replaceAll("_", " "));
  if (name === word || short.includes(word)) return 0;
  const words = name.split(/[\s:-]+/u);
  if (tags.some((tag) => fold(tag) === word)) return words[0] === word ? 1 : name.startsWith(word) ? 2 : 3;
  if (name.startsWith(word)) return 4;
  if (words.some((one) => one.startsWith(word))) return 5;
  return short.some((one) => one.startsWith(word)) || tags.some((tag) => fold(tag).startsWith(word)) ? 6 : undefined;
}

/** The emoji that a word may mean: those that are called so, by a name or a short one; those with the word as a tag, then those whose name begins with it,
 *  or has a word that does, then by what begins with it else. The picker and the completion while one writes rank alike. */
export function named(all: Emoji[], typed: string): Emoji[] {
  const word = fold(typed.replaceAll("_", " ").trim());
  const found = all.flatMap((one, at) => {
    const far = one.group === undefined || one.group === PARTS ? undefined : distance(one, word);
    return far === undefined ? [] : [{ one, at, far }];
  });
  return found.sort((a, b) => a.far - b.far || a.at - b.at).map((each) => each.one);
}
