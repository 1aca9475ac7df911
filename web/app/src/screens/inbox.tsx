import type { Notification } from "@tidings/client";
import { useRef, useState } from "react";
import { useLocation } from "wouter";
import { client, useKey } from "../client.ts";
import { moment, t, useLanguage } from "../i18n.ts";
import { Avatar, Button, Failed } from "../kit/kit.tsx";
import { Waiting } from "../kit/pages.tsx";
import { useRoving } from "../kit/roving.ts";
import { worded } from "../notices.ts";
import { css, Page } from "./page.tsx";

export default function Inbox() {
  useLanguage();
  const [, go] = useLocation();
  const all = useKey("notifications");
  const [error, setError] = useState<unknown>();
  // Before it was read for the first time nothing is said of it.
  const [build, status] = [useKey("build"), useKey("status")];
  const read = build !== undefined || status.phase === "live";
  const list = useRef<HTMLUListElement>(null);
  const roving = useRoving(list, "[data-entry]");
  const unread = all.some((one) => !one.read);
  const open = (one: Notification) => {
    if (!one.read) client.request("PUT", `/v1/notifications/${one.id}/read`, {}).catch(setError);
    if (one.room_id) go(one.message_id ? `/r/${one.room_id}/m/${one.message_id}` : `/r/${one.room_id}`);
  };
  const readAll = () => void client.request("PUT", "/v1/notifications/read", {}).catch(setError);
  return (
    <Page title={t("inbox.title")} actions={unread ? <Button server onClick={readAll}>{t("inbox.read_all")}</Button> : null}>
      {error === undefined ? null : <Failed error={error} />}
      {all.length === 0 ? (read ? <p className={css["empty"]}>{t("inbox.empty")}</p> : <Waiting />) : (
        <ul ref={list} className={css["list"]} {...roving}>
          {all.map((one) => ({ one, said: worded(one) })).map(({ one, said }) => (
            <li key={one.id}>
              <button type="button" className={css["item"]} data-entry data-unread={!one.read || undefined} onClick={() => open(one)}>
                <Avatar id={one.actor?.id ?? "tidings"} name={one.actor?.display_name ?? t("app.name")} url={one.actor?.avatar_url} />
                <span className={css["what"]}><span dir="auto">{said.title}</span><span className={css["aside"]} dir="auto">{said.body}</span></span>
                <time className={css["when"]} dateTime={one.created_at}>{moment(one.created_at)}</time>
                {one.read ? null : <span className="hidden">{t("inbox.unread")}</span>}
              </button>
            </li>
          ))}
        </ul>
      )}
    </Page>
  );
}
