/** A thread in a list: what began it, who answers, and what of it is unread. */
import type { Thread } from "@tidings/client";
import { Bell, BellOff } from "lucide-react";
import { Link } from "wouter";
import { client, useKey } from "../client.ts";
import { lately, t } from "../i18n.ts";
import { Count, IconButton } from "../kit/kit.tsx";
import { roomName } from "../names.ts";
import { Face } from "../faces.tsx";
import css from "./threads.module.css";

/** Follows a thread, or does not any more; the list is told by an event. */
export function follow(root: string, on: boolean): Promise<unknown> {
  return client.request(on ? "PUT" : "DELETE", `/v1/messages/${root}/follow`);
}

export function ThreadEntry({ thread, named, onError }: { thread: Thread; named?: boolean; onError: (error: unknown) => void }) {
  const { root, unread_count: unread, mention_count: mentions, following, participants } = thread;
  const held = useKey(`message:${root.id}`) ?? root;
  const room = useKey(`room:${root.room_id}`);
  const text = held.deleted_at ? t("message.deleted") : held.body || held.attachments.map((file) => file.filename).join(", ");
  const last = held.last_reply_at ?? root.last_reply_at;
  return (
    <li className={css["entry"]}>
      <Link href={`/r/${root.room_id}/t/${root.id}`} className={css["link"]} data-entry data-unread={unread > 0 || undefined}>
        <Face person={held.sender} small />
        <span className={css["what"]}>
          <span className={css["about"]}><strong dir="auto">{held.sender.display_name}</strong>{named && room ? <span dir="auto">{room.kind === "direct" ? "" : "# "}{roomName(room)}</span> : null}</span>
          <span className={css["text"]} dir="auto">{text}</span>
          <span className={css["about"]}>
            <span>{t("thread.answers", { count: held.reply_count ?? root.reply_count ?? 0 })}</span>
            {last ? <time dateTime={last}>{t("thread.last", { time: lately(last) })}</time> : null}
            <span dir="auto">{participants.map((one) => one.display_name).join(", ")}</span>
          </span>
        </span>
        {mentions > 0 ? <Count value={mentions} mention /> : unread > 0 ? <Count value={unread} /> : null}
        {unread > 0 ? <span className="hidden">{t("room.unread")}</span> : null}
      </Link>
      <IconButton server label={following ? t("thread.unfollow") : t("thread.follow")} onClick={() => void follow(root.id, !following).catch(onError)}>
        {following ? <BellOff size={18} strokeWidth={1.5} aria-hidden /> : <Bell size={18} strokeWidth={1.5} aria-hidden />}
      </IconButton>
    </li>
  );
}
