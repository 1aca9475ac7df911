/** The emoji picker: Frimousse, with data from our own origin. */
import * as Ariakit from "@ariakit/react";
import { defaultEmojiDataResolver, EmojiPicker, type EmojiData } from "frimousse";
import { useState, type RefObject } from "react";
import { language, t } from "../i18n.ts";
import { composing } from "./composing.ts";
import { Button, Failed } from "./kit.tsx";
import { css as kit } from "./kit.tsx";
import { DATA, emojis, named } from "./emojis.ts";
import css from "./emoji.module.css";

/** Under a finger each of them is larger. */
const coarse = () => matchMedia("(pointer: coarse)").matches;

/** ARIA counts from one; the library counts from nought. */
function counted(index: number | undefined): number | undefined {
  return index === undefined ? undefined : index + 1;
}

const held = new Map<string, Promise<EmojiData>>();

/** The library keeps a copy where nothing may be left after a session; the files are in the browser's cache anyway. */
function tidy(): void {
  for (const kept of [localStorage, sessionStorage]) {
    for (const key of Object.keys(kept)) if (key.startsWith("frimousse/")) kept.removeItem(key);
  }
}

/** All emoji that this device can show; read once. To find out which these are takes longer than to show them. */
export function shown(): Promise<EmojiData> {
  const now = language();
  const known = held.get(now);
  if (known) return known;
  const data = Promise.resolve(defaultEmojiDataResolver(now, { emojibaseUrl: DATA })).finally(tidy);
  held.set(now, data);
  data.catch(() => held.delete(now));
  return data;
}

/** Tags that are worth as much to the library as a name in which the text is found. */
const AS_A_NAME = 10;

/** What is found by a text, the best first. The library ranks within each of its categories and by parts of words: here all are in one, and are worth the same to it. */
async function found(typed: string): Promise<EmojiData> {
  const [all, names] = await Promise.all([shown(), emojis()]);
  const text = typed.toLowerCase().trim();
  if (text === "") return all;
  const known = new Map(all.emojis.map((one) => [one.emoji, one]));
  const best = named(names, typed).flatMap(({ emoji }) => known.get(emoji) ?? []);
  const worth = (label: string) => Array<string>(label.toLowerCase().includes(text) ? 1 : AS_A_NAME + 1).fill(text);
  return { ...all, categories: [{ index: 0, label: t("emoji.found") }], emojis: best.map((one) => ({ ...one, category: 0, tags: worth(one.label) })) };
}

/** `back`: where the focus goes afterwards, if not to where it came from. */
export default function Emoji({ onPick, onClose, back }: { onPick: (emoji: string) => void; onClose: () => void; back?: RefObject<HTMLElement | null> }) {
  const [failed, setFailed] = useState(false);
  const [tries, setTries] = useState(0);
  // Frimousse has no state for data that cannot be had: it is asked for here first. What is here already is waited for, too: in a dialog
  // that is not laid out yet the first rows come a third of a second later.
  const [ready, setReady] = useState(false);
  const [asked, setAsked] = useState(-1);
  const [typed, setTyped] = useState("");
  if (asked !== tries) {
    setAsked(tries);
    shown().then(() => setReady(true), () => setFailed(true));
  }
  return (
    <Ariakit.Dialog open onClose={onClose} hideOnEscape={(event) => !composing(event)} {...(back ? { finalFocus: back } : {})} className={`${kit["dialog"]} ${css["dialog"]}`} aria-label={t("emoji.label")} backdrop={<div className={kit["backdrop"]} />}>
      {failed ? <Failed error={new Error(t("emoji.failed"))} retry={() => { setFailed(false); setTries(tries + 1); }} /> : null}
      {ready ? (
        <EmojiPicker.Root locale={language()} emojibaseUrl={typed} resolveEmojiData={(_, { emojibaseUrl }) => found(emojibaseUrl ?? "")} columns={coarse() ? 6 : 8} className={css["picker"]} onEmojiSelect={({ emoji }) => { onPick(emoji); onClose(); }}>
          {/* What is typed stands for where the data is: with another one it is asked for anew. */}
          <EmojiPicker.Search onChange={(event) => setTyped(event.target.value)} className={kit["input"]} autoFocus aria-label={t("emoji.search")} placeholder={t("emoji.search")} />
          <EmojiPicker.Viewport className={css["viewport"]}>
            <EmojiPicker.Empty>{t("emoji.none")}</EmojiPicker.Empty>
            <EmojiPicker.List components={{
              CategoryHeader: ({ category, ...props }) => <div {...props} className={css["category"]}>{category.label}</div>,
              Row: ({ children, ...props }) => <div {...props} aria-rowindex={counted(props["aria-rowindex"])} className={css["row"]}>{children}</div>,
              Emoji: ({ emoji, ...props }) => <button {...props} aria-colindex={counted(props["aria-colindex"])} className={css["emoji"]}>{emoji.emoji}</button>,
            }} />
          </EmojiPicker.Viewport>
        </EmojiPicker.Root>
      ) : null}
      <Button data-dialog-dismiss onClick={onClose}>{t("action.cancel")}</Button>
    </Ariakit.Dialog>
  );
}
