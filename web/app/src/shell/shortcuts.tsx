/** Every key that does something, by where it does. */
import { Fragment } from "react";
import { t } from "../i18n.ts";
import { Dialog } from "../kit/dialog.tsx";
import { enterSends } from "../settings.ts";
import { keyNames } from "./key-names.ts";
import css from "./shortcuts.module.css";

/** Combinations that do the same stand beside one another. */
type Listed = [keys: string[], id: string];

const ANYWHERE: Listed[] = [
  [["ctrl+K"], "keys.switcher"], [["ctrl+shift+F", "/"], "keys.search"], [["alt+up", "alt+down"], "keys.rooms"], [["alt+shift+up", "alt+shift+down"], "keys.unread"], [["F6", "shift+F6"], "keys.regions"],
  [["ctrl+."], "keys.panel"], [["up", "down", "home", "end"], "keys.list"], [["?", "ctrl+/"], "keys.help"], [["esc"], "keys.escape"],
];
const MESSAGES: Listed[] = [
  [["up", "down"], "keys.messages"], [["pageup", "pagedown"], "keys.pages"], [["home"], "keys.home"], [["end"], "keys.end"], [["R", "enter"], "keys.answer"], [["plus"], "keys.react"], [["1 - 5"], "keys.recent"], [["E"], "keys.edit"],
  [["del"], "keys.delete"], [["P"], "keys.pin"], [["C"], "keys.copy"], [["I"], "keys.about"], [["U"], "keys.person"], [["!"], "keys.report"], [["M"], "keys.menu"],
];
const writing = (): Listed[] => [
  [enterSends() ? ["enter", "ctrl+enter"] : ["ctrl+enter"], "keys.send"], [enterSends() ? ["shift+enter"] : ["enter", "shift+enter"], "keys.line"], [["up"], "keys.last"], [["ctrl+B", "ctrl+I", "ctrl+E"], "keys.format"], [["@", ":"], "keys.complete"],
];

export default function Shortcuts({ onClose }: { onClose: () => void }) {
  return (
    <Dialog title={t("keys.title")} onClose={onClose}>
      {/* It has the focus, so that keys scroll it where it is longer than the window. */}
      <div className={css["keys"]} tabIndex={0}>
        <Keys title={t("keys.anywhere")} all={ANYWHERE} />
        <Keys title={t("keys.on_message")} all={MESSAGES} />
        <Keys title={t("keys.writing")} all={writing()} />
      </div>
    </Dialog>
  );
}

function Keys({ title, all }: { title: string; all: Listed[] }) {
  return (
    <section>
      <h3>{title}</h3>
      <dl>
        {all.map(([combinations, id]) => (
          <div key={id}>
            <dt>{combinations.map((keys, i) => <Fragment key={keys}>{i > 0 ? <span>{t("keys.or")}</span> : null}<span className={css["pressed"]}>{keyNames(keys).map((name) => <kbd key={name}>{name}</kbd>)}</span></Fragment>)}</dt>
            <dd>{t(id)}</dd>
          </div>
        ))}
      </dl>
    </section>
  );
}
