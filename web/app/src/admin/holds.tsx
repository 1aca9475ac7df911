/** Legal holds: what nothing may delete. */
import { answer, type components } from "@tidings/client";
import { useState } from "react";
import { client } from "../client.ts";
import { moment, t } from "../i18n.ts";
import Ask, { Reason, reason } from "../kit/ask.tsx";
import { Button, Field, SelectField } from "../kit/kit.tsx";
import { Listing, usePages } from "../kit/pages.tsx";
import { Named } from "../named.tsx";
import { userCalled } from "../people.ts";
import css from "../screens/page.module.css";

type Hold = components["schemas"]["Hold"];

const held = (one: Hold) => one.room_id ?? one.user_id ?? "";

/** Places a hold, or ends one. */
function change(on: boolean, kind: Hold["kind"], id: string, why: string): Promise<unknown> {
  return client.request(on ? "PUT" : "DELETE", `/v1/admin/holds/${kind}s/${encodeURIComponent(id)}`, { reason: why });
}

export default function Holds() {
  const pages = usePages("", (cursor) => answer(client.api.GET("/v1/admin/holds", { params: { query: { cursor } } })), held);
  const [ending, setEnding] = useState<Hold>();
  const [placing, setPlacing] = useState(false);
  const end = async (form: FormData) => {
    if (ending) await change(false, ending.kind, held(ending), reason(form).reason ?? "");
    await pages.reload();
  };
  return (
    <>
      <p>{t("holds.about")}</p>
      <div><Button look="primary" onClick={() => setPlacing(true)}>{t("holds.place")}</Button></div>
      <Listing pages={pages} label={t("admin.holds")} empty={t("holds.none")}>
        {(one) => (
          <li key={held(one)} className={css["item"]}>
            <span className={css["what"]}>
              <span>{t(`hold.${one.kind}`)}: {one.user_id ? <Named id={one.user_id} /> : <Held room={one.room_id ?? ""} />}</span>
              <span dir="auto">{one.reason}</span>
              <span className={css["aside"]}>{t("holds.by")} <Named id={one.placed_by} />, {moment(one.placed_at)}</span>
            </span>
            <Button look="danger" aria-label={t("holds.end_one", { id: held(one) })} onClick={() => setEnding(one)}>{t("holds.end")}</Button>
          </li>
        )}
      </Listing>
      {ending ? <Ask title={t("holds.end")} text={t("holds.end_text")} action={t("holds.end")} danger onClose={() => setEnding(undefined)} onSubmit={end}><Reason hint={t("reason.audit")} /></Ask> : null}
      {placing ? <Place onClose={() => setPlacing(false)} onDone={() => void pages.reload()} /> : null}
    </>
  );
}

function Held({ room }: { room: string }) {
  const name = client.store.get(`room:${room}`)?.name;
  return name ? <span dir="auto"># {name}</span> : <code>{room}</code>;
}

function Place({ onClose, onDone }: { onClose: () => void; onDone: () => void }) {
  const [kind, setKind] = useState<Hold["kind"]>("user");
  const submit = async (form: FormData) => {
    const what = String(form.get("what")).trim();
    await change(true, kind, kind === "user" && !what.startsWith("usr_") ? (await userCalled(what)).id : what, reason(form).reason ?? "");
    onDone();
  };
  return (
    <Ask title={t("holds.place")} text={t("holds.about")} action={t("holds.place")} onClose={onClose} onSubmit={submit}>
      <SelectField label={t("holds.kind")} value={kind} onChange={(one) => setKind(one as Hold["kind"])}>
        <option value="user">{t("hold.user")}</option>
        <option value="room">{t("hold.room")}</option>
      </SelectField>
      <Field label={kind === "user" ? t("holds.user") : t("holds.room")} name="what" required autoCapitalize="none" autoComplete="off" spellCheck={false} />
      <Reason hint={t("reason.audit")} />
    </Ask>
  );
}
