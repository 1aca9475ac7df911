/** Who a person is, and the way to write to them. */
import type { User } from "@tidings/client";
import { useEffect, useState } from "react";
import { Link, useLocation } from "wouter";
import { client, useKey } from "../client.ts";
import { moment, t } from "../i18n.ts";
import { Outcome, useActing } from "../kit/acting.tsx";
import { Dialog } from "../kit/dialog.tsx";
import { Avatar, Button, css as kit, Failed } from "../kit/kit.tsx";
import { conversation } from "../people.ts";
import { Presence, usePresence } from "../presence.tsx";
import css from "./person-card.module.css";

export default function PersonCard({ id, onClose }: { id: string; onClose: () => void }) {
  const [, go] = useLocation();
  const me = useKey("me");
  const held = useKey(`user:${id}`);
  const user: User | undefined = held ?? (me?.id === id ? me : undefined);
  const view = usePresence(id);
  const [error, setError] = useState<unknown>();
  const acting = useActing();
  // What is held may be old: names and pictures of those who left are not told any more.
  useEffect(() => {
    client.user(id).catch(setError);
  }, [id]);
  const own = me?.id === id;
  const write = () => void acting.act(async () => {
    const room = await conversation(id);
    onClose();
    go(`/r/${room}`);
  });
  const block = () => void acting.act(() => client.request("PUT", `/v1/users/me/blocks/${id}`));
  const follow = (path: string) => {
    onClose();
    go(path);
  };
  const gone = user?.deleted ?? false;
  return (
    <Dialog title={gone ? t("people.deleted") : (user?.display_name ?? t("person.label"))} onClose={onClose}>
      {error !== undefined && !user ? <Failed error={error} /> : null}
      {user && !gone ? (
        <div className={css["card"]}>
          <span className={css["face"]}><Avatar id={id} name={user.display_name} url={user.avatar_url} /></span>
          <div className={css["about"]}>
            <p className={kit["row"]}>@{user.username}<Presence id={id} /></p>
            {view?.text ? <p dir="auto">{view.text}</p> : null}
            {view?.status === "offline" && view.last_seen_at ? <p className={kit["hint"]}>{t("person.seen", { time: moment(view.last_seen_at) })}</p> : null}
            {user.role === "user" ? null : <p className={kit["hint"]}>{t(`person.${user.role}`)}</p>}
            {user.deactivated ? <p className={kit["hint"]}>{t("person.closed")}</p> : null}
            <p className={kit["hint"]}>{t("person.since", { time: moment(user.created_at) })}</p>
          </div>
          {user.bio ? <p className={css["bio"]} dir="auto">{user.bio}</p> : null}
        </div>
      ) : null}
      <Outcome acting={acting} done={t("person.blocked")} />
      <div className={`${kit["row"]} ${kit["end"]}`}>
        {own || gone ? null : <Button server aria-disabled={acting.busy} onClick={block}>{t("person.block")}</Button>}
        {me?.role === "admin" && user && !own && !gone ? <Link className={kit["button"]} href={`/admin/people?query=${encodeURIComponent(user.username)}`} onClick={onClose}>{t("rail.admin")}</Link> : null}
        {own ? <Button onClick={() => follow("/settings/profile")}>{t("person.edit")}</Button> : null}
        <Button onClick={onClose}>{t("action.close")}</Button>
        {own || gone || user?.deactivated ? null : <Button server look="primary" aria-disabled={acting.busy} onClick={write}>{t("person.write")}</Button>}
      </div>
    </Dialog>
  );
}
