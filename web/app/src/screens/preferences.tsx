/** Who may write to the user, and what is told of them. */
import { useState } from "react";
import { client, useKey } from "../client.ts";
import { t } from "../i18n.ts";
import { Button, Failed, SelectField } from "../kit/kit.tsx";
import css from "./page.module.css";

interface Preferences {
  direct_messages: string;
  added_to_rooms: string;
  email: string;
  read_receipts: boolean;
  presence: boolean;
}

const DEFAULT: Preferences = { direct_messages: "everyone", added_to_rooms: "everyone", email: "mentions", read_receipts: true, presence: true };
const WHO = ["everyone", "shared_rooms", "nobody"];
const MAIL = ["all", "mentions", "none"];

export default function PreferencesPage() {
  const me = useKey("me") as { preferences?: Partial<Preferences> } | undefined;
  const [now, setNow] = useState<Preferences>({ ...DEFAULT, ...me?.preferences });
  const [error, setError] = useState<unknown>();
  const [done, setDone] = useState(false);
  const set = (change: Partial<Preferences>) => {
    setDone(false);
    setNow({ ...now, ...change });
  };
  const submit = () => client.request("PATCH", "/v1/users/me", { preferences: now }).then(() => { setError(undefined); setDone(true); }, setError);
  const who = (name: "direct_messages" | "added_to_rooms") => (
    <SelectField label={t(`preferences.${name}`)} value={now[name]} onChange={(value) => set({ [name]: value })}>
      {WHO.map((one) => <option key={one} value={one}>{t(`who.${one}`)}</option>)}
    </SelectField>
  );
  const check = (name: "read_receipts" | "presence") => (
    <label className={css["check"]}><input type="checkbox" checked={now[name]} onChange={(event) => set({ [name]: event.target.checked })} />{t(`preferences.${name}`)}</label>
  );
  return (
    <form action={submit} className={css["form"]}>
      {who("direct_messages")}
      {who("added_to_rooms")}
      <SelectField label={t("preferences.email")} value={now.email} onChange={(email) => set({ email })}>
        {MAIL.map((one) => <option key={one} value={one}>{t(`mail.${one}`)}</option>)}
      </SelectField>
      {check("read_receipts")}
      {check("presence")}
      {error === undefined ? null : <Failed error={error} />}
      {done ? <p className={css["done"]} role="status">{t("settings.saved")}</p> : null}
      <div><Button type="submit" look="primary">{t("action.save")}</Button></div>
    </form>
  );
}
