/** The emoji picker: Frimousse, with data from our own origin. */
import * as Ariakit from "@ariakit/react";
import { EmojiPicker } from "frimousse";
import { useState, type RefObject } from "react";
import { language, t } from "../i18n.ts";
import { Button, Failed } from "./kit.tsx";
import { css as kit } from "./kit.tsx";
import { DATA } from "./emojis.ts";
import css from "./emoji.module.css";

/** ARIA counts from one; the library counts from nought. */
function counted(index: number | undefined): number | undefined {
  return index === undefined ? undefined : index + 1;
}

/** `back`: where the focus goes afterwards, if not to where it came from. */
export default function Emoji({ onPick, onClose, back }: { onPick: (emoji: string) => void; onClose: () => void; back?: RefObject<HTMLElement | null> }) {
  const [failed, setFailed] = useState(false);
  const [tries, setTries] = useState(0);
  // Frimousse has no state for data that cannot be had: it is asked for here first, and then comes from the cache.
  const [ready, setReady] = useState(false);
  const [asked, setAsked] = useState(-1);
  if (asked !== tries) {
    setAsked(tries);
    Promise.all(["data", "messages"].map((name) => fetch(`${DATA}/${language()}/${name}.json`).then((answer) => answer.ok || Promise.reject(new Error(String(answer.status))))))
      .then(() => setReady(true), () => setFailed(true));
  }
  return (
    <Ariakit.Dialog open onClose={onClose} {...(back ? { finalFocus: back } : {})} className={`${kit["dialog"]} ${css["dialog"]}`} aria-label={t("emoji.label")} backdrop={<div className={kit["backdrop"]} />}>
      {failed ? <Failed error={new Error(t("emoji.failed"))} retry={() => { setFailed(false); setTries(tries + 1); }} /> : null}
      {ready ? (
        <EmojiPicker.Root locale={language()} emojibaseUrl={DATA} columns={8} className={css["picker"]} onEmojiSelect={({ emoji }) => { onPick(emoji); onClose(); }}>
          <EmojiPicker.Search className={kit["input"]} autoFocus aria-label={t("emoji.search")} placeholder={t("emoji.search")} />
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
