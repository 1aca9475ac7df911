/** A room: its name, its timeline, and where one writes. */
import type { Room } from "@tidings/client";
import { ArrowLeft, MoreVertical, Users } from "lucide-react";
import { lazy, Suspense, useEffect, useRef, useState } from "react";
import { Link } from "wouter";
import { client, useKey } from "../client.ts";
import { moment, t, useLanguage } from "../i18n.ts";
import { Button, Failed, IconButton } from "../kit/kit.tsx";
import { useRoomName } from "../names.ts";
import { Composer, type ComposerHandle } from "./composer.tsx";
import { Timeline } from "./timeline.tsx";
import css from "./room.module.css";

const Panel = lazy(() => import("./members.tsx"));
const loadMenu = () => import("./menu.tsx");
const Menu = lazy(loadMenu);

export function RoomScreen({ room: id, jump }: { room: string; jump?: string }) {
  useLanguage();
  const room = useKey(`room:${id}`);
  const status = useKey("status");
  const [error, setError] = useState<unknown>();
  const known = room !== undefined;
  useEffect(() => {
    if (known || status.phase !== "live") return;
    client.refresh(id).catch(setError);
  }, [id, known, status.phase]);
  if (error !== undefined) return <main className={css["gone"]}><Failed error={error} /></main>;
  if (!room) return <main className={css["gone"]} aria-busy={status.phase !== "live"}>{status.phase === "live" ? <p>{t("room.gone")}</p> : null}</main>;
  return <Known room={room} jump={jump} />;
}

function Known({ room, jump }: { room: Room; jump: string | undefined }) {
  const name = useRoomName(room);
  const [panel, setPanel] = useState(false);
  const opener = useRef<HTMLButtonElement>(null);
  const composer = useRef<ComposerHandle>(null);
  const close = () => {
    setPanel(false);
    opener.current?.focus();
  };
  return (
    <div className={css["room"]} data-panel={panel || undefined}>
      <main className={css["main"]} aria-label={name}>
        <header className={css["head"]}>
          <Link href="/" className={css["back"]} aria-label={t("action.back")}><ArrowLeft size={18} strokeWidth={1.5} aria-hidden /></Link>
          <h1 className={css["name"]} dir="auto">{room.kind === "direct" ? "" : "# "}{name}</h1>
          <p className={css["topic"]} dir="auto">{room.topic}</p>
          <Button look="plain" ref={opener} aria-expanded={panel} aria-label={t("members.open", { count: room.member_count ?? 0 })} title={t("members.title")} onClick={() => (panel ? close() : setPanel(true))}>
            <Users size={18} strokeWidth={1.5} aria-hidden />{room.member_count}
          </Button>
          <RoomMenu room={room} />
        </header>
        {room.membership ? (
          <>
            <Timeline room={room} jump={jump} onType={(text) => composer.current?.type(text)} onEdit={(message) => composer.current?.edit(message)} />
            <Foot room={room} name={name} composer={composer} />
          </>
        ) : <Outside room={room} name={name} />}
      </main>
      <Suspense fallback={null}>{panel ? <Panel room={room} onClose={close} /> : null}</Suspense>
    </div>
  );
}

/** The menu's parts are many: they are fetched when the button is first pointed at, focused or pressed. */
function RoomMenu({ room }: { room: Room }) {
  const [wanted, setWanted] = useState(false);
  const soon = () => void loadMenu().catch(() => undefined);
  const button = <IconButton label={t("action.more")} aria-haspopup="menu" onPointerEnter={soon} onFocus={soon} onClick={() => setWanted(true)}><MoreVertical size={18} strokeWidth={1.5} aria-hidden /></IconButton>;
  if (!room.membership || !wanted) return button;
  return <Suspense fallback={button}><Menu room={room} /></Suspense>;
}

/** Why the reader may not write here, or undefined. */
function closed(room: Room): string | undefined {
  const own = room.membership;
  const extra = room as Room & { posting?: string };
  if (room.archived) return t("closed.archived");
  if (own?.muted_until && Date.parse(own.muted_until) > Date.now()) return t("closed.muted", { time: moment(own.muted_until) });
  if (extra.posting === "admins" && own?.role === "member") return t("closed.posting");
  return undefined;
}

function Foot({ room, name, composer }: { room: Room; name: string; composer: React.RefObject<ComposerHandle | null> }) {
  const reason = closed(room);
  if (reason) return <p className={css["closed"]}>{reason}</p>;
  return <Composer timeline={room.id} room={room.id} label={t("composer.label", { room: room.kind === "direct" ? name : `# ${name}` })} ref={composer} />;
}

/** A public room that the reader has not joined. */
function Outside({ room, name }: { room: Room; name: string }) {
  const [error, setError] = useState<unknown>();
  const join = () => client.request("PUT", `/v1/rooms/${room.id}/members/me`).then(() => client.refresh(room.id)).catch(setError);
  return (
    <div className={css["gone"]}>
      <p>{t("room.outside", { room: name })}</p>
      {error === undefined ? null : <Failed error={error} />}
      <Button look="primary" onClick={() => void join()}>{t("room.join")}</Button>
    </div>
  );
}
