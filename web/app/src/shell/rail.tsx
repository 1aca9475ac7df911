/** The rail: rooms by what they want of the reader, in an order that stands still while the pointer or the focus is in it. */
import type { Room } from "@tidings/client";
import { Compass, Hash, Inbox, Lock, MessagesSquare, Plus, Search, Shield } from "lucide-react";
import { memo, useEffect, useRef, useState } from "react";
import { Link, useLocation } from "wouter";
import { client, useKey } from "../client.ts";
import { t, useLanguage, withTexts } from "../i18n.ts";
import { Avatar, Count, IconButton } from "../kit/kit.tsx";
import { Later } from "../kit/later.tsx";
import { part } from "../kit/part.tsx";
import { useRoving } from "../kit/roving.ts";
import { roomName, useOther, useRoomName } from "../names.ts";
import { Presence } from "../presence.tsx";
import { useStuck } from "../room/refused.tsx";
import { has } from "../routes.ts";
import { draft } from "../settings.ts";
import { waiting } from "../waiting.ts";
import { written } from "./key-names.ts";
import { OwnButton } from "./own.tsx";
import { arranged, joined, SECTIONS, type Places, type Section } from "./sections.ts";
import css from "./shell.module.css";

const CreateRoom = part(() => withTexts(import("../screens/create-room.tsx"), "more"));

const NOWHERE: Places = { order: [], sections: new Map() };

/** The rooms in their sections. While `still`, rooms stay where they were, and new ones come last. */
function useSections(all: Room[], open: string | undefined, still: boolean): [Section, Room[]][] {
  const rooms = all.filter((room) => !room.archived || room.id === open);
  const places = useRef(NOWHERE);
  places.current = still ? joined(places.current, rooms, open) : arranged(places.current, rooms, open);
  const { order, sections } = places.current;
  const byId = new Map(rooms.map((room) => [room.id, room]));
  const shown = order.map((id) => byId.get(id)).filter((room) => room !== undefined);
  return SECTIONS.map((one): [Section, Room[]] => [one, shown.filter((room) => sections.get(room.id) === one)]).filter(([, list]) => list.length > 0);
}

interface Props {
  /** Nothing else is on the screen. */
  alone: boolean;
  onJump: () => void;
  onSearch: () => void;
  onKeys: () => void;
}

export function Rail({ alone, onJump, onSearch, onKeys }: Props) {
  useLanguage();
  const [path] = useLocation();
  const rooms = useKey("rooms");
  const status = useKey("status");
  const unread = useKey("unread");
  const role = useKey("me")?.role;
  const [still, setStill] = useState(false);
  const [creating, setCreating] = useState(false);
  const timer = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  const open = path.startsWith("/r/") ? path.split("/")[2] : undefined;
  const area = useRef<HTMLDivElement>(null);
  const roving = useRoving(area, "[data-room]", "[data-name]");
  const [, look] = useState(0);
  // React is not told of a pointer that lay there before the rooms came.
  const sections = useSections(rooms, open, still || area.current?.matches(":hover") === true);
  const holds = useRef({ pointer: false, focus: false });
  // It moves again when neither is in it: a link that is followed loses the focus, and keeps the pointer.
  const hold = (by: "pointer" | "focus", on: boolean) => {
    holds.current[by] = on;
    clearTimeout(timer.current);
    if (holds.current.pointer || holds.current.focus) setStill(true);
    else timer.current = setTimeout(() => {
      setStill(false);
      look((times) => times + 1);
    }, 1_000);
  };
  return (
    <nav className={css["rail"]} id="rail" tabIndex={-1} aria-label={t("rail.label")} data-region="rail">
      <div className={css["top"]}>
        {alone ? <h1>{t("app.name")}</h1> : <span>{t("app.name")}</span>}
        <OwnButton onKeys={onKeys} />
      </div>
      <button type="button" className={css["jump"]} onClick={onJump}><span>{t("switcher.open")}</span><span aria-hidden>{written("ctrl+K")}</span></button>
      <div className={css["links"]}>
        {has("/v1/search/messages") ? (
          <button type="button" className={css["room"]} onClick={onSearch}>
            <span className={css["sign"]}><Search size={18} strokeWidth={1.5} aria-hidden /></span>
            <span className={css["name"]}>{t("search.title")}</span>
          </button>
        ) : null}
        <Link href="/inbox" className={css["room"]} aria-current={path === "/inbox" ? "page" : undefined} data-unread={unread.notifications > 0 || undefined}>
          <span className={css["sign"]}><Inbox size={18} strokeWidth={1.5} aria-hidden /></span>
          <span className={css["name"]}>{t("inbox.title")}</span>
          {unread.notifications > 0 ? <Count value={unread.notifications} /> : null}
        </Link>
        {has("/v1/rooms/{room_id}/threads") ? (
          <Link href="/threads" className={css["room"]} aria-current={path === "/threads" ? "page" : undefined} data-unread={unread.threads > 0 || undefined}>
            <span className={css["sign"]}><MessagesSquare size={18} strokeWidth={1.5} aria-hidden /></span>
            <span className={css["name"]}>{t("threads.title")}</span>
            {unread.threads > 0 ? <Count value={unread.threads} /> : null}
          </Link>
        ) : null}
        <Link href="/browse" className={css["room"]} aria-current={path === "/browse" ? "page" : undefined}>
          <span className={css["sign"]}><Compass size={18} strokeWidth={1.5} aria-hidden /></span>
          <span className={css["name"]}>{t("browse.title")}</span>
        </Link>
        {role === "admin" || role === "moderator" ? (
          <Link href="/admin/reports" className={css["room"]} aria-current={path.startsWith("/admin") ? "page" : undefined}>
            <span className={css["sign"]}><Shield size={18} strokeWidth={1.5} aria-hidden /></span>
            <span className={css["name"]}>{t("rail.admin")}</span>
          </Link>
        ) : null}
      </div>
      <div ref={area} className={css["rooms"]} onPointerEnter={() => hold("pointer", true)} onPointerLeave={() => hold("pointer", false)} onFocus={() => { hold("focus", true); roving.onFocus(); }} onBlur={() => { hold("focus", false); roving.onBlur(); }} onKeyDown={roving.onKeyDown}>
        {sections.map(([section, list]) => (
          <section key={section} aria-label={t(`rail.${section}`)}>
            <h2 className={css["heading"]}>{t(`rail.${section}`)}</h2>
            <ul>{list.map((room) => <RoomLink key={room.id} id={room.id} current={room.id === open} />)}</ul>
          </section>
        ))}
        {rooms.length === 0 && status.phase === "live" ? (
          <div className={css["empty"]}><p>{t("rooms.none")}</p><Link href="/browse">{t("rooms.find")}</Link></div>
        ) : null}
        <button type="button" className={css["room"]} data-create onClick={() => setCreating(true)}>
          <span className={css["sign"]}><Plus size={18} strokeWidth={1.5} aria-hidden /></span>
          <span className={css["name"]}>{t("rooms.create")}</span>
        </button>
      </div>
      <Connection />
      <Later>{creating ? <CreateRoom onClose={() => setCreating(false)} /> : null}</Later>
    </nav>
  );
}

