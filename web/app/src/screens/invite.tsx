/** Makes an invitation to a room. */
import type { Room } from "@tidings/client";
import { useState } from "react";
import { client } from "../client.ts";
import { moment, t } from "../i18n.ts";
import { Dialog } from "../kit/dialog.tsx";
import { Button, css, Failed, Field, SelectField } from "../kit/kit.tsx";
import page from "./page.module.css";

const DAYS = [1, 7, 30];

export default function Invite({ room, onClose }: { room: Room; onClose: () => void }) {
  const [days, setDays] = useState("7");
  const [made, setMade] = useState<{ code: string; expires_at: string }>();
  const [error, setError] = useState<unknown>();
  const submit = () => client.request<{ code: string; expires_at: string }>("POST", `/v1/rooms/${room.id}/invites`, { expires_in: Number(days) * 86_400 }).then(({ data }) => setMade(data), setError);
  const link = made ? `${location.origin}/i/${made.code}` : "";
  return (
    <Dialog title={t("room.invite")} onClose={onClose}>
      <form action={submit} className={page["form"]}>
        {made ? (
          <Field label={t("invite.link")} hint={t("invite.until", { time: moment(made.expires_at) })} value={link} readOnly onFocus={(event) => event.target.select()} autoFocus />
        ) : (
          <SelectField label={t("invite.days")} value={days} onChange={setDays}>{DAYS.map((one) => <option key={one} value={one}>{t("invite.count", { count: one })}</option>)}</SelectField>
        )}
        {error === undefined ? null : <Failed error={error} />}
        <div className={`${css["row"]} ${css["end"]}`}>
          <Button onClick={onClose}>{t("action.close")}</Button>
          {made ? <Button look="primary" onClick={() => void navigator.clipboard?.writeText(link)}>{t("invite.copy")}</Button> : <Button type="submit" look="primary">{t("action.create")}</Button>}
        </div>
      </form>
    </Dialog>
  );
}
