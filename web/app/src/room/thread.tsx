/** A thread beside its room: the message that began it, its answers, and where one answers. */
import type { Message, Room } from "@tidings/client";
import { useCallback, useEffect, useRef, useState } from "react";
import { answer } from "@tidings/client";
import { client, useKey } from "../client.ts";
import { t } from "../i18n.ts";
import { Failed } from "../kit/kit.tsx";
import { has } from "../routes.ts";
import { closed } from "./closed.ts";
import { Composer, type ComposerHandle } from "./composer.tsx";
import { useDrop } from "./drop.ts";
import { Panel } from "./panel.tsx";
import { Row } from "./row.tsx";
import { Timeline } from "./timeline.tsx";
import css from "./room.module.css";

const ABOVE = { start: false, day: false, fresh: false, head: true, zone: "" };

export default function Thread({ room, root, jump, onClose }: { room: Room; root: string; jump: string | undefined; onClose: () => void }) {
  const held = useKey(`message:${root}`);
  const [read, setRead] = useState<Message>();
  const [error, setError] = useState<unknown>();
  const composer = useRef<ComposerHandle>(null);
  const message = held ?? read;
  useEffect(() => {
    if (!client.store.get(`message:${root}`)) answer(client.api.GET("/v1/messages/{message_id}", { params: { path: { message_id: root } } })).then(setRead, setError);
  }, [root]);
  const edit = useCallback((one: Message) => composer.current?.edit(one), []);
  const type = useCallback((text: string) => composer.current?.type(text), []);
  const reason = closed(room, true);
  const drop = useDrop(has("/v1/media") && !reason ? (data) => composer.current?.drop(data) : undefined);
  return (
    <Panel title={t("thread.title")} onClose={onClose} {...drop} data-drop={drop["data-dropping"] ? t("attach.drop_thread") : undefined}>
      {error === undefined ? null : <Failed error={error} />}
      {message ? <div className={css["root"]}><Row row={{ key: root, message }} room={room} above={ABOVE} marked={false} tabStop onEdit={edit} /></div> : null}
      <Timeline room={room} root={root} jump={jump} onType={type} onEdit={edit} />
      {!message || message.deleted_at ? null : reason ? <p className={css["closed"]}>{reason}</p> : <Composer timeline={`${room.id}/${root}`} room={room.id} thread={root} label={t("thread.answer")} ref={composer} />}
    </Panel>
  );
}
