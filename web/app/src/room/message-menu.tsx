/** Everything that can be done with a message, by name. It comes when it is asked for. */
import * as Ariakit from "@ariakit/react";
import type { RefObject } from "react";
import { t } from "../i18n.ts";
import { css, landmark } from "../kit/kit.tsx";
import type { Act } from "./acts.tsx";

/** The button that opens it, where it is on show. */
function button(row: HTMLElement | null): Element | undefined {
  const found = row?.querySelector('[data-key="m"]');
  return found && found.getBoundingClientRect().width > 0 ? found : undefined;
}

export default function MessageMenu({ acts, row, onClose }: { acts: Act[]; row: RefObject<HTMLElement | null>; onClose: () => void }) {
  const menu = Ariakit.useMenuStore({ open: true, placement: "bottom-end", setOpen: (open) => { if (!open) onClose(); } });
  return (
    <Ariakit.Menu store={menu} portal portalElement={landmark} preserveTabOrder={false} gutter={4} getAnchorRect={() => (button(row.current) ?? row.current)?.getBoundingClientRect() ?? null} finalFocus={row} className={css["menu"]} aria-label={t("message.actions")}>
      {acts.map((act) => (
        <Ariakit.MenuItem key={act.key} className={css["item"]} onClick={act.run}>
          {act.icon}<span className={css["grow"]}>{act.label}</span><kbd className={css["hint"]} aria-hidden>{act.sign ?? act.key.toUpperCase()}</kbd>
        </Ariakit.MenuItem>
      ))}
    </Ariakit.Menu>
  );
}