const RoomLink = memo(function RoomLink({ id, current }: { id: string; current: boolean }) {
  const room = useKey(`room:${id}`);
  return room ? <KnownRoom room={room} current={current} /> : null;
});

function KnownRoom({ room, current }: { room: Room; current: boolean }) {
  const name = useRoomName(room);
  const other = useOther(room);
  const mentions = room.membership?.mention_count ?? 0;
  const unread = waiting(room);
  const typed = !current && draft(`${client.store.me?.id}.${room.id}`) !== "";
  const refused = useStuck(room.id);
  const hover = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  useEffect(() => () => clearTimeout(hover.current), []);
  // A pointer that rests on a room will probably open it.
  const fetch = () => {
    hover.current = setTimeout(() => {
      if (client.spare) void client.prefetch(room.id).catch(() => undefined);
    }, 80);
  };
  return (
    <li>
      <Link href={`/r/${room.id}`} className={css["room"]} data-room={room.id} data-unread={unread > 0 || undefined} aria-current={current ? "page" : undefined} onPointerEnter={fetch} onPointerLeave={() => clearTimeout(hover.current)}>
        <RoomSign room={room} name={name} />
        <span className={css["name"]} dir="auto" data-name>{name}</span>
        {other ? <Presence id={other.id} /> : null}
        {refused ? <span className={css["refused"]}>{t("room.refused")}</span> : null}
        {typed ? <span className={css["aside"]}>{t("room.draft")}</span> : null}
        {mentions > 0 ? <Count value={mentions} mention /> : unread > 0 ? <Count value={unread} /> : null}
        {unread > 0 ? <span className="hidden">{t("room.unread")}</span> : null}
      </Link>
    </li>
  );
}

export function RoomSign({ room, name }: { room: Room; name: string }) {
  const only = useOther(room);
  if (room.kind === "direct") {
    return <span className={css["sign"]}><Avatar id={only?.id ?? name} name={name} url={only?.avatar_url} small /></span>;
  }
  const Icon = room.visibility === "private" ? Lock : Hash;
  return <span className={css["sign"]}><Icon size={18} strokeWidth={1.5} aria-hidden /></span>;
}

/** How the server closes a connection of a user who has too many. */
const TABS = 4409;

/** Says when there is no connection, and when the next attempt is. */
function Connection() {
  const status = useKey("status");
  const [now, setNow] = useState(() => Date.now());
  const waiting = status.phase === "waiting";
  const [late, setLate] = useState(false);
  const quiet = status.phase === "live" || status.phase === "parked" || status.phase === "signedOut";
  useEffect(() => {
    if (quiet) return setLate(false);
    const timer = setTimeout(() => setLate(true), 700);
    return () => clearTimeout(timer);
  }, [quiet]);
  useEffect(() => {
    if (!waiting) return;
    const timer = setInterval(() => setNow(Date.now()), 500);
    return () => clearInterval(timer);
  }, [waiting]);
  if (quiet || (!late && status.phase !== "failed")) return null;
  const seconds = status.phase === "waiting" ? Math.max(0, Math.ceil((status.until - now) / 1000)) : 0;
  const crowded = status.phase === "waiting" && status.code === TABS;
  const text = status.phase === "failed" ? t("offline.failed") : seconds > 0 ? t(crowded ? "offline.tabs" : "offline.waiting", { seconds }) : t("offline.connecting");
  return (
    <div className={css["foot"]} role="status">
      <span>{text}</span>
      {status.phase === "connecting" || status.phase === "syncing" ? null : <IconButton label={t(crowded ? "offline.here" : "offline.now_label")} onClick={() => client.reconnect()}>{crowded ? t("offline.here") : t("offline.now")}</IconButton>}
    </div>
  );
}

export { roomName };
