/** The files of a message: pictures in boxes of their final size, everything else by its name, to be downloaded. */
import type { Media, OutboxFile } from "@tidings/client";
import { FileText } from "lucide-react";
import { useEffect, useState, type MouseEvent } from "react";
import { client, useKey } from "../client.ts";
import { bytes, t } from "../i18n.ts";
import { box, isGood, isPicture, preview, type Picture, type Preview } from "./pictures.ts";
import css from "./attachments.module.css";
import { Later } from "../kit/later.tsx";
import { part } from "../kit/part.tsx";

const Lightbox = part(() => import("./lightbox.tsx"));

export function Attachments({ files }: { files: Media[] }) {
  const [open, setOpen] = useState<number>();
  const pictures = files.filter(isPicture);
  const others = files.filter((file) => !isPicture(file));
  return (
    <>
      {pictures.length > 0 ? (
        <div className={css["pictures"]}>{pictures.map((file, at) => <Shown key={file.id} file={file} alone={pictures.length === 1} onOpen={() => setOpen(at)} />)}</div>
      ) : null}
      {others.length > 0 ? <ul className={css["files"]}>{others.map((file) => <li key={file.id}><Download file={file} /></li>)}</ul> : null}
      <Later>{open === undefined ? null : <Lightbox files={pictures} at={open} onClose={() => setOpen(undefined)} />}</Later>
    </>
  );
}

/** URLs run out: one that does is asked for anew, once. */
function Shown({ file, alone, onOpen }: { file: Picture; alone: boolean; onOpen: () => void }) {
  const [fresh, setFresh] = useState<string>();
  const [failed, setFailed] = useState(false);
  const { width, height } = box(file.width, file.height, alone);
  const renew = () => {
    if (fresh) return setFailed(true);
    client.media(file.id).then((media) => setFresh(media.thumbnail_url ?? media.url), () => setFailed(true));
  };
  return (
    <button type="button" className={css["picture"]} style={{ inlineSize: width, aspectRatio: `${width} / ${height}` }} aria-label={t("media.open", { name: file.filename })} aria-haspopup="dialog" onClick={onOpen}>
      {failed ? <span className={css["name"]}>{t("media.failed", { name: file.filename })}</span>
        : <img src={client.link(fresh ?? file.thumbnail_url)} width={width} height={height} alt="" loading="lazy" decoding="async" draggable={false} onError={renew} />}
    </button>
  );
}

/** A link that downloads a file under its name. */
export function Download({ file }: { file: Media }) {
  const [failed, setFailed] = useState(false);
  const follow = (event: MouseEvent) => {
    if (isGood(file.url)) return;
    event.preventDefault();
    client.media(file.id).then((media) => {
      setFailed(false);
      const link = document.createElement("a");
      link.href = client.link(media.url);
      link.download = media.filename;
      link.click();
    }, () => setFailed(true));
  };
  return (
    <>
      <a className={css["file"]} href={client.link(file.url)} download={file.filename} onClick={follow}>
        <FileText size={18} strokeWidth={1.5} aria-hidden />
        <span className={css["name"]} dir="auto">{file.filename}</span>
        <span className={css["aside"]}>{bytes(file.size)}</span>
        <span className="hidden">{t("media.download")}</span>
      </a>
      {failed ? <span className={css["wrong"]} role="alert">{t("media.failed", { name: file.filename })}</span> : null}
    </>
  );
}

/** What can be seen of a file that is on its way. */
export function usePreview(file: OutboxFile): Preview | undefined {
  const view = useKey(`upload:${file.id}`);
  const data = file.data ?? view?.file.data;
  const [shown, setShown] = useState<Preview>();
  useEffect(() => {
    let gone = false;
    if (data) void preview(file.id, data).then((one) => gone || setShown(one));
    return () => {
      gone = true;
    };
  }, [file.id, data]);
  return shown;
}

/** Files of a message that is on its way. */
export function Sending({ files }: { files: OutboxFile[] }) {
  return <ul className={css["files"]}>{files.map((file) => <li key={file.id}><One file={file} alone={files.length === 1} /></li>)}</ul>;
}

function One({ file, alone }: { file: OutboxFile; alone: boolean }) {
  const shown = usePreview(file);
  const size = shown ? box(shown.width, shown.height, alone) : undefined;
  return (
    <div className={css["sending"]}>
      {shown && size ? <span className={css["picture"]} style={{ inlineSize: size.width, aspectRatio: `${size.width} / ${size.height}` }}><img src={shown.url} width={size.width} height={size.height} alt="" /></span> : null}
      <span className={css["file"]}>
        {shown ? null : <FileText size={18} strokeWidth={1.5} aria-hidden />}
        <span className={css["name"]} dir="auto">{file.filename}</span>
        <span className={css["aside"]}>{bytes(file.size)}</span>
      </span>
      {file.media ? null : <Far id={file.id} name={file.filename} size={file.size} />}
    </div>
  );
}

/** How far a file is. */
export function Far({ id, name, size }: { id: string; name: string; size: number }) {
  const view = useKey(`upload:${id}`);
  const status = useKey("status");
  if (!view || view.state === "done" || view.state === "failed") return null;
  const text = view.state === "checking" ? t("upload.checking") : view.state === "sending" ? t("upload.sending", { share: Math.floor((view.sent / Math.max(1, size)) * 100) }) : status.phase === "live" ? t("upload.waiting") : t("upload.offline");
  return (
    <span className={css["far"]}>
      <progress className={css["bar"]} value={view.sent} max={Math.max(1, size)} aria-label={t("upload.progress", { name })} />
      <span className={css["aside"]}>{text}</span>
    </span>
  );
}
