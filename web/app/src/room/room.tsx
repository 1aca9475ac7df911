/** A room: its name, its timeline, and where one writes. */
import { answer as api, type Message, type Room } from "@tidings/client";
import { ArrowLeft, CircleQuestionMark, MessagesSquare, MoreVertical, Pin, Search, Users } from "lucide-react";
import { useCallback, useEffect, useRef, useState } from "react";
import { Link, useLocation } from "wouter";
import { client, useKey, useLoaded } from "../client.ts";
import { t, useLanguage, withTexts } from "../i18n.ts";
import { Button, Failed, IconButton } from "../kit/kit.tsx";
import { lacks } from "../kit/lacking.tsx";
import { Later } from "../kit/later.tsx";
import { part } from "../kit/part.tsx";
import { useOther, useRoomName } from "../names.ts";
import { Presence } from "../presence.tsx";
import { hopeless } from "../refused.ts";
import { has } from "../routes.ts";
import { filtered } from "../search/asked.ts";
import { keepVisit } from "../settings.ts";
import { giveBack } from "../shell/given-back.ts";
import { beside, closeSearch, isSearching, openSearch } from "../shell/searching.ts";
import { useClosed, Writing, type Reason } from "./closed.tsx";
import { Composer, type ComposerHandle } from "./composer.tsx";
import { useDrop } from "./drop.ts";
import { Lost, Outside } from "./outside.tsx";
import { outdated } from "./outdated.ts";
import { Refused } from "./refused.tsx";
import { useStill } from "./still.ts";
import { Timeline, type Ends } from "./timeline.tsx";
import css from "./room.module.css";

const Members = part(() => withTexts(import("./members.tsx"), "more"));
const Pins = part(() => import("./pins.tsx"));
const Threads = part(() => import("./threads.tsx"));
const Thread = part(() => import("./thread.tsx"));
const Menu = part(() => withTexts(import("./menu.tsx"), "more"));

/** Members of a room that come with one question. */
const FEW = 200;

type Panel = "members" | "pins" | "threads";

export function RoomScreen({ room: id, jump, thread, answer, onKeys }: { room: string; jump?: string; thread?: string; answer?: string; onKeys: () => void }) {
  useLanguage();
  const room = useStill(id);
  const lost = useKey(`lost:${id}`);
  const status = useKey("status");
  const [error, setError] = useState<unknown>();
  const [from] = useState(() => document.activeElement);
  const known = room !== undefined;
  useEffect(() => {
    if (known || status.phase !== "live") return;
    // What can be no room's id is that of no room.
    client.refresh(id).catch((failure: unknown) => hopeless(failure) || setError(failure));
  }, [id, known, status.phase]);
  if (!room && lost) return <Lost lost={lost} />;
  if (error !== undefined) return <main className={css["gone"]}><h1>{t("error.unknown")}</h1><Failed error={error} /></main>;
  if (!room) return <main className={css["gone"]} aria-busy={status.phase !== "live"}>{status.phase === "live" ? <h1>{t("room.gone")}</h1> : null}</main>;
  return <Known room={room} jump={jump} thread={thread} answer={answer} from={from} onKeys={onKeys} />;
}

