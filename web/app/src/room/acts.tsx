/** What can be done with a message: by buttons, by keys on its row, and by a menu that names all of it. */
import type { Message, Room } from "@tidings/client";
import { Flag, Info, Link2, MessageSquareReply, MoreHorizontal, Pencil, Pin, PinOff, SmilePlus, Trash2, UserRound } from "lucide-react";
import { useState, type ReactNode, type RefObject } from "react";
import { client } from "../client.ts";
import { t, withTexts } from "../i18n.ts";
import { copy } from "../kit/copy.ts";
import { IconButton, detail } from "../kit/kit.tsx";
import { Later } from "../kit/later.tsx";
import { part } from "../kit/part.tsx";
import { has } from "../routes.ts";
import { keepReaction } from "../settings.ts";
import { keyName } from "../shell/key-names.ts";
import css from "./row.module.css";

const Emoji = part(() => import("../kit/emoji.tsx"));
const Confirm = part(() => import("../kit/confirm.tsx"));
const ReportMessage = part(() => withTexts(import("./report-message.tsx"), "more"));
const AboutMessage = part(() => withTexts(import("./about-message.tsx"), "more"));
const MessageMenu = part(() => import("./message-menu.tsx"));

const MODERATES = ["owner", "admin"];
/** Milliseconds that a dialog is given to hand the focus back. */
export const HANDED = 60;

export interface Act {
  /** The key that does it while the row has the focus. */
  key: string;
  /** How the key is written, where that is not the key itself. */
  sign?: string;
  label: string;
  icon: ReactNode;
  run: () => void;
  /** Not among the buttons of a narrow screen: the menu has it. */
  rare?: boolean;
  /** It wants the server. */
  server?: boolean;
  /** In the menu only: the row has another way to it. */
  listed?: boolean;
}

type Asked = "delete" | "react" | "report" | "about" | "menu" | undefined;

interface Props {
  message: Message;
  room: Room;
  row: RefObject<HTMLElement | null>;
  onEdit: (message: Message) => void;
  onThread?: ((message: Message) => void) | undefined;
  onPerson: () => void;
}

const icon = { size: 18, strokeWidth: 1.5, "aria-hidden": true } as const;

export function Acts({ message, room, row, onEdit, onThread, onPerson }: Props) {
  const [asked, setAsked] = useState<Asked>();
  const [error, setError] = useState("");
  const own = message.sender.id === client.store.me?.id;
  const may = own || MODERATES.includes(room.membership?.role ?? "") || (client.store.me?.role !== "user" && room.visibility === "public");
  // Room admins pin in channels, every member elsewhere.
  const pins = has("/v1/messages/{message_id}/pin") && !room.archived && (room.kind !== "channel" || MODERATES.includes(room.membership?.role ?? ""));
  const reacts = has("/v1/messages/{message_id}/reactions/{emoji}") && !room.archived;
  const act = (work: Promise<unknown>) => void work.then(() => setError(""), (failure: unknown) => setError(detail(failure)));
  const react = (emoji: string) => {
    keepReaction(emoji);
    act(client.react(message.id, emoji, true));
  };
  const acts: (Act | false | undefined)[] = [
    onThread && !room.archived && { key: "r", label: t("message.answer"), icon: <MessageSquareReply {...icon} />, run: () => onThread(message) },
    reacts && { key: "+", label: t("message.react"), icon: <SmilePlus {...icon} />, run: () => setAsked("react") },
    pins && { key: "p", rare: true, server: true, label: message.pinned ? t("message.unpin") : t("message.pin"), icon: message.pinned ? <PinOff {...icon} /> : <Pin {...icon} />, run: () => act(client.request(message.pinned ? "DELETE" : "PUT", `/v1/messages/${message.id}/pin`)) },
    own && !room.archived && { key: "e", label: t("message.edit"), icon: <Pencil {...icon} />, run: () => onEdit(message) },
    { key: "c", rare: true, label: t("message.copy"), icon: <Link2 {...icon} />, run: () => void copy(`${location.origin}/r/${message.room_id}/m/${message.id}`) },
    has("/v1/messages/{message_id}/readers") && { key: "i", rare: true, server: true, label: t("message.about"), icon: <Info {...icon} />, run: () => setAsked("about") },
    { key: "u", listed: true, label: t("person.of", { name: message.sender.display_name }), icon: <UserRound {...icon} />, run: onPerson },
    !own && { key: "!", rare: true, server: true, label: t("message.report"), icon: <Flag {...icon} />, run: () => setAsked("report") },
    may && { key: "Delete", sign: keyName("del"), rare: true, label: t("message.delete"), icon: <Trash2 {...icon} />, run: () => setAsked("delete") },
  ];
  const all = acts.filter((one): one is Act => Boolean(one));
  const close = () => {
    setAsked(undefined);
    // What the focus came from, as the menu, may be gone: then the message takes it.
    setTimeout(() => document.activeElement === document.body && row.current?.focus({ preventScroll: true }), HANDED);
  };
  return (
    <>
      <div className={css["tools"]}>
        {all.map((one) => one.listed ? <button key={one.key} type="button" hidden data-key={one.key} onClick={one.run} /> : <IconButton key={one.key} label={one.label} data-key={one.key} data-rare={one.rare || undefined} server={one.server} tabIndex={-1} onClick={one.run}>{one.icon}</IconButton>)}
        <IconButton label={t("message.actions")} data-key="m" tabIndex={-1} aria-haspopup="menu" onClick={() => setAsked("menu")}><MoreHorizontal {...icon} /></IconButton>
      </div>
      {error ? <div className={css["failed"]} role="alert">{error}</div> : null}
      {asked === undefined ? null : (
        <Later>
          {asked === "menu" ? <MessageMenu acts={all} row={row} onClose={() => setAsked((now) => (now === "menu" ? undefined : now))} /> : null}
          {asked === "react" ? <Emoji onClose={close} onPick={react} /> : null}
          {asked === "report" ? <ReportMessage message={message} onClose={close} /> : null}
          {asked === "about" ? <AboutMessage message={message} onClose={close} /> : null}
          {asked === "delete" ? <Confirm title={t("message.delete_title")} text={t("message.delete_text")} action={t("message.delete")} onClose={close} onConfirm={() => act(client.remove(message.id))} /> : null}
        </Later>
      )}
    </>
  );
}
