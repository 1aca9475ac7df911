/** A thread beside its room: the message that began it, its answers, and where one answers. */
import type { Message, Room } from "@tidings/client";
import { Bell, BellOff } from "lucide-react";
import { useCallback, useEffect, useRef, useState } from "react";
import { answer } from "@tidings/client";
import { client, useKey } from "../client.ts";
import { t } from "../i18n.ts";
import { Button, Failed, IconButton } from "../kit/kit.tsx";
import { hopeless } from "../refused.ts";
import { has } from "../routes.ts";
import { useClosed, Writing } from "./closed.tsx";
import { Composer, type ComposerHandle } from "./composer.tsx";
import { useDrop } from "./drop.ts";
import { Left } from "./left.tsx";
import { Panel } from "./panel.tsx";
import { Row } from "./row.tsx";
import { follow } from "./thread-entry.tsx";
import { AGAIN } from "./threads.tsx";
import { Timeline, type Ends } from "./timeline.tsx";
import css from "./room.module.css";

/** Esc is the panel's. */
const LEAVE = () => undefined;
const ABOVE = { start: false, day: false, fresh: false, head: true, zone: "" };

export default function Thread({ room, root, jump, onClose }: { room: Room; root: string; jump: string | undefined; onClose: () => void }) {
  const held = useKey(`message:${root}`);
  const [read, setRead] = useState<Message>();
  const [error, setError] = useState<unknown>();
  const composer = useRef<ComposerHandle>(null);
  const message = held ?? read;
  // A link to nothing: it was cut off, or what it led to may not be seen.
  const lost = !message && hopeless(error);
  const answers = message?.reply_count ?? 0;
  const unread = useUnread(room.id, root, message && answers > 0);
  useEffect(() => {
    if (!client.store.get(`message:${root}`)) answer(client.api.GET("/v1/messages/{message_id}", { params: { path: { message_id: root } } })).then(setRead, setError);
  }, [root]);
  const edit = useCallback((one: Message) => composer.current?.edit(one), []);
  const type = useCallback((text: string) => composer.current?.type(text), []);
  const closed = useClosed(room, true);
  const reason = message?.deleted_at ? { text: t("closed.root") } : closed;
  const ends = useRef<Ends>(null);
  const drop = useDrop(has("/v1/media") && !reason ? (data) => composer.current?.drop(data) : undefined);
  return (
    <Panel title={t("thread.title")} onClose={onClose} actions={<Following room={room.id} root={root} answers={answers} ready={unread !== undefined} onError={setError} />} {...drop} data-drop={drop["data-dropping"] ? t("attach.drop_thread") : undefined}>
      {error === undefined || lost ? null : <Failed error={error} />}
      {lost ? <Nothing onClose={onClose} /> : null}
      {message ? <div className={css["root"]}><Row row={{ key: root, message }} room={room} above={ABOVE} marked={false} tabStop onEdit={edit} /></div> : null}
      {message && answers > 0 ? <p className={css["answers"]}>{t("thread.answers", { count: answers })}</p> : null}
      {lost ? null : <Timeline room={room} root={root} unread={unread} jump={jump} onType={type} onEdit={edit} ends={ends} onEscape={LEAVE} />}
      {!message ? null : (
        <Writing reason={reason} left={message.deleted_at ? <Left place={`${client.store.me?.id}.${room.id}/${root}`} /> : null}>
          <Composer timeline={`${room.id}/${root}`} room={room.id} thread={root} label={t("thread.answer")} onSent={() => ends.current?.follow()} ref={composer} />
        </Writing>
      )}
    </Panel>
  );
}

/** There is no such thread. */
function Nothing({ onClose }: { onClose: () => void }) {
  const text = useRef<HTMLParagraphElement>(null);
  useEffect(() => {
    if (document.activeElement === document.body) text.current?.focus();
  }, []);
  return (
    <div className={css["pad"]}>
      <p ref={text} tabIndex={-1}>{t("thread.gone")}</p>
      <div><Button onClick={onClose}>{t("thread.room")}</Button></div>
    </div>
  );
}

/** How many answers were unread when the thread was opened. Undefined: not known yet. */
function useUnread(room: string, root: string, begun: boolean | undefined): number | undefined {
  const [unread, setUnread] = useState<number>();
  const known = unread !== undefined;
  useEffect(() => {
    if (known || begun === undefined) return;
    let left = false;
    const take = () => {
      if (!left) setUnread(client.store.get(`threads:${room}`)?.items.find((one) => one.root.id === root)?.unread_count ?? 0);
    };
    // A thread without any answer is no thread yet. What cannot be asked is as it was known last.
    if (!begun || client.store.get(`threads:${room}`)?.stale === false) take();
    else void client.threads(room).then(take, take);
    return () => {
      left = true;
    };
  }, [room, root, begun, known]);
  return unread;
}

/** Milliseconds after which what is known may be old, where many answer. */
const SELDOM = 10_000;

/** Whether the user is told of answers. A thread without any is no thread yet. */
function Following({ room, root, answers, ready, onError }: { room: string; root: string; answers: number; ready: boolean; onError: (error: unknown) => void }) {
  const view = useKey(`threads:${room}`);
  const following = view?.items.find((one) => one.root.id === root)?.following;
  const begun = answers > 0;
  useEffect(() => {
    // One's own answer makes one follow: what is held may say otherwise.
    if (!begun || !ready || (view && !(view.stale && following !== true))) return;
    const timer = setTimeout(() => void client.threads(room).catch(() => undefined), !view ? 0 : following === undefined ? AGAIN : SELDOM);
    return () => clearTimeout(timer);
  }, [room, begun, ready, view, following]);
  if (!begun || following === undefined) return null;
  const toggle = () => void follow(root, !following).then(() => client.threads(room)).catch(onError);
  return (
    <IconButton server label={following ? t("thread.unfollow") : t("thread.follow")} onClick={toggle}>
      {following ? <BellOff size={18} strokeWidth={1.5} aria-hidden /> : <Bell size={18} strokeWidth={1.5} aria-hidden />}
    </IconButton>
  );
}
