import { t } from "../i18n.ts";
import { Dialog } from "../kit/dialog.tsx";
import css from "./shortcuts.module.css";

const KEYS: [string, string][] = [
  ["Ctrl K", "keys.switcher"], ["Ctrl Shift F", "keys.search"], ["Alt ↑ ↓", "keys.rooms"], ["Alt Shift ↑ ↓", "keys.unread"], ["F6", "keys.regions"], ["?", "keys.help"], ["Esc", "keys.escape"],
  ["↑ ↓", "keys.messages"], ["End", "keys.end"], ["E", "keys.edit"], ["Del", "keys.delete"], ["R", "keys.answer"], ["C", "keys.copy"], ["+", "keys.react"], ["P", "keys.pin"], ["!", "keys.report"],
  ["Enter", "keys.send"], ["Shift Enter", "keys.line"], ["↑", "keys.last"],
];

export default function Shortcuts({ onClose }: { onClose: () => void }) {
  return (
    <Dialog title={t("keys.title")} onClose={onClose}>
      <dl className={css["keys"]}>
        {KEYS.map(([key, id]) => <div key={id}><dt><kbd>{key}</kbd></dt><dd>{t(id)}</dd></div>)}
      </dl>
    </Dialog>
  );
}
