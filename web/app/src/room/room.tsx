/** A room: its name, its timeline, and where one writes. */
import { answer as api, type Message, type Room } from "@tidings/client";
import { ArrowLeft, MessagesSquare, MoreVertical, Pin, Search, Users } from "lucide-react";
import { lazy, useCallback, useEffect, useRef, useState } from "react";
import { Link, useLocation } from "wouter";
import { client, useKey, useLoaded } from "../client.ts";
import { t, useLanguage, withTexts } from "../i18n.ts";
import { Button, Failed, IconButton } from "../kit/kit.tsx";
import { Later } from "../kit/later.tsx";
import { useOther, useRoomName } from "../names.ts";
import { Presence } from "../presence.tsx";
import { has } from "../routes.ts";
import { filtered } from "../search/asked.ts";
import { keepVisit } from "../settings.ts";
import { beside, openSearch } from "../shell/searching.ts";
import { closed } from "./closed.ts";
import { Composer, type ComposerHandle } from "./composer.tsx";
import { useDrop } from "./drop.ts";
import { Refused } from "./refused.tsx";
import { Timeline } from "./timeline.tsx";
import css from "./room.module.css";

const Members = lazy(() => withTexts(import("./members.tsx"), "more"));
const Pins = lazy(() => import("./pins.tsx"));
const Threads = lazy(() => import("./threads.tsx"));
const Thread = lazy(() => import("./thread.tsx"));
const loadMenu = () => withTexts(import("./menu.tsx"), "more");
const Menu = lazy(loadMenu);

/** Members of a room that come with one question. */
const FEW = 200;

type Panel = "members" | "pins" | "threads";

export function RoomScreen({ room: id, jump, thread, answer }: { room: string; jump?: string; thread?: string; answer?: string }) {
  useLanguage();
  const room = useKey(`room:${id}`);
  const status = useKey("status");
  const [error, setError] = useState<unknown>();
  const known = room !== undefined;
  useEffect(() => {
    if (known || status.phase !== "live") return;
    client.refresh(id).catch(setError);
  }, [id, known, status.phase]);
  if (error !== undefined) return <main className={css["gone"]}><h1>{t("error.unknown")}</h1><Failed error={error} /></main>;
  if (!room) return <main className={css["gone"]} aria-busy={status.phase !== "live"}>{status.phase === "live" ? <h1>{t("room.gone")}</h1> : null}</main>;
  return <Known room={room} jump={jump} thread={thread} answer={answer} />;
}

