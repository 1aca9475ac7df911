import type { Room } from "@tidings/client";
import { useState } from "react";
import { client } from "../client.ts";
import { t } from "../i18n.ts";
import { Dialog } from "../kit/dialog.tsx";
import { Button, css, Failed, Field, TextField } from "../kit/kit.tsx";
import page from "./page.module.css";

export default function EditRoom({ room, onClose }: { room: Room; onClose: () => void }) {
  const [name, setName] = useState(room.name ?? "");
  const [topic, setTopic] = useState(room.topic ?? "");
  const [error, setError] = useState<unknown>();
  const submit = async () => {
    const changes = { ...(name === room.name ? {} : { name }), ...(topic === (room.topic ?? "") ? {} : { topic: topic.trim() ? topic : null }) };
    if (Object.keys(changes).length === 0) return onClose();
    await client.request("PATCH", `/v1/rooms/${room.id}`, changes).then(onClose, setError);
  };
  return (
    <Dialog title={t("room.edit")} onClose={onClose}>
      <form action={submit} className={page["form"]}>
        <Field label={t("create.name")} value={name} onChange={(event) => setName(event.target.value)} required maxLength={100} autoFocus />
        <TextField label={t("create.topic")} value={topic} onChange={(event) => setTopic(event.target.value)} maxLength={1_000} rows={3} />
        {error === undefined ? null : <Failed error={error} />}
        <div className={`${css["row"]} ${css["end"]}`}>
          <Button onClick={onClose}>{t("action.cancel")}</Button>
          <Button type="submit" look="primary">{t("action.save")}</Button>
        </div>
      </form>
    </Dialog>
  );
}
