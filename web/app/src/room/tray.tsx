/** Files that go with the message one writes: how far each is, and the way to give it up. */
import { FileText, RotateCcw, X } from "lucide-react";
import { client, useKey } from "../client.ts";
import { bytes, t } from "../i18n.ts";
import { IconButton } from "../kit/kit.tsx";
import { detach, refusal } from "./attaching.ts";
import { Far, usePreview } from "./attachments.tsx";
import css from "./tray.module.css";

export default function Tray({ place, ids, onGone }: { place: string; ids: string[]; onGone: () => void }) {
  return <ul className={css["tray"]} aria-label={t("attach.label")}>{ids.map((id) => <One key={id} id={id} place={place} onGone={onGone} />)}</ul>;
}

function One({ id, place, onGone }: { id: string; place: string; onGone: () => void }) {
  const view = useKey(`upload:${id}`);
  const shown = usePreview(view?.file ?? { id, filename: "", content_type: "", size: 0 });
  if (!view) return null;
  const { filename, size } = view.file;
  const remove = () => {
    detach(place, id);
    onGone();
  };
  return (
    <li className={css["one"]} data-failed={view.state === "failed" || undefined}>
      {shown ? <img className={css["picture"]} src={shown.url} alt="" /> : <span className={css["picture"]}><FileText size={18} strokeWidth={1.5} aria-hidden /></span>}
      <span className={css["what"]}>
        <span className={css["name"]} dir="auto" title={filename}>{filename}</span>
        {view.state === "failed" ? <span className={css["wrong"]} role="alert">{refusal(view.problem)}</span> : view.state === "done" ? <span className={css["aside"]}>{bytes(size)}</span> : <Far id={id} name={filename} size={size} />}
      </span>
      {view.state === "failed" ? <IconButton label={t("attach.retry", { name: filename })} onClick={() => client.uploads.retry(id)}><RotateCcw size={18} strokeWidth={1.5} aria-hidden /></IconButton> : null}
      <IconButton label={view.state === "done" || view.state === "failed" ? t("attach.remove", { name: filename }) : t("attach.cancel", { name: filename })} onClick={remove}><X size={18} strokeWidth={1.5} aria-hidden /></IconButton>
    </li>
  );
}
