/** Everything that can be done with a message, by name. It comes when it is asked for. */
import * as Ariakit from "@ariakit/react";
import { useState, type KeyboardEvent, type RefObject } from "react";
import { t } from "../i18n.ts";
import { css, landmark } from "../kit/kit.tsx";
import { MenuItem } from "../kit/menu-item.tsx";
import type { Act } from "./acts.tsx";

/** The button that opens it, where it is on show. */
function button(row: HTMLElement | null): Element | undefined {
  const found = row?.querySelector('[data-key="m"]');
  return found && found.getBoundingClientRect().width > 0 ? found : undefined;
}

/** The keys that stand beside the entries do here what they do on the message. */
function pressed(event: KeyboardEvent<HTMLElement>): void {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const entry = event.currentTarget.querySelector<HTMLElement>(`[data-shortcut="${CSS.escape(event.key)}"]`);
  if (!entry) return;
  event.preventDefault();
  event.stopPropagation();
  entry.click();
}

export default function MessageMenu({ acts, row, onClose }: { acts: Act[]; row: RefObject<HTMLElement | null>; onClose: () => void }) {
  const menu = Ariakit.useMenuStore({ open: true, placement: "bottom-end", setOpen: (open) => { if (!open) onClose(); } });
  // No button of Ariakit's opens it, which would say where the focus goes: to the first entry where a key was pressed on the message.
  useState(() => {
    menu.setAutoFocusOnShow(true);
    menu.setInitialFocus(document.activeElement === row.current ? "first" : "container");
  });
  return (
    <Ariakit.Menu store={menu} portal portalElement={landmark} preserveTabOrder={false} gutter={4} getAnchorRect={() => (button(row.current) ?? row.current)?.getBoundingClientRect() ?? null} finalFocus={row} onKeyDownCapture={pressed} className={css["menu"]} aria-label={t("message.actions")}>
      {acts.map((act) => (
        <MenuItem key={act.key} shortcut={act.key} server={act.server} onClick={act.run}>
          {act.icon}<span className={css["grow"]}>{act.label}</span><kbd className={css["hint"]} aria-hidden>{act.sign ?? act.key.toUpperCase()}</kbd>
        </MenuItem>
      ))}
    </Ariakit.Menu>
  );
}
