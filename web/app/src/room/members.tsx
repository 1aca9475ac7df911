/** Who is in a room, and what they may do. */
import * as Ariakit from "@ariakit/react";
import type { Member, Room } from "@tidings/client";
import { MoreVertical, X } from "lucide-react";
import { useEffect, useRef, useState } from "react";
import { client, useKey } from "../client.ts";
import { t } from "../i18n.ts";
import { Avatar, Failed, IconButton, css as kit } from "../kit/kit.tsx";
import css from "./room.module.css";

const RANK: Record<string, number> = { owner: 2, admin: 1, member: 0 };

export default function Members({ room, onClose }: { room: Room; onClose: () => void }) {
  const view = useKey(`members:${room.id}`);
  const [error, setError] = useState<unknown>();
  const head = useRef<HTMLHeadingElement>(null);
  const stale = !view || view.stale;
  useEffect(() => {
    if (stale) client.members(room.id).catch(setError);
  }, [room.id, stale]);
  useEffect(() => head.current?.focus(), []);
  const members = [...(view?.items ?? [])].sort((a, b) => (RANK[b.role] ?? 0) - (RANK[a.role] ?? 0) || a.user.display_name.localeCompare(b.user.display_name));
  return (
    <aside className={css["panel"]} aria-label={t("members.title")} data-region="panel" onKeyDown={(event) => { if (event.key === "Escape" && !event.defaultPrevented) onClose(); }}>
      <div className={css["panelHead"]}>
        <h2 ref={head} tabIndex={-1}>{t("members.title")}</h2>
        <IconButton label={t("action.close")} onClick={onClose}><X size={18} strokeWidth={1.5} aria-hidden /></IconButton>
      </div>
      <ul className={css["list"]} aria-busy={stale}>
        {error === undefined ? null : <Failed error={error} />}
        {members.map((member) => <One key={member.user_id} member={member} room={room} onError={setError} />)}
      </ul>
    </aside>
  );
}

function One({ member, room, onError }: { member: Member; room: Room; onError: (error: unknown) => void }) {
  const { user, role } = member;
  const own = room.membership?.role ?? "member";
  const me = user.id === client.store.me?.id;
  // Nobody acts on an equal or higher role.
  const above = !me && room.kind !== "direct" && !room.archived && (RANK[own] ?? 0) > (RANK[role] ?? 0);
  const path = `/v1/rooms/${room.id}/members/${user.id}`;
  const act = (work: Promise<unknown>) => void work.then(() => client.members(room.id)).catch(onError);
  return (
    <li className={css["member"]}>
      <Avatar id={user.id} name={user.display_name} url={user.avatar_url} />
      <span className={css["who"]}>
        <span dir="auto">{user.display_name}{me ? ` (${t("members.you")})` : ""}</span>
        <span className={css["aside"]}>@{user.username}{room.kind === "direct" || role === "member" ? "" : `, ${t(`role.${role}`)}`}</span>
      </span>
      {above ? (
        <Ariakit.MenuProvider>
          <Ariakit.MenuButton className={`${kit["button"]} ${kit["plain"]}`} aria-label={t("members.actions", { name: user.display_name })}><MoreVertical size={18} strokeWidth={1.5} aria-hidden /></Ariakit.MenuButton>
          <Ariakit.Menu className={kit["menu"]} gutter={4} portal>
            {own === "owner" && role === "member" ? <Item onClick={() => act(client.request("PATCH", path, { role: "admin" }))}>{t("members.promote")}</Item> : null}
            {role === "admin" ? <Item onClick={() => act(client.request("PATCH", path, { role: "member" }))}>{t("members.demote")}</Item> : null}
            <Item onClick={() => act(client.request("DELETE", path))}>{t("members.remove")}</Item>
          </Ariakit.Menu>
        </Ariakit.MenuProvider>
      ) : null}
    </li>
  );
}

function Item({ onClick, children }: { onClick: () => void; children: string }) {
  return <Ariakit.MenuItem className={kit["item"]} onClick={onClick}>{children}</Ariakit.MenuItem>;
}
