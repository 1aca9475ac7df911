/** Who is in a room, and what they may do. */
import * as Ariakit from "@ariakit/react";
import { answer, type Member, type Room } from "@tidings/client";
import { MoreVertical } from "lucide-react";
import { useEffect, useRef, useState } from "react";
import { client, useKey } from "../client.ts";
import { moment, t } from "../i18n.ts";
import { Refusal, useActing, type Acting } from "../kit/acting.tsx";
import { useRoving } from "../kit/roving.ts";
import { Listing, useLater, usePages, Waiting } from "../kit/pages.tsx";
import { Avatar, Button, Failed, Field, landmark, css as kit } from "../kit/kit.tsx";
import { Later } from "../kit/later.tsx";
import { part } from "../kit/part.tsx";
import { MenuItem } from "../kit/menu-item.tsx";
import { Presence } from "../presence.tsx";
import { Panel } from "./panel.tsx";
import { matches, powers, RANK } from "./powers.ts";
import css from "./room.module.css";

const PersonCard = part(() => import("./person-card.tsx"));
const Mute = part(() => import("./mute.tsx"));
const Ban = part(() => import("./ban.tsx"));
const Confirm = part(() => import("../kit/confirm.tsx"));

/** Members from which on there is a field to find one. */
const MANY = 8;
/** Members from which on the server finds them, a page at a time. */
const LARGE = 1_000;
/** Members that are drawn at a time. */
const DRAWN = 200;

export default function Members(props: { room: Room; onClose: () => void }) {
  // Which of the two it is does not change while it is open.
  const [large] = useState((props.room.member_count ?? 0) > LARGE);
  return large ? <Large {...props} /> : <Small {...props} />;
}

/** The members of a large room: pages of them, and those that are looked for. */
function Large({ room, onClose }: { room: Room; onClose: () => void }) {
  const [text, setText] = useState("");
  const query = useLater(text.trim().replace(/^@/, ""));
  const acting = useActing();
  const list = useRef<HTMLDivElement>(null);
  const roving = useRoving(list, "[data-entry]", "[data-name]");
  const pages = usePages(`${room.id} ${query}`, (cursor) => answer(client.api.GET("/v1/rooms/{room_id}/members", { params: { path: { room_id: room.id }, query: { limit: 50, cursor, ...(query ? { query } : {}) } } })), (one) => one.user_id);
  return (
    <Panel title={t("members.title")} onClose={onClose} takes>
      <div className={css["pad"]}><Field label={t("members.find")} type="search" value={text} onChange={(event) => setText(event.target.value)} /></div>
      {acting.error === undefined ? null : <div className={css["pad"]}><Refusal acting={acting} /></div>}
      <div ref={list} className={css["list"]} {...roving}>
        <Listing pages={pages} label={t("members.title")} empty={t("members.nobody", { text })}>
          {(member) => <One key={member.user_id} member={member} room={room} acting={acting} again={pages.reload} />}
        </Listing>
      </div>
    </Panel>
  );
}

function Small({ room, onClose }: { room: Room; onClose: () => void }) {
  const view = useKey(`members:${room.id}`);
  const [error, setError] = useState<unknown>();
  const [text, setText] = useState("");
  const [drawn, setDrawn] = useState(DRAWN);
  const acting = useActing();
  const list = useRef<HTMLUListElement>(null);
  const roving = useRoving(list, "[data-entry]", "[data-name]");
  const stale = !view || view.stale;
  const read = useRef<string>(undefined);
  useEffect(() => {
    // Who opens it wants to see who is here now: of new users in a room of all the server does not tell.
    if (read.current === room.id && !stale) return;
    read.current = room.id;
    client.members(room.id).then(() => setError(undefined), setError);
  }, [room.id, stale]);
  const all = [...(view?.items ?? [])].sort((a, b) => RANK[b.role] - RANK[a.role] || a.user.display_name.localeCompare(b.user.display_name));
  const members = all.filter((member) => matches(member.user, text));
  return (
    <Panel title={t("members.title")} onClose={onClose} takes>
      {all.length >= MANY ? <div className={css["pad"]}><Field label={t("members.find")} type="search" value={text} onChange={(event) => setText(event.target.value)} /></div> : null}
      {error === undefined ? null : <div className={css["pad"]}><Failed error={error} retry={() => void client.members(room.id).then(() => setError(undefined), setError)} /></div>}
      {acting.error === undefined ? null : <div className={css["pad"]}><Refusal acting={acting} /></div>}
      {!view && error === undefined ? <div className={css["pad"]}><Waiting /></div> : null}
      {text && members.length === 0 ? <p className={css["pad"]} role="status">{t("members.nobody", { text })}</p> : null}
      <ul ref={list} {...roving} className={css["list"]} aria-busy={stale} aria-label={t("members.title")}>
        {members.slice(0, drawn).map((member) => <One key={member.user_id} member={member} room={room} acting={acting} again={() => client.members(room.id)} />)}
      </ul>
      {members.length > drawn ? <div className={css["pad"]}><Button onClick={() => setDrawn(drawn + DRAWN)}>{t("list.more")}</Button></div> : null}
    </Panel>
  );
}

