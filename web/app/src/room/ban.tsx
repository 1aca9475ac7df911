/** Puts a user out of a room, and keeps them out. */
import { answer, type Room, type User } from "@tidings/client";
import { useState } from "react";
import { client } from "../client.ts";
import { t } from "../i18n.ts";
import Ask, { Reason, reason } from "../kit/ask.tsx";
import { Field, SelectField } from "../kit/kit.tsx";
import { pauses, until } from "../pauses.ts";
import { userCalled } from "../people.ts";

/** Without a `user` it asks for a name: who is not in the room can be kept out, too. */
export default function Ban({ room, user, onClose, onDone }: { room: Room; user?: User; onClose: () => void; onDone: () => void }) {
  const [pause, setPause] = useState("");
  const submit = async (form: FormData) => {
    const whom = user ?? (await userCalled(String(form.get("name"))));
    const end = until(pause);
    await answer(client.api.PUT("/v1/rooms/{room_id}/bans/{user_id}", { params: { path: { room_id: room.id, user_id: whom.id } }, body: { ...reason(form), ...(end ? { until: end } : {}) } }));
    onDone();
  };
  return (
    <Ask title={user ? t("ban.title", { name: user.display_name }) : t("ban.new")} text={t("ban.text")} action={t("members.ban")} danger onClose={onClose} onSubmit={submit}>
      {user ? null : <Field label={t("field.username")} name="name" required maxLength={33} autoCapitalize="none" autoFocus />}
      <SelectField label={t("ban.long")} value={pause} onChange={setPause}>
        <option value="">{t("ban.ever")}</option>
        {pauses().map((one) => <option key={one.id} value={one.id}>{one.label}</option>)}
      </SelectField>
      <Reason optional hint={t("ban.seen")} />
    </Ask>
  );
}
