/** One message, and what can be done with it. */
import type { Message, OutboxChange, OutboxEntry, OutboxPost, Room, Row as StoreRow } from "@tidings/client";
import { memo, useEffect, useLayoutEffect, useMemo, useRef, useState } from "react";
import { client, useKey } from "../client.ts";
import { clock, day, lately, moment, t, withTexts } from "../i18n.ts";
import { Button } from "../kit/kit.tsx";
import { Face, usePerson, useUsernames } from "../faces.tsx";
import { Later } from "../kit/later.tsx";
import { part } from "../kit/part.tsx";
import { Acts, HANDED } from "./acts.tsx";
import { refusal } from "./attaching.ts";
import { Attachments, Sending } from "./attachments.tsx";
import { Body, type Mentions } from "./body.tsx";
import { Reactions } from "./reactions.tsx";
import { Start } from "./start.tsx";
import type { Above } from "./above.ts";
import css from "./row.module.css";

const PersonCard = part(() => withTexts(import("./person-card.tsx"), "more"));

const NO_ONE: string[] = [];

interface Props {
  row: StoreRow;
  room: Room;
  above: Above;
  marked: boolean;
  tabStop: boolean;
  onEdit: (message: Message) => void;
  onThread?: ((message: Message) => void) | undefined;
}

export const Row = memo(function Row({ row, room, above, marked, tabStop, onEdit, onThread }: Props) {
  const { message, pending } = row;
  const element = useRef<HTMLElement>(null);
  // What can be done with it is drawn once the pointer or the focus has been on it: most rows only pass by.
  const [near, setNear] = useState(false);
  const approach = () => setNear(true);
  // All messages are one stop of Tab: from the one that has it Tab leads into its links and buttons, and from no other.
  useLayoutEffect(() => {
    for (const one of element.current?.querySelectorAll<HTMLElement>("a[href], button") ?? []) one.tabIndex = tabStop ? 0 : -1;
  });
  const [shown, setShown] = useState(false);
  const hide = () => {
    setShown(false);
    // What it was opened from may be gone: then the message takes the focus.
    setTimeout(() => document.activeElement === document.body && element.current?.focus({ preventScroll: true }), HANDED);
  };
  const sender = message?.sender ?? client.store.me;
  const changes = useKey(`changes:${message?.id ?? ""}`);
  const user = usePerson(sender?.id ?? "");
  const name = user?.display_name ?? sender?.display_name ?? "";
  const at = message?.created_at ?? new Date(pending?.submitted_at ?? 0).toISOString();
  const deleted = Boolean(message?.deleted_at);
  const text = message?.body ?? pending?.body ?? "";
  const said = text || (message?.attachments ?? pending?.files ?? []).map((file) => file.filename).join(", ");
  return (
    <>
      {above.start ? <Start room={room} /> : null}
      {above.day ? <div className={css["day"]}><span>{day(at)}</span></div> : null}
      {above.fresh ? <div className={css["fresh"]}><span>{t("timeline.newline")}</span></div> : null}
      <article
        ref={element} className={css["row"]} data-head={above.head || undefined} data-marked={marked || undefined} data-row={row.key} data-message={message?.id}
        data-mention={message && !deleted && names(message, room) || undefined}
        tabIndex={tabStop ? 0 : -1} onPointerEnter={approach} onFocus={approach} aria-label={t("message.label", { name, text: deleted ? t("message.deleted") : said.slice(0, 300) })} aria-description={described(at, message, pending ? [pending] : changes)} aria-setsize={-1}
      >
        {above.head ? <button type="button" className={css["avatar"]} tabIndex={-1} aria-label={t("person.of", { name })} onClick={() => setShown(true)}><Face person={{ id: sender?.id ?? "", display_name: name }} /></button> : <time className={css["hover"]} dateTime={at}>{clock(at)}</time>}
        <div className={css["text"]}>
          {above.head ? <div className={css["head"]}><span className={css["name"]} dir="auto" onClick={() => setShown(true)}>{name}</span><time className={css["time"]} dateTime={at} title={moment(at)}>{clock(at)}</time></div> : null}
          {deleted ? <p className={css["aside"]}>{t("message.deleted")}</p> : <Content message={message} pending={pending} text={text} />}
          {message?.edited_at && !deleted ? <span className={css["aside"]} title={moment(message.edited_at)}>{t("message.edited")}</span> : null}
          {message?.pinned && !deleted ? <span className={css["aside"]}>{message.edited_at ? " · " : ""}{t("message.pinned")}</span> : null}
          {message && !deleted ? <Reactions message={message} closed={room.archived} /> : null}
          {message && onThread && (message.reply_count ?? 0) > 0 ? <button type="button" className={css["thread"]} tabIndex={-1} onClick={() => onThread(message)}>{t("thread.answers", { count: message.reply_count ?? 0 })}{message.last_reply_at ? <span className={css["last"]}>{" "}{t("thread.last", { time: lately(message.last_reply_at) })}</span> : null}</button> : null}
          {pending ? <Waiting entry={pending} /> : changes.map((change) => <Waiting key={change.client_id} entry={change} lost={deleted && change.kind === "edit"} />)}
        </div>
        {near && message && !deleted ? <Acts message={message} room={room} row={element} onEdit={onEdit} onThread={onThread} onPerson={() => setShown(true)} /> : null}
        {shown && sender ? <Later><PersonCard id={sender.id} onClose={hide} /></Later> : null}
      </article>
    </>
  );
}, same);

