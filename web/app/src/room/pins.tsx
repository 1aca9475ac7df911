/** The pinned messages of a room, newest pin first. */
import type { Message, Page, Room } from "@tidings/client";
import { useCallback, useEffect, useState } from "react";
import { Link } from "wouter";
import { client } from "../client.ts";
import { moment, t } from "../i18n.ts";
import { Failed } from "../kit/kit.tsx";
import { Waiting } from "../kit/pages.tsx";
import { useLead } from "../lead.ts";
import { Face } from "../faces.tsx";
import { Attachments } from "./attachments.tsx";
import { Body } from "./body.tsx";
import { Panel } from "./panel.tsx";
import css from "./room.module.css";

export default function Pins({ room, onClose }: { room: Room; onClose: () => void }) {
  const lead = useLead();
  const [all, setAll] = useState<Message[]>();
  const [error, setError] = useState<unknown>();
  const read = useCallback(() => {
    setError(undefined);
    client.request<Page<Message>>("GET", `/v1/rooms/${room.id}/pins`).then(({ data }) => setAll(data.items), setError);
  }, [room.id]);
  useEffect(read, [read]);
  return (
    <Panel title={t("pins.title")} onClose={onClose} takes>
      <div className={css["list"]} aria-busy={!all && error === undefined}>
        {error === undefined ? null : <Failed error={error} retry={read} />}
        {!all && error === undefined ? <Waiting /> : null}
        {all?.length === 0 ? <p className={css["pad"]}>{t("pins.none")}</p> : null}
        <ul>
          {all?.map((message) => (
            <li key={message.id} className={css["pad"]}>
              <span className={css["row"]}><Face person={message.sender} small /><strong dir="auto">{message.sender.display_name}</strong><span className={css["aside"]}>{moment(message.created_at)}</span></span>
              {message.body === "" ? null : <Body text={message.body} format={message.format} />}
              {message.attachments.length > 0 ? <Attachments files={message.attachments} /> : null}
              <Link href={`/r/${room.id}/m/${message.id}`} onClick={lead(`/r/${room.id}/m/${message.id}`)}>{t("pins.jump")}</Link>
            </li>
          ))}
        </ul>
      </div>
    </Panel>
  );
}
