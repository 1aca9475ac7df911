/** A dialog that asks for what an act needs, and stays until the act is done. */
import type { ReactNode } from "react";
import { t } from "../i18n.ts";
import { Refusal, useActing } from "./acting.tsx";
import { Dialog } from "./dialog.tsx";
import { Button, css, TextField } from "./kit.tsx";
import page from "../screens/page.module.css";

interface Props {
  title: string;
  text?: string | undefined;
  /** What the button says. */
  action: string;
  danger?: boolean;
  children?: ReactNode;
  onClose: () => void;
  /** Done: the dialog goes. Refused: it says why. */
  onSubmit: (form: FormData) => Promise<unknown>;
}

export default function Ask({ title, text, action, danger, children, onClose, onSubmit }: Props) {
  const acting = useActing();
  const submit = async (form: FormData) => {
    if (await acting.act(() => onSubmit(form))) onClose();
  };
  return (
    <Dialog title={title} onClose={onClose}>
      <form onSubmit={(event) => { event.preventDefault(); void submit(new FormData(event.currentTarget)); }} className={page["form"]}>
        {text ? <p>{text}</p> : null}
        {children}
        <Refusal acting={acting} />
        <div className={`${css["row"]} ${css["end"]}`}>
          <Button onClick={onClose}>{t("action.cancel")}</Button>
          <Button server type="submit" look={danger ? "danger" : "primary"} aria-disabled={acting.busy}>{action}</Button>
        </div>
      </form>
    </Dialog>
  );
}

/** Why: part of what is kept of the act. */
export function Reason({ optional, label, hint }: { optional?: boolean; label?: string; hint?: string }) {
  return <TextField label={label ?? t("reason.label")} hint={hint} name="reason" required={!optional} maxLength={500} rows={2} />;
}

/** The reason of a form, where one was given. */
export function reason(form: FormData): { reason?: string } {
  const text = String(form.get("reason") ?? "").trim();
  return text ? { reason: text } : {};
}
