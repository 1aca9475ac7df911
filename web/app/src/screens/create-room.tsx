import type { Room } from "@tidings/client";
import { useState } from "react";
import { useLocation } from "wouter";
import { client } from "../client.ts";
import { t } from "../i18n.ts";
import { Dialog } from "../kit/dialog.tsx";
import { Button, css, Failed, Field, SelectField } from "../kit/kit.tsx";
import page from "./page.module.css";

export default function CreateRoom({ onClose }: { onClose: () => void }) {
  const [, go] = useLocation();
  const [open, setOpen] = useState("public");
  const [name, setName] = useState("");
  const [topic, setTopic] = useState("");
  const [members, setMembers] = useState("");
  const [error, setError] = useState<unknown>();
  const submit = async () => {
    setError(undefined);
    const invited = members.split(/[\s,]+/).filter(Boolean).map((one) => (one.startsWith("@") ? one : `@${one}`));
    const body = { kind: open === "public" ? "channel" : "group", name, ...(topic.trim() ? { topic } : {}), visibility: open, ...(invited.length > 0 ? { members: invited } : {}) };
    try {
      const { data } = await client.request<Room>("POST", "/v1/rooms", body);
      await client.refresh(data.id);
      onClose();
      go(`/r/${data.id}`);
    } catch (failure) {
      setError(failure);
    }
  };
  return (
    <Dialog title={t("create.title")} onClose={onClose}>
      <form action={submit} className={page["form"]}>
        <Field label={t("create.name")} value={name} onChange={(event) => setName(event.target.value)} required maxLength={100} autoFocus />
        <Field label={t("create.topic")} value={topic} onChange={(event) => setTopic(event.target.value)} maxLength={1_000} />
        <SelectField label={t("create.who")} value={open} onChange={setOpen}>
          <option value="public">{t("create.public")}</option>
          <option value="private">{t("create.private")}</option>
        </SelectField>
        <Field label={t("create.members")} hint={t("create.members_hint")} value={members} onChange={(event) => setMembers(event.target.value)} />
        {error === undefined ? null : <Failed error={error} />}
        <div className={`${css["row"]} ${css["end"]}`}>
          <Button onClick={onClose}>{t("action.cancel")}</Button>
          <Button server type="submit" look="primary">{t("action.create")}</Button>
        </div>
      </form>
    </Dialog>
  );
}
