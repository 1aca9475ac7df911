/** All rooms of the installation. */
import { answer, type Room } from "@tidings/client";
import { useState } from "react";
import { Link, useSearchParams } from "wouter";
import { client, useKey } from "../client.ts";
import { moment, number, t } from "../i18n.ts";
import Ask, { Reason, reason } from "../kit/ask.tsx";
import { Button, Field } from "../kit/kit.tsx";
import { Listing, useLater, usePages } from "../kit/pages.tsx";
import { userCalled } from "../people.ts";
import css from "../screens/page.module.css";

type Act = "archive" | "owner" | "hold";

const TEXTS: Record<Act, string> = { archive: "rooms.archive_text", owner: "rooms.owner_text", hold: "rooms.hold_text" };

export default function Rooms() {
  const [params] = useSearchParams();
  const [text, setText] = useState(params.get("query") ?? "");
  const [asked, setAsked] = useState<{ act: Act; room: Room }>();
  const admin = useKey("me")?.role === "admin";
  const query = useLater(text.trim());
  const pages = usePages(query, (cursor) => answer(client.api.GET("/v1/admin/rooms", { params: { query: { ...(query ? { query } : {}), cursor } } })), (one) => one.id);
  return (
    <>
      <search className={css["search"]}><Field label={t("rooms.search")} type="search" value={text} maxLength={100} onChange={(event) => setText(event.target.value)} /></search>
      <Listing pages={pages} label={t("admin.rooms")} empty={query ? t("rooms.nothing", { text: query }) : t("rooms.empty")}>
        {(room) => <One key={room.id} room={room} admin={admin} onAct={(act) => setAsked({ act, room })} />}
      </Listing>
      {asked ? <Asked {...asked} onClose={() => setAsked(undefined)} onDone={() => void pages.reload()} /> : null}
    </>
  );
}

function One({ room, admin, onAct }: { room: Room; admin: boolean; onAct: (act: Act) => void }) {
  const mine = useKey(`room:${room.id}`)?.membership;
  const name = room.name ?? t("room.direct");
  const marks = [t(`kind.${room.kind}`), ...(room.kind === "direct" ? [] : [t(`visibility.${room.visibility}`)]), ...(room.archived ? [t("room.archived")] : [])];
  return (
    <li className={css["block"]}>
      <div className={css["what"]}>
        <span dir="auto">{mine || room.visibility === "public" ? <Link href={`/r/${room.id}`}>{name}</Link> : name}</span>
        <span className={css["aside"]}>{marks.join(" · ")} · {t("browse.members", { count: room.member_count ?? 0 })} · {t("rooms.messages", { count: room.message_count ?? 0, shown: number(room.message_count ?? 0) })} · {moment(room.created_at)}</span>
        <span className={css["aside"]}><code>{room.id}</code></span>
      </div>
      <div className={css["buttons"]}>
        {room.archived || room.kind === "direct" ? null : <Button look="danger" aria-label={t("rooms.archive_one", { name })} onClick={() => onAct("archive")}>{t("room.archive")}</Button>}
        {admin && room.kind !== "direct" ? <Button aria-label={t("rooms.owner_one", { name })} onClick={() => onAct("owner")}>{t("rooms.owner")}</Button> : null}
        {admin ? <Button aria-label={t("rooms.hold_one", { name })} onClick={() => onAct("hold")}>{t("rooms.hold")}</Button> : null}
      </div>
    </li>
  );
}

function Asked({ act, room, onClose, onDone }: { act: Act; room: Room; onClose: () => void; onDone: () => void }) {
  const path = { room_id: room.id };
  const name = room.name ?? t("room.direct");
  const submit = async (form: FormData) => {
    if (act === "archive") await answer(client.api.DELETE("/v1/admin/rooms/{room_id}", { params: { path }, body: reason(form) }));
    else if (act === "hold") await answer(client.api.PUT("/v1/admin/holds/rooms/{room_id}", { params: { path }, body: { reason: reason(form).reason ?? "" } }));
    else await answer(client.api.PUT("/v1/admin/rooms/{room_id}/owners/{user_id}", { params: { path: { ...path, user_id: (await userCalled(String(form.get("name")))).id } } }));
    onDone();
  };
  const title = { archive: t("room.archive"), owner: t("rooms.owner"), hold: t("rooms.hold") }[act];
  return (
    <Ask title={title} text={t(TEXTS[act], { name })} action={title} danger={act === "archive"} onClose={onClose} onSubmit={submit}>
      {act === "owner" ? <Field label={t("field.username")} name="name" required maxLength={33} autoCapitalize="none" autoFocus /> : null}
      {act === "owner" ? null : <Reason optional={act === "archive"} hint={t("reason.audit")} />}
    </Ask>
  );
}
