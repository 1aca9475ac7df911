/** The threads that the user follows, those with something unread first. The server lists them room by room. */
import { useEffect, useMemo, useRef, useState } from "react";
import { client, useKey } from "../client.ts";
import { t, useLanguage } from "../i18n.ts";
import { Button, Failed } from "../kit/kit.tsx";
import { Waiting } from "../kit/pages.tsx";
import { useRoving } from "../kit/roving.ts";
import { AGAIN } from "../room/threads.tsx";
import { ThreadEntry } from "../room/thread-entry.tsx";
import { css, Page } from "./page.tsx";

/** Rooms that are looked into at a time, by activity. */
const BATCH = 10;
/** Rooms that are looked into without being asked to, while there is something unread that was not found. */
const BY_ITSELF = 40;

export default function Threads() {
  useLanguage();
  const rooms = useKey("rooms");
  const unread = useKey("unread");
  const live = useKey("status").phase === "live";
  const [looked, setLooked] = useState(BATCH);
  const [changed, setChanged] = useState(0);
  const [error, setError] = useState<unknown>();
  // The order at the beginning: what comes in meanwhile must not make it look into other rooms.
  const order = useRef<string[]>([]);
  const known = rooms.length > 0;
  if (order.current.length === 0) order.current = rooms.map((room) => room.id);
  const ids = useMemo(() => (known ? order.current.slice(0, looked) : []), [known, looked]);
  useEffect(() => {
    const stops = ids.map((id) => client.store.subscribe(`threads:${id}`, () => setChanged((times) => times + 1)));
    return () => stops.forEach((stop) => stop());
  }, [ids]);
  const reading = useRef(false);
  useEffect(() => {
    const next = ids.find((id) => client.store.get(`threads:${id}`)?.stale !== false);
    if (!next || reading.current || error !== undefined) return;
    reading.current = true;
    // One room at a time: what a person does comes first. What has changed is read again now and then.
    setTimeout(() => {
      client.threads(next).catch(setError).finally(() => {
        reading.current = false;
        setChanged((times) => times + 1);
      });
    }, client.store.get(`threads:${next}`) ? AGAIN : 0);
  }, [ids, changed, error]);
  const list = useRef<HTMLUListElement>(null);
  const roving = useRoving(list, "[data-entry]");
  const views = ids.map((id) => client.store.get(`threads:${id}`));
  const all = views.flatMap((view) => view?.items ?? []).filter((thread) => thread.following);
  const last = (thread: (typeof all)[number]) => thread.root.last_reply_at ?? thread.root.created_at;
  all.sort((a, b) => Number(b.unread_count > 0) - Number(a.unread_count > 0) || (last(a) < last(b) ? 1 : -1));
  // Who is in no room has no thread.
  const done = known ? views.every((view) => view !== undefined) : live;
  const more = looked < order.current.length;
  const missing = done && more && looked < BY_ITSELF && all.filter((thread) => thread.unread_count > 0).length < unread.threads;
  useEffect(() => {
    if (missing) setLooked((now) => now + BATCH);
  }, [missing, looked]);
  return (
    <Page title={t("threads.title")}>
      {error === undefined ? null : <Failed error={error} retry={() => setError(undefined)} />}
      {done && all.length === 0 ? <p className={css["empty"]}>{t("threads.none")}</p> : null}
      {!done && all.length === 0 && error === undefined ? <Waiting /> : null}
      <ul ref={list} {...roving} aria-busy={!done && error === undefined} aria-label={t("threads.title")}>{all.map((thread) => <ThreadEntry key={thread.root.id} thread={thread} named onError={setError} />)}</ul>
      {done && more ? <div><Button onClick={() => setLooked(looked + BATCH)}>{t("threads.more")}</Button></div> : null}
    </Page>
  );
}
