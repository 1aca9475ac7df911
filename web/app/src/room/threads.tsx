/** The threads of a room, the newest answer first. */
import type { Room } from "@tidings/client";
import { X } from "lucide-react";
import { useEffect, useRef, useState } from "react";
import { client, useKey } from "../client.ts";
import { t } from "../i18n.ts";
import { Failed, IconButton } from "../kit/kit.tsx";
import { ThreadEntry } from "./thread-entry.tsx";
import css from "./room.module.css";

/** Milliseconds from a change until the list is read again. */
export const AGAIN = 1_500;

export default function Threads({ room, onClose }: { room: Room; onClose: () => void }) {
  const view = useKey(`threads:${room.id}`);
  const [error, setError] = useState<unknown>();
  const head = useRef<HTMLHeadingElement>(null);
  const reading = useRef(false);
  const [read, setRead] = useState(0);
  const stale = !view || view.stale;
  const known = view !== undefined;
  useEffect(() => head.current?.focus(), []);
  useEffect(() => {
    if (!stale || reading.current) return;
    reading.current = true;
    // Where many answer at once it is read now and then.
    setTimeout(() => {
      client.threads(room.id).then(() => setError(undefined), setError).finally(() => {
        reading.current = false;
        setRead((times) => times + 1);
      });
    }, known ? AGAIN : 0);
  }, [room.id, stale, known, read]);
  return (
    <aside className={css["panel"]} aria-label={t("threads.title")} data-region="panel" onKeyDown={(event) => { if (event.key === "Escape" && !event.defaultPrevented) onClose(); }}>
      <div className={css["panelHead"]}>
        <h2 ref={head} tabIndex={-1}>{t("threads.title")}</h2>
        <IconButton label={t("action.close")} onClick={onClose}><X size={18} strokeWidth={1.5} aria-hidden /></IconButton>
      </div>
      <div className={css["list"]} aria-busy={!view && error === undefined}>
        {error === undefined ? null : <Failed error={error} retry={() => void client.threads(room.id).then(() => setError(undefined), setError)} />}
        {view?.items.length === 0 ? <p className={css["pad"]}>{t("threads.none_here")}</p> : null}
        <ul>{view?.items.map((thread) => <ThreadEntry key={thread.root.id} thread={thread} onError={setError} />)}</ul>
      </div>
    </aside>
  );
}
