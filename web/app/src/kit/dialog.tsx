/** Dialogs: Ariakit's, in our clothes. */
import * as Ariakit from "@ariakit/react";
import type { ReactNode } from "react";
import { t } from "../i18n.ts";
import { composing } from "./composing.ts";
import { css } from "./kit.tsx";

/** The way out for a screen reader that has no key for it. Without one Ariakit puts one there, in its own words. */
export function Dismiss({ onClose }: { onClose: () => void }) {
  return <button type="button" className="hidden" tabIndex={-1} data-dialog-dismiss onClick={onClose}>{t("dialog.leave")}</button>;
}

export function Dialog({ title, onClose, children }: { title: string; onClose: () => void; children: ReactNode }) {
  return (
    <Ariakit.Dialog open onClose={onClose} hideOnEscape={(event) => !composing(event)} className={css["dialog"]} backdrop={<div className={css["backdrop"]} />}>
      <Ariakit.DialogHeading render={<h2 />}>{title}</Ariakit.DialogHeading>
      {children}
      <Dismiss onClose={onClose} />
    </Ariakit.Dialog>
  );
}
