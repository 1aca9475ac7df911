/**
 * The app's texts, for tests that ask for them by their ids: in a language that is shipped, or in one that is not, in which
 * every text of the catalogues is accented, longer, and stands between brackets. What a screen shows outside of brackets is
 * not out of a catalogue.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { setupI18n } from "@lingui/core";
import { compileMessage } from "@lingui/message-utils/compileMessage";
import type { BrowserContext, Page } from "playwright-core";

type Compiled = ReturnType<typeof compileMessage>;
type Messages = Record<string, Compiled>;

/** A text by its id. */
export type Texts = (id: string, values?: Record<string, string | number>) => string;

const PARTS = ["", "more.", "admin."];
const ACCENTED: Record<string, string> = { a: "áa", e: "ée", i: "íi", o: "óo", u: "úu", y: "ýy", A: "Áa", E: "Ée", I: "Íi", O: "Óo", U: "Úu", c: "ç", n: "ñ", s: "š", z: "ž", C: "Ç", N: "Ñ", S: "Š" };
const [OPEN, CLOSE] = ["⟦", "⟧"];

function compiled(language: string): Messages {
  const read = (part: string) => JSON.parse(readFileSync(join(import.meta.dirname, `../../src/locales/${part}${language}.json`), "utf8")) as Record<string, string>;
  const all = Object.assign({}, ...PARTS.map(read)) as Record<string, string>;
  return Object.fromEntries(Object.entries(all).map(([id, text]) => [id, compileMessage(text)]));
}

const stretched = (text: string) => [...text].map((letter) => ACCENTED[letter] ?? letter).join("");

/** The pieces of a text: what stands for a value is left alone. */
function piece(one: unknown): unknown {
  if (typeof one === "string") return one === "#" ? one : stretched(one);
  if (!Array.isArray(one)) return one;
  const [name, kind, forms] = one as [string, string?, Record<string, unknown>?];
  if (!forms || typeof forms !== "object") return one;
  return [name, kind, Object.fromEntries(Object.entries(forms).map(([form, text]) => [form, Array.isArray(text) ? text.map(piece) : piece(text)]))];
}

function pseudo(message: Compiled): Compiled {
  return [OPEN, ...(Array.isArray(message) ? message : [message]).map(piece), CLOSE] as Compiled;
}

function speaker(locale: string, messages: Messages): Texts {
  const i18n = setupI18n({ locale, messages: { [locale]: messages } });
  return (id, values) => i18n._(id, values);
}

/** The texts of a language that is shipped. */
export function texts(language: "en" | "de"): Texts {
  return speaker(language, compiled(language));
}

/** The texts of the language that is not. */
export function pseudoTexts(): Texts {
  return speaker("en", Object.fromEntries(Object.entries(compiled("en")).map(([id, message]) => [id, pseudo(message)])));
}

/**
 * Lets the pages of a browser whose language is English speak it: the catalogues are changed on their way, and what `Intl`
 * writes for the app, as it does for each reader, stands between brackets as well.
 */
export async function speakPseudo(context: BrowserContext): Promise<void> {
  await context.route(/\/assets\/(?:more\.|admin\.)?en-[\w-]+\.js$/, async (route) => {
    const answer = await route.fetch();
    const text = await answer.text();
    // The build writes `JSON.parse(...)` of a string.
    const found = /JSON\.parse\((`(?:[^`\\]|\\.)*`|'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")\)/s.exec(text);
    if (!found?.[1]) throw new Error(`no catalogue in ${route.request().url()}`);
    const messages = JSON.parse(new Function(`return ${found[1]}`)() as string) as Messages;
    const changed = JSON.stringify(Object.fromEntries(Object.entries(messages).map(([id, message]) => [id, pseudo(message)])));
    await route.fulfill({ response: answer, body: text.replace(found[0], () => `JSON.parse(${JSON.stringify(changed)})`) });
  });
  await context.addInitScript(([open, close]) => {
    const wrap = (made: string) => `${open}${made}${close}`;
    for (const type of [Intl.DateTimeFormat, Intl.NumberFormat] as { prototype: object }[]) {
      const format = Object.getOwnPropertyDescriptor(type.prototype, "format")?.get;
      Object.defineProperty(type.prototype, "format", { configurable: true, get(this: object) {
        const own = format?.call(this) as (value: unknown) => string;
        return (value: unknown) => wrap(own(value));
      } });
    }
  }, [OPEN, CLOSE]);
}

/**
 * What a page shows or says that is out of no catalogue. `known` is what people wrote: names, rooms, messages, addresses.
 * Code, keys of the keyboard, names of emoji and texts in a language of their own are no part of the catalogues.
 */
export async function strays(page: Page, known: string[]): Promise<string[]> {
  const said = await page.evaluate(() => {
    const all: string[] = [document.title];
    const apart = "script, style, code, kbd, pre, option[lang], [frimousse-viewport], [class*=body], [aria-hidden=true] kbd";
    const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_ELEMENT | NodeFilter.SHOW_TEXT);
    for (let node: Node | null = walk.currentNode; node; node = walk.nextNode()) {
      const element = node instanceof Element ? node : node.parentElement;
      if (!element || element.closest(apart)) continue;
      if (node instanceof Element) for (const name of ["aria-label", "aria-description", "aria-valuetext", "aria-roledescription", "title", "placeholder", "alt"]) all.push(node.getAttribute(name) ?? "");
      else all.push(node.nodeValue ?? "");
    }
    return all.filter((text) => text.trim() !== "");
  });
  const longest = [...known].filter(Boolean).sort((a, b) => b.length - a.length);
  return [...new Set(said)].filter((text) => {
    let outside = "";
    let depth = 0;
    for (const letter of text) {
      if (letter === OPEN) depth += 1;
      else if (letter === CLOSE) depth = Math.max(0, depth - 1);
      else if (depth === 0) outside += letter;
    }
    for (const one of longest) outside = outside.replaceAll(one, " ");
    // The programs that signed in, as they call themselves.
    if (outside.includes("AppleWebKit")) return false;
    return /\p{L}{2,}/u.test(outside);
  });
}
