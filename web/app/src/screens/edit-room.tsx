/** What a room is called, and the rules in it. */
import { answer, type components, type Room } from "@tidings/client";
import { useState } from "react";
import { client } from "../client.ts";
import { span, t } from "../i18n.ts";
import { Refusal, useActing } from "../kit/acting.tsx";
import { Dialog } from "../kit/dialog.tsx";
import { Button, css, Field, SelectField, TextField } from "../kit/kit.tsx";
import { rights } from "../room/powers.ts";
import page from "./page.module.css";

const PAUSES = [0, 5, 10, 30, 60, 300, 900, 3_600, 21_600];

interface Draft {
  name: string;
  topic: string;
  visibility: Room["visibility"];
  posting: Room["posting"];
  slow_mode_seconds: number;
  retention_days: string;
}

const drafted = (room: Room): Draft => ({
  name: room.name ?? "", topic: room.topic ?? "", visibility: room.visibility, posting: room.posting ?? "everyone", slow_mode_seconds: room.slow_mode_seconds ?? 0, retention_days: room.retention_days ? String(room.retention_days) : "",
});

/** What is another one than before; an optional field that was emptied is cleared. */
export function changes(before: Draft, now: Draft): components["schemas"]["RoomChanges"] {
  const changed = (Object.keys(now) as (keyof Draft)[]).filter((field) => now[field] !== before[field]);
  return Object.fromEntries(changed.map((field) => {
    if (field === "topic") return [field, now.topic.trim() ? now.topic : null];
    if (field === "retention_days") return [field, now.retention_days ? Number(now.retention_days) : null];
    return [field, now[field]];
  }));
}

export default function EditRoom({ room, onClose }: { room: Room; onClose: () => void }) {
  const [before] = useState(() => drafted(room));
  const [now, setNow] = useState(before);
  const acting = useActing();
  const { owns } = rights(room);
  const set = (change: Partial<Draft>) => setNow({ ...now, ...change });
  const submit = async () => {
    const body = changes(before, now);
    const work = () => answer(client.api.PATCH("/v1/rooms/{room_id}", { params: { path: { room_id: room.id } }, body })).then(() => client.refresh(room.id));
    if (Object.keys(body).length === 0 || (await acting.act(work))) onClose();
  };
  const pauses = [...new Set([...PAUSES, now.slow_mode_seconds])].sort((a, b) => a - b);
  return (
    <Dialog title={t("room.settings")} onClose={onClose}>
      <form onSubmit={(event) => { event.preventDefault(); void submit(); }} className={page["form"]}>
        <Field label={t("create.name")} value={now.name} onChange={(event) => set({ name: event.target.value })} required maxLength={100} autoFocus />
        <TextField label={t("create.topic")} value={now.topic} onChange={(event) => set({ topic: event.target.value })} maxLength={1_000} rows={3} />
        <SelectField label={t("rules.posting")} value={now.posting} onChange={(posting) => set({ posting: posting as Draft["posting"] })}>
          <option value="everyone">{t("rules.everyone")}</option>
          <option value="admins">{t("rules.admins")}</option>
        </SelectField>
        <SelectField label={t("rules.slow")} value={String(now.slow_mode_seconds)} onChange={(seconds) => set({ slow_mode_seconds: Number(seconds) })}>
          {pauses.map((seconds) => <option key={seconds} value={seconds}>{seconds === 0 ? t("rules.fast") : span(seconds)}</option>)}
        </SelectField>
        {owns ? (
          <>
            <SelectField label={t("create.who")} value={now.visibility} onChange={(visibility) => set({ visibility: visibility as Draft["visibility"] })}>
              <option value="public">{t("create.public")}</option>
              <option value="private">{t("create.private")}</option>
            </SelectField>
            <Field label={t("rules.retention")} hint={t("rules.retention_hint")} type="number" min={1} max={36_500} value={now.retention_days} onChange={(event) => set({ retention_days: event.target.value })} />
          </>
        ) : null}
        <Refusal acting={acting} />
        <div className={`${css["row"]} ${css["end"]}`}>
          <Button onClick={onClose}>{t("action.cancel")}</Button>
          <Button server type="submit" look="primary" aria-disabled={acting.busy}>{t("action.save")}</Button>
        </div>
      </form>
    </Dialog>
  );
}