function Known({ room, jump, thread, answer }: { room: Room; jump: string | undefined; thread: string | undefined; answer: string | undefined }) {
  const [, go] = useLocation();
  const name = useRoomName(room);
  const other = useOther(room);
  const [panel, setPanel] = useState<Panel>();
  const opener = useRef<HTMLElement>(null);
  const composer = useRef<ComposerHandle>(null);
  const ends = useRef<(() => void) | null>(null);
  const toggle = (which: Panel, from: HTMLElement | null) => {
    opener.current = from;
    if (thread) go(`/r/${room.id}`);
    if (panel === which && !thread) close();
    else setPanel(which);
  };
  const opens = (which: Panel) => (event: React.MouseEvent<HTMLElement>) => toggle(which, event.currentTarget);
  const openThread = useCallback((message: Message) => go(`/r/${room.id}/t/${message.id}`), [go, room.id]);
  const edit = useCallback((message: Message) => composer.current?.edit(message), []);
  const type = useCallback((text: string) => composer.current?.type(text), []);
  const drop = useDrop(room.membership && has("/v1/media") && !closed(room) ? (data) => composer.current?.drop(data) : undefined);
  // One question for everybody's names and pictures, where they are few. The messages come first.
  const few = room.membership && (room.member_count ?? FEW + 1) <= FEW;
  const loaded = useLoaded(room.id);
  // The quick switcher leads back to what was left last.
  useEffect(() => () => keepVisit(room.id), [room.id]);
  useEffect(() => {
    if (!few || !loaded || client.store.get(`members:${room.id}`)) return;
    const timer = setTimeout(() => void client.members(room.id).catch(() => undefined), 200);
    return () => clearTimeout(timer);
  }, [few, loaded, room.id]);
  const search = () => {
    const within = `${filtered("", "in", room.kind === "direct" ? room.id : name)} `;
    if (beside()) openSearch(within);
    else go(`/search?q=${encodeURIComponent(within)}`);
  };
  // A link may name an answer: it is read in its thread.
  useEffect(() => {
    if (!jump || client.store.get(`timeline:${room.id}`).rows.some((row) => row.message?.id === jump)) return;
    let left = false;
    api(client.api.GET("/v1/messages/{message_id}", { params: { path: { message_id: jump } } })).then((message) => {
      if (!left && message.thread_root_id && message.room_id === room.id) go(`/r/${room.id}/t/${message.thread_root_id}/m/${jump}`, { replace: true });
    }, () => undefined);
    return () => {
      left = true;
    };
  }, [jump, room.id, go]);
  const closeThread = () => {
    go(`/r/${room.id}`);
    // The message that began it has the focus again, or one writes on.
    const back = () => (document.querySelector<HTMLElement>(`main [data-message="${CSS.escape(thread ?? "")}"]`) ?? document.querySelector<HTMLElement>("main textarea"))?.focus({ preventScroll: true });
    requestAnimationFrame(() => requestAnimationFrame(back));
  };
  const close = () => {
    setPanel(undefined);
    opener.current?.focus();
  };
  return (
    <div className={css["room"]} data-panel={thread || panel || undefined}>
      <main className={css["main"]} aria-label={name} {...drop} data-drop={drop["data-dropping"] ? t("attach.drop", { room: name }) : undefined}>
        <header className={css["head"]}>
          <Link href="/" className={css["back"]} aria-label={t("action.back")}><ArrowLeft size={18} strokeWidth={1.5} aria-hidden /></Link>
          <h1 className={css["name"]} dir="auto">{room.kind === "direct" ? "" : "# "}{name}</h1>
          {other ? <Presence id={other.id} /> : null}
          <p className={css["topic"]} dir="auto">{room.topic}</p>
          {room.membership && has("/v1/search/messages") ? <IconButton className={css["wide"]} label={t("search.here")} onClick={search}><Search size={18} strokeWidth={1.5} aria-hidden /></IconButton> : null}
          {room.membership && has("/v1/rooms/{room_id}/pins") ? <IconButton label={t("pins.title")} aria-expanded={panel === "pins"} onClick={opens("pins")}><Pin size={18} strokeWidth={1.5} aria-hidden /></IconButton> : null}
          {room.membership && has("/v1/rooms/{room_id}/threads") ? <IconButton className={css["wide"]} label={t("threads.title")} aria-expanded={panel === "threads"} onClick={opens("threads")}><MessagesSquare size={18} strokeWidth={1.5} aria-hidden /></IconButton> : null}
          <Button look="plain" data-members aria-expanded={panel === "members"} aria-label={t("members.open", { count: room.member_count ?? 0 })} title={t("members.title")} onClick={opens("members")}>
            <Users size={18} strokeWidth={1.5} aria-hidden />{room.member_count}
          </Button>
          <RoomMenu room={room} onSearch={search} onThreads={() => toggle("threads", null)} />
        </header>
        {room.membership ? (
          <>
            <Timeline room={room} jump={jump} onType={type} onEdit={edit} onThread={openThread} ends={ends} />
            <Refused room={room.id} />
            <Foot room={room} name={name} composer={composer} ends={ends} />
          </>
        ) : <Outside room={room} name={name} />}
      </main>
      <Later>{thread ? <Thread key={thread} room={room} root={thread} jump={answer} onClose={closeThread} /> : panel === "members" ? <Members room={room} onClose={close} /> : panel === "pins" ? <Pins room={room} onClose={close} /> : panel === "threads" ? <Threads room={room} onClose={close} /> : null}</Later>
    </div>
  );
}

/** The menu's parts are many: they are fetched when the button is first pointed at, focused or pressed. */
function RoomMenu({ room, onSearch, onThreads }: { room: Room; onSearch: () => void; onThreads: () => void }) {
  const [wanted, setWanted] = useState(false);
  const soon = () => void loadMenu().catch(() => undefined);
  const button = <IconButton label={t("action.more")} aria-haspopup="menu" onPointerEnter={soon} onFocus={soon} onClick={() => setWanted(true)}><MoreVertical size={18} strokeWidth={1.5} aria-hidden /></IconButton>;
  if (!room.membership || !wanted) return button;
  return <Later fallback={button}><Menu room={room} onSearch={onSearch} onThreads={onThreads} /></Later>;
}

function Foot({ room, name, composer, ends }: { room: Room; name: string; composer: React.RefObject<ComposerHandle | null>; ends: React.RefObject<(() => void) | null> }) {
  const reason = closed(room);
  if (reason) return <p className={css["closed"]}>{reason}</p>;
  return <Composer timeline={room.id} room={room.id} label={t("composer.label", { room: room.kind === "direct" ? name : `# ${name}` })} onEscape={() => ends.current?.()} ref={composer} />;
}

/** A public room that the reader has not joined. */
function Outside({ room, name }: { room: Room; name: string }) {
  const [error, setError] = useState<unknown>();
  const join = () => client.request("PUT", `/v1/rooms/${room.id}/members/me`).then(() => client.refresh(room.id)).catch(setError);
  return (
    <div className={css["gone"]}>
      <p>{t("room.outside", { room: name })}</p>
      {error === undefined ? null : <Failed error={error} />}
      <Button server look="primary" onClick={() => void join()}>{t("room.join")}</Button>
    </div>
  );
}
