/** Dialogs: Ariakit's, in our clothes. */
import * as Ariakit from "@ariakit/react";
import type { ReactNode } from "react";
import { css } from "./kit.tsx";

export function Dialog({ title, onClose, children }: { title: string; onClose: () => void; children: ReactNode }) {
  return (
    <Ariakit.Dialog open onClose={onClose} className={css["dialog"]} backdrop={<div className={css["backdrop"]} />}>
      <Ariakit.DialogHeading render={<h2 />}>{title}</Ariakit.DialogHeading>
      {children}
    </Ariakit.Dialog>
  );
}
