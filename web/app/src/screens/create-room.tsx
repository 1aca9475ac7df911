import type { Room } from "@tidings/client";
import { useState } from "react";
import { useLocation } from "wouter";
import { client } from "../client.ts";
import { t } from "../i18n.ts";
import { Refusal, useActing } from "../kit/acting.tsx";
import { Dialog } from "../kit/dialog.tsx";
import { Button, css, Field, SelectField } from "../kit/kit.tsx";
import { bare } from "../people.ts";
import { problemOf } from "../refused.ts";
import page from "./page.module.css";

/** Says who it is that there is not, where the server says at which place. */
function unknown(failure: unknown, invited: string[]): Error | undefined {
  const refused = problemOf(failure)?.errors?.find((one) => one.code === "not_found");
  const name = invited[Number(/^\/members\/(\d+)$/.exec(refused?.pointer ?? "")?.[1])];
  return name === undefined ? undefined : new Error(t("people.unknown", { name: bare(name) }));
}

export default function CreateRoom({ onClose }: { onClose: () => void }) {
  const [, go] = useLocation();
  const [open, setOpen] = useState("public");
  const [name, setName] = useState("");
  const [topic, setTopic] = useState("");
  const [members, setMembers] = useState("");
  const acting = useActing();
  const create = async () => {
    const invited = members.split(/[\s,]+/).filter(Boolean).map((one) => (one.startsWith("@") ? one : `@${one}`));
    const body = { kind: open === "public" ? "channel" : "group", name, ...(topic.trim() ? { topic } : {}), visibility: open, ...(invited.length > 0 ? { members: invited } : {}) };
    const { data } = await client.request<Room>("POST", "/v1/rooms", body).catch((failure: unknown) => {
      throw unknown(failure, invited) ?? failure;
    });
    await client.refresh(data.id);
    onClose();
    go(`/r/${data.id}`);
  };
  return (
    <Dialog title={t("create.title")} onClose={onClose}>
      <form action={() => void acting.act(create)} className={page["form"]}>
        <Field label={t("create.name")} value={name} onChange={(event) => setName(event.target.value)} required maxLength={100} autoFocus />
        <Field label={t("create.topic")} value={topic} onChange={(event) => setTopic(event.target.value)} maxLength={1_000} />
        <SelectField label={t("create.who")} value={open} onChange={setOpen}>
          <option value="public">{t("create.public")}</option>
          <option value="private">{t("create.private")}</option>
        </SelectField>
        <Field label={t("create.members")} hint={t("create.members_hint")} value={members} onChange={(event) => setMembers(event.target.value)} />
        <Refusal acting={acting} />
        <div className={`${css["row"]} ${css["end"]}`}>
          <Button onClick={onClose}>{t("action.cancel")}</Button>
          <Button server type="submit" look="primary">{t("action.create")}</Button>
        </div>
      </form>
    </Dialog>
  );
}
