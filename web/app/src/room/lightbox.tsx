/** Pictures of a message, large: one after another, each to be downloaded. */
import * as Ariakit from "@ariakit/react";
import { ChevronLeft, ChevronRight, Maximize, Minimize, X } from "lucide-react";
import { useState, type KeyboardEvent } from "react";
import { client } from "../client.ts";
import { bytes, t } from "../i18n.ts";
import { IconButton, css as kit } from "../kit/kit.tsx";
import { Download } from "./attachments.tsx";
import type { Picture } from "./pictures.ts";
import css from "./lightbox.module.css";

export default function Lightbox({ files, at: first, onClose }: { files: Picture[]; at: number; onClose: () => void }) {
  const [at, setAt] = useState(first);
  const [actual, setActual] = useState(false);
  const file = files[at];
  if (!file) return null;
  const go = (by: number) => {
    setActual(false);
    setAt((at + by + files.length) % files.length);
  };
  const pressed = (event: KeyboardEvent) => {
    if (files.length < 2 || event.altKey || event.ctrlKey || event.metaKey) return;
    const by = event.key === "ArrowLeft" ? -1 : event.key === "ArrowRight" ? 1 : 0;
    if (by === 0) return;
    event.preventDefault();
    go(by);
  };
  return (
    <Ariakit.Dialog open onClose={onClose} className={css["dialog"]} backdrop={<div className={kit["backdrop"]} />} onKeyDown={pressed} aria-label={t("media.picture", { name: file.filename })}>
      <header className={css["head"]}>
        <h2 className={css["name"]} dir="auto">{file.filename}</h2>
        {files.length > 1 ? <span className={css["aside"]} role="status">{t("media.of", { at: at + 1, count: files.length })}</span> : null}
        <span className={css["aside"]}>{file.width} × {file.height}, {bytes(file.size)}</span>
        <IconButton label={actual ? t("media.fit") : t("media.actual")} aria-pressed={actual} onClick={() => setActual(!actual)}>{actual ? <Minimize size={18} strokeWidth={1.5} aria-hidden /> : <Maximize size={18} strokeWidth={1.5} aria-hidden />}</IconButton>
        <IconButton label={t("action.close")} data-dialog-dismiss onClick={onClose} autoFocus><X size={18} strokeWidth={1.5} aria-hidden /></IconButton>
      </header>
      <div className={css["stage"]} data-actual={actual || undefined} tabIndex={actual ? 0 : undefined} role={actual ? "group" : undefined} aria-label={actual ? file.filename : undefined}>
        <Whole key={file.id} file={file} />
      </div>
      <footer className={css["foot"]}>
        {files.length > 1 ? <IconButton label={t("media.before")} onClick={() => go(-1)}><ChevronLeft size={18} strokeWidth={1.5} aria-hidden /></IconButton> : null}
        <Download file={file} />
        {files.length > 1 ? <IconButton label={t("media.next")} onClick={() => go(1)}><ChevronRight size={18} strokeWidth={1.5} aria-hidden /></IconButton> : null}
      </footer>
    </Ariakit.Dialog>
  );
}

function Whole({ file }: { file: Picture }) {
  const [fresh, setFresh] = useState<string>();
  const [failed, setFailed] = useState(false);
  const renew = () => {
    if (fresh) return setFailed(true);
    client.media(file.id).then((media) => setFresh(media.url), () => setFailed(true));
  };
  if (failed) return <p role="alert">{t("media.failed", { name: file.filename })}</p>;
  return <img src={client.link(fresh ?? file.url)} width={file.width} height={file.height} alt={file.filename} decoding="async" onError={renew} />;
}
