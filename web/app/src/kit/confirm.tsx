import { t } from "../i18n.ts";
import { Dialog } from "./dialog.tsx";
import { Button, css } from "./kit.tsx";

/** Asks before something that cannot be undone. */
export default function Confirm({ title, text, action, onClose, onConfirm }: { title: string; text: string; action: string; onClose: () => void; onConfirm: () => void }) {
  return (
    <Dialog title={title} onClose={onClose}>
      <p>{text}</p>
      <div className={`${css["row"]} ${css["end"]}`}>
        <Button onClick={onClose}>{t("action.cancel")}</Button>
        <Button look="danger" onClick={() => { onConfirm(); onClose(); }}>{action}</Button>
      </div>
    </Dialog>
  );
}