function Known({ room, jump, thread, answer, from, onKeys }: { room: Room; jump: string | undefined; thread: string | undefined; answer: string | undefined; from: Element | null; onKeys: () => void }) {
  const [, go] = useLocation();
  const name = useRoomName(room);
  const other = useOther(room);
  const [panel, setPanel] = useState<Panel>();
  // Those who are not in a room see who is, where all may come in, and no more.
  const side = room.membership ? (thread ?? panel) : panel === "members" ? panel : undefined;
  const opener = useRef<HTMLElement>(null);
  const composer = useRef<ComposerHandle>(null);
  const ends = useRef<Ends>(null);
  const reason = useClosed(room);
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
  const drop = useDrop(room.membership && has("/v1/media") && !reason ? (data) => composer.current?.drop(data) : undefined);
  // One question for everybody's names and pictures, where they are few. The messages come first.
  const few = room.membership && (room.member_count ?? FEW + 1) <= FEW;
  const loaded = useLoaded(room.id);
  // The quick switcher leads back to what was left last.
  useEffect(() => () => keepVisit(room.id), [room.id]);
  useEffect(() => {
    if (!few || !loaded || !outdated(client.store.get(`members:${room.id}`))) return;
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
    // The message that began it has the focus again.
    giveBack("[data-region=panel]", () => document.querySelector<HTMLElement>(`main [data-message="${CSS.escape(thread ?? "")}"]`));
  };
  const close = () => {
    setPanel(undefined);
    giveBack("[data-region=panel]", () => opener.current);
  };
  /** Esc, where nothing nearer has taken it: one step a press, the panel first. */
  const escape = () => {
    if (thread) closeThread();
    else if (panel) close();
    else if (isSearching()) closeSearch();
    else ends.current?.leave();
  };
  return (
    <div className={css["room"]} data-panel={side}>
      <main className={css["main"]} aria-label={name} {...drop} data-drop={drop["data-dropping"] ? t("attach.drop", { room: name }) : undefined}>
        <header className={css["head"]}>
          <Link href="/" className={css["back"]} aria-label={t("action.back")}><ArrowLeft size={18} strokeWidth={1.5} aria-hidden /></Link>
          <h1 className={css["name"]} dir="auto">{room.kind === "direct" ? "" : "# "}{name}</h1>
          {other ? <Presence id={other.id} /> : null}
          <div className={css["topic"]} dir="auto">{room.topic}</div>
          {room.membership && has("/v1/search/messages") ? <IconButton className={css["wide"]} label={t("search.here")} onClick={search}><Search size={18} strokeWidth={1.5} aria-hidden /></IconButton> : null}
          {room.membership && has("/v1/rooms/{room_id}/pins") ? <IconButton label={t("pins.title")} data-pins aria-expanded={panel === "pins"} onClick={opens("pins")}><Pin size={18} strokeWidth={1.5} aria-hidden /></IconButton> : null}
          {room.membership && has("/v1/rooms/{room_id}/threads") ? <IconButton className={css["wide"]} label={t("threads.title")} aria-expanded={panel === "threads"} onClick={opens("threads")}><MessagesSquare size={18} strokeWidth={1.5} aria-hidden /></IconButton> : null}
          <Button look="plain" data-members aria-expanded={panel === "members"} aria-label={t("members.open", { count: room.member_count ?? 0 })} title={t("members.title")} onClick={opens("members")}>
            <Users size={18} strokeWidth={1.5} aria-hidden />{room.member_count}
          </Button>
          <IconButton className={css["wide"]} label={t("keys.title")} aria-haspopup="dialog" onClick={onKeys}><CircleQuestionMark size={18} strokeWidth={1.5} aria-hidden /></IconButton>
          {room.membership ? <RoomMenu room={room} onSearch={search} onThreads={() => toggle("threads", null)} /> : null}
        </header>
        {room.membership ? (
          <>
            <Timeline room={room} jump={jump} onType={type} onEdit={edit} onThread={openThread} ends={ends} onEscape={escape} />
            <Refused room={room.id} />
            <Foot room={room} name={name} reason={reason} from={from} composer={composer} onEscape={escape} onSent={() => ends.current?.follow()} />
          </>
        ) : <Outside room={room} name={`${room.kind === "direct" ? "" : "# "}${name}`} />}
      </main>
      <Later>{thread && room.membership ? <Thread key={thread} room={room} root={thread} jump={answer} onClose={closeThread} /> : side === "members" ? <Members room={room} onClose={close} /> : side === "pins" ? <Pins room={room} onClose={close} /> : side === "threads" ? <Threads room={room} onClose={close} /> : null}</Later>
    </div>
  );
}

/** The menu's parts are many: they are fetched when the button is first pointed at, focused or pressed. */
function RoomMenu({ room, onSearch, onThreads }: { room: Room; onSearch: () => void; onThreads: () => void }) {
  const [wanted, setWanted] = useState(false);
  if (wanted) return <Later><Menu room={room} onSearch={onSearch} onThreads={onThreads} /></Later>;
  const soon = () => void Menu.fetch().catch(() => undefined);
  // It stays until what takes its place is there: without a connection that may take several presses.
  const open = () => void Menu.fetch().then(() => setWanted(true), () => lacks());
  return <IconButton label={t("action.more")} data-room-menu aria-haspopup="menu" onPointerEnter={soon} onFocus={soon} onClick={open}><MoreVertical size={18} strokeWidth={1.5} aria-hidden /></IconButton>;
}

/** `reason`: why one may not write. */
function Foot({ room, name, reason, from, composer, onEscape, onSent }: { room: Room; name: string; reason: Reason | undefined; from: Element | null; composer: React.RefObject<ComposerHandle | null>; onEscape: () => void; onSent: () => void }) {
  return (
    <Writing reason={reason}>
      <Composer timeline={room.id} room={room.id} label={t("composer.label", { room: room.kind === "direct" ? name : `# ${name}` })} onEscape={onEscape} onSent={onSent} from={from} ref={composer} />
    </Writing>
  );
}
