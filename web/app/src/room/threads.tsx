/** The threads of a room, the newest answer first. */
import type { Room } from "@tidings/client";
import { useEffect, useRef, useState } from "react";
import { client, useKey } from "../client.ts";
import { t } from "../i18n.ts";
import { Failed } from "../kit/kit.tsx";
import { Waiting } from "../kit/pages.tsx";
import { useRoving } from "../kit/roving.ts";
import { ThreadEntry } from "./thread-entry.tsx";
import { Panel } from "./panel.tsx";
import css from "./room.module.css";

/** Milliseconds from a change until the list is read again. */
export const AGAIN = 1_500;

export default function Threads({ room, onClose }: { room: Room; onClose: () => void }) {
  const view = useKey(`threads:${room.id}`);
  const [error, setError] = useState<unknown>();
  const reading = useRef(false);
  const [read, setRead] = useState(0);
  const list = useRef<HTMLUListElement>(null);
  const roving = useRoving(list, "[data-entry]");
  const stale = !view || view.stale;
  const known = view !== undefined;
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
    <Panel title={t("threads.title")} onClose={onClose} takes>
      <div className={css["list"]} aria-busy={!view && error === undefined}>
        {error === undefined ? null : <Failed error={error} retry={() => void client.threads(room.id).then(() => setError(undefined), setError)} />}
        {!view && error === undefined ? <Waiting /> : null}
        {view?.items.length === 0 ? <p className={css["pad"]}>{t("threads.none_here")}</p> : null}
        <ul ref={list} {...roving}>{view?.items.map((thread) => <ThreadEntry key={thread.root.id} thread={thread} onError={setError} />)}</ul>
      </div>
    </Panel>
  );
}
