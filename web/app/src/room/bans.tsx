/** Who is kept out of a room. */
import { answer, type Room } from "@tidings/client";
import { useState } from "react";
import { client } from "../client.ts";
import { moment, t } from "../i18n.ts";
import { Refusal, useActing } from "../kit/acting.tsx";
import { Dialog } from "../kit/dialog.tsx";
import { Avatar, Button, css as kit } from "../kit/kit.tsx";
import { Later } from "../kit/later.tsx";
import { part } from "../kit/part.tsx";
import { Listing, usePages } from "../kit/pages.tsx";
import { Named } from "../named.tsx";
import css from "../screens/page.module.css";

const Ban = part(() => import("./ban.tsx"));

export default function Bans({ room, onClose }: { room: Room; onClose: () => void }) {
  const path = { room_id: room.id };
  const pages = usePages(room.id, (cursor) => answer(client.api.GET("/v1/rooms/{room_id}/bans", { params: { path, query: { cursor } } })), (one) => one.user.id);
  const [adding, setAdding] = useState(false);
  const acting = useActing();
  const lift = (user_id: string) => void acting.act(() => answer(client.api.DELETE("/v1/rooms/{room_id}/bans/{user_id}", { params: { path: { ...path, user_id } } })).then(pages.reload));
  return (
    <Dialog title={t("bans.title")} onClose={onClose}>
      <Listing pages={pages} label={t("bans.title")} empty={t("bans.none")}>
        {({ user, by, reason, until, created_at }) => (
          <li key={user.id} className={css["item"]}>
            <Avatar id={user.id} name={user.display_name} url={user.avatar_url} />
            <span className={css["what"]}>
              <span dir="auto">{user.display_name} <span className={css["aside"]}>@{user.username}</span></span>
              <span className={css["aside"]}>{until ? t("bans.until", { time: moment(until) }) : t("ban.ever")}</span>
              {by ? <span className={css["aside"]}>{t("bans.by")} <Named id={by} />{created_at ? `, ${moment(created_at)}` : ""}</span> : null}
              {reason ? <span className={css["aside"]} dir="auto">{reason}</span> : null}
            </span>
            <Button aria-label={t("bans.lift_one", { name: user.display_name })} aria-disabled={acting.busy} onClick={() => lift(user.id)}>{t("bans.lift")}</Button>
          </li>
        )}
      </Listing>
      <Refusal acting={acting} />
      <div className={`${kit["row"]} ${kit["end"]}`}>
        {room.archived ? null : <Button onClick={() => setAdding(true)}>{t("ban.new")}</Button>}
        <Button onClick={onClose}>{t("action.close")}</Button>
      </div>
      <Later>{adding ? <Ban room={room} onClose={() => setAdding(false)} onDone={() => void pages.reload()} /> : null}</Later>
    </Dialog>
  );
}
