/** The pinned messages of a room, newest pin first. */
import type { Message, Page, Room } from "@tidings/client";
import { X } from "lucide-react";
import { useEffect, useRef, useState } from "react";
import { Link } from "wouter";
import { client } from "../client.ts";
import { moment, t } from "../i18n.ts";
import { Failed, IconButton } from "../kit/kit.tsx";
import { Face } from "../faces.tsx";
import { Attachments } from "./attachments.tsx";
import { Body } from "./body.tsx";
import css from "./room.module.css";

export default function Pins({ room, onClose }: { room: Room; onClose: () => void }) {
  const [all, setAll] = useState<Message[]>();
  const [error, setError] = useState<unknown>();
  const head = useRef<HTMLHeadingElement>(null);
  useEffect(() => head.current?.focus(), []);
  useEffect(() => {
    client.request<Page<Message>>("GET", `/v1/rooms/${room.id}/pins`).then(({ data }) => setAll(data.items), setError);
  }, [room.id]);
  return (
    <aside className={css["panel"]} aria-label={t("pins.title")} data-region="panel" onKeyDown={(event) => { if (event.key === "Escape" && !event.defaultPrevented) onClose(); }}>
      <div className={css["panelHead"]}>
        <h2 ref={head} tabIndex={-1}>{t("pins.title")}</h2>
        <IconButton label={t("action.close")} onClick={onClose}><X size={18} strokeWidth={1.5} aria-hidden /></IconButton>
      </div>
      <div className={css["list"]} aria-busy={!all}>
        {error === undefined ? null : <Failed error={error} />}
        {all?.length === 0 ? <p className={css["pad"]}>{t("pins.none")}</p> : null}
        <ul>
          {all?.map((message) => (
            <li key={message.id} className={css["pad"]}>
              <span className={css["row"]}><Face person={message.sender} small /><strong dir="auto">{message.sender.display_name}</strong><span className={css["aside"]}>{moment(message.created_at)}</span></span>
              {message.body === "" ? null : <Body text={message.body} format={message.format} />}
              {message.attachments.length > 0 ? <Attachments files={message.attachments} /> : null}
              <Link href={`/r/${room.id}/m/${message.id}`}>{t("pins.jump")}</Link>
            </li>
          ))}
        </ul>
      </div>
    </aside>
  );
}