type Asked = "mute" | "ban" | "owner" | "person" | undefined;

function One({ member, room, acting, again }: { member: Member; room: Room; acting: Acting; again: () => Promise<void> }) {
  const { user, role } = member;
  const [asked, setAsked] = useState<Asked>();
  const me = user.id === client.store.me?.id;
  const may = powers(room, role, me);
  const path = { room_id: room.id, user_id: user.id };
  const act = (work: () => Promise<unknown>) => void acting.act(() => work().then(again));
  const change = (body: { role?: Member["role"]; muted_until?: string | null }) => answer(client.api.PATCH("/v1/rooms/{room_id}/members/{user_id}", { params: { path }, body }));
  const remove = () => answer(client.api.DELETE("/v1/rooms/{room_id}/members/{user_id}", { params: { path } }));
  const block = () => client.request("PUT", `/v1/users/me/blocks/${user.id}`);
  const muted = member.muted_until && Date.parse(member.muted_until) > Date.now() ? member.muted_until : undefined;
  const close = () => setAsked(undefined);
  return (
    <li className={css["member"]}>
      <Avatar id={user.id} name={user.display_name} url={user.avatar_url} />
      <button type="button" className={css["who"]} data-entry onClick={() => setAsked("person")}>
        <span className={css["row"]} dir="auto" data-name>{user.display_name}{me ? ` (${t("members.you")})` : ""}{me ? null : <Presence id={user.id} />}</span>
        <span className={css["aside"]}>@{user.username}{room.kind === "direct" || role === "member" ? "" : `, ${t(`role.${role}`)}`}</span>
        {muted ? <span className={css["aside"]}>{t("members.muted", { time: moment(muted) })}</span> : null}
      </button>
      {me ? null : (
        <Ariakit.MenuProvider>
          <Ariakit.MenuButton className={`${kit["button"]} ${kit["plain"]}`} aria-label={t("members.actions", { name: user.display_name })}><MoreVertical size={18} strokeWidth={1.5} aria-hidden /></Ariakit.MenuButton>
          <Ariakit.Menu className={kit["menu"]} gutter={4} portal portalElement={landmark} preserveTabOrder={false}>
            {may.raise && role === "member" ? <MenuItem server onClick={() => act(() => change({ role: "admin" }))}>{t("members.promote")}</MenuItem> : null}
            {may.raise ? <MenuItem server onClick={() => setAsked("owner")}>{t("members.own")}</MenuItem> : null}
            {may.restrain && role === "admin" ? <MenuItem server onClick={() => act(() => change({ role: "member" }))}>{t("members.demote")}</MenuItem> : null}
            {may.restrain && !muted ? <MenuItem server onClick={() => setAsked("mute")}>{t("members.mute")}</MenuItem> : null}
            {may.restrain && muted ? <MenuItem server onClick={() => act(() => change({ muted_until: null }))}>{t("members.unmute")}</MenuItem> : null}
            {may.restrain ? <MenuItem server onClick={() => act(remove)}>{t("members.remove")}</MenuItem> : null}
            {may.restrain ? <MenuItem server onClick={() => setAsked("ban")}>{t("members.ban")}</MenuItem> : null}
            <MenuItem server onClick={() => act(block)}>{t("members.block")}</MenuItem>
          </Ariakit.Menu>
        </Ariakit.MenuProvider>
      )}
      <Later>
        {asked === "person" ? <PersonCard id={user.id} onClose={close} /> : null}
        {asked === "mute" ? <Mute user={user} onClose={close} onMute={(muted_until) => change({ muted_until }).then(again)} /> : null}
        {asked === "ban" ? <Ban room={room} user={user} onClose={close} onDone={() => void again()} /> : null}
        {asked === "owner" ? <Confirm title={t("members.own_title", { name: user.display_name })} text={t("members.own_text")} action={t("members.own")} onClose={close} onConfirm={() => act(() => change({ role: "owner" }))} /> : null}
      </Later>
    </li>
  );
}