/** What stands above is made anew for each drawing: it is compared by what it says. */
function same(a: Props, b: Props): boolean {
  const { start, day: newDay, fresh, head, zone } = a.above;
  return a.row === b.row && a.room === b.room && a.marked === b.marked && a.tabStop === b.tabStop && a.onEdit === b.onEdit && a.onThread === b.onThread
    && start === b.above.start && newDay === b.above.day && fresh === b.above.fresh && head === b.above.head && zone === b.above.zone;
}

/** What else there is to say of a message, in this order: when, whether it was changed, reactions, answers, what becomes of it. */
function described(at: string, message: Message | undefined, waits: readonly OutboxEntry[]): string {
  const told = !message || message.deleted_at ? [] : [
    message.edited_at ? t("message.edited") : "", message.pinned ? t("message.pinned") : "",
    (message.reactions ?? []).map((one) => `${one.emoji} ${one.count}`).join(" "), (message.reply_count ?? 0) > 0 ? t("thread.answers", { count: message.reply_count ?? 0 }) : "",
  ];
  return [moment(at), ...told, ...waits.map((entry) => (entry.state === "sent" ? "" : word(entry, entry.state === "failed" ? "failed" : "sending")))].filter(Boolean).join(", ");
}

/** Whether a message names the reader. */
function names(message: Message, room: Room): boolean {
  return room.kind !== "direct" && (message.mentions.includes(client.store.me?.id ?? "") || Boolean(message.mentions_room));
}

function Content({ message, pending, text }: { message: Message | undefined; pending: OutboxPost | undefined; text: string }) {
  const usernames = useUsernames(message?.mentions ?? NO_ONE);
  const mentions = useMemo((): Mentions => {
    const names = new Set(usernames === "" ? [] : usernames.split(" "));
    if (message?.mentions_room) names.add(message.mentions_room);
    return { names, own: client.store.me?.username ?? "" };
  }, [usernames, message?.mentions_room]);
  return (
    <>
      {text === "" ? null : <Body text={text} format={message?.format ?? pending?.format ?? "plain"} mentions={mentions} />}
      {message && message.attachments.length > 0 ? <Attachments files={message.attachments} /> : null}
      {pending?.files ? <Sending files={pending.files} /> : null}
    </>
  );
}

/** What there is to say of a message, or of a change of one, that is on its way. */
function word(entry: OutboxEntry, state: "failed" | "old" | "waiting" | "sending"): string {
  const kind = entry.kind?.replace("unreact", "react");
  // To send is said in one way, whatever is sent.
  const id = !kind || (state === "sending" && kind !== "delete") ? state : `${state}_${kind}`;
  return t(`outbox.${id}`, { reason: refusal(entry.problem), time: moment(entry.submitted_at), emoji: (entry as OutboxChange).emoji ?? "" });
}

/** Says what becomes of a message that is on its way, or of what was done to one. `lost`: the text that was meant for it is nowhere else to be seen. */
function Waiting({ entry, lost }: { entry: OutboxEntry; lost?: boolean }) {
  const status = useKey("status");
  const [late, setLate] = useState(Date.now() - entry.submitted_at > 400);
  useEffect(() => {
    if (late) return;
    const timer = setTimeout(() => setLate(true), 400);
    return () => clearTimeout(timer);
  }, [late]);
  if (entry.state === "failed" || entry.state === "old") {
    return (
      <div className={css["failed"]} role="alert">
        <span>{word(entry, entry.state)}</span>
        {lost ? <q className={css["lost"]} dir="auto">{entry.body}</q> : null}
        <Button onClick={() => void client.outbox.retry(entry.client_id)}>{entry.state !== "old" ? t("action.retry") : entry.kind === "delete" ? t("message.delete") : t("action.send")}</Button>
        <Button onClick={() => void client.outbox.drop(entry.client_id)}>{t("action.drop")}</Button>
      </div>
    );
  }
  if (entry.state === "sent" || !late) return null;
  const offline = status.phase !== "live";
  // A file can take long: what waits for one can be given up.
  const waits = offline || (!entry.kind && entry.files?.some((file) => !file.media));
  return (
    <span className={css["aside"]}>
      {word(entry, offline ? "waiting" : "sending")}
      {waits ? <> <button type="button" className={css["drop"]} onClick={() => void client.outbox.drop(entry.client_id)}>{t("action.drop")}</button></> : null}
    </span>
  );
}
