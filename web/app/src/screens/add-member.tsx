import type { Room } from "@tidings/client";
import { useState } from "react";
import { client } from "../client.ts";
import { t } from "../i18n.ts";
import { Refusal, useActing } from "../kit/acting.tsx";
import { Dialog } from "../kit/dialog.tsx";
import { Button, css, Field } from "../kit/kit.tsx";
import page from "./page.module.css";

export default function AddMember({ room, onClose }: { room: Room; onClose: () => void }) {
  const [name, setName] = useState("");
  const acting = useActing();
  const add = () => client.request("POST", `/v1/rooms/${room.id}/members`, { user: `@${name.trim().replace(/^@/, "")}` }).then(onClose);
  return (
    <Dialog title={t("room.add")} onClose={onClose}>
      <form action={() => void acting.act(add)} className={page["form"]}>
        <Field label={t("field.username")} value={name} onChange={(event) => setName(event.target.value)} required maxLength={33} autoCapitalize="none" autoFocus />
        <Refusal acting={acting} />
        <div className={`${css["row"]} ${css["end"]}`}>
          <Button onClick={onClose}>{t("action.cancel")}</Button>
          <Button server type="submit" look="primary">{t("action.add")}</Button>
        </div>
      </form>
    </Dialog>
  );
}
