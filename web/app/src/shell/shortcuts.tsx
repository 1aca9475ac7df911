import { t } from "../i18n.ts";
import { Dialog } from "../kit/dialog.tsx";
import css from "./shortcuts.module.css";

const KEYS: [string, string][] = [
  ["Ctrl K", "keys.switcher"], ["Ctrl Shift F", "keys.search"], ["Alt ↑ ↓", "keys.rooms"], ["Alt Shift ↑ ↓", "keys.unread"], ["F6", "keys.regions"], ["Ctrl .", "keys.panel"], ["?", "keys.help"], ["Esc", "keys.escape"],
  ["↑ ↓", "keys.messages"], ["Page ↑ ↓", "keys.pages"], ["End", "keys.end"], ["M", "keys.menu"], ["E", "keys.edit"], ["Del", "keys.delete"], ["R / Enter", "keys.answer"], ["C", "keys.copy"], ["+", "keys.react"], ["1 - 5", "keys.recent"], ["I", "keys.about"], ["U", "keys.person"], ["P", "keys.pin"], ["!", "keys.report"],
  ["Enter", "keys.send"], ["Shift Enter", "keys.line"], ["↑", "keys.last"], ["Ctrl B / I / E", "keys.format"], ["@ / :", "keys.complete"],
];

export default function Shortcuts({ onClose }: { onClose: () => void }) {
  return (
    <Dialog title={t("keys.title")} onClose={onClose}>
      {/* It has the focus, so that keys scroll it where it is longer than the window. */}
      <dl className={css["keys"]} tabIndex={0}>
        {KEYS.map(([key, id]) => <div key={id}><dt><kbd>{key}</kbd></dt><dd>{t(id)}</dd></div>)}
      </dl>
    </Dialog>
  );
}
