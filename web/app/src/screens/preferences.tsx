/** Who may write to the user, when they are mailed, and what is told of them. */
import type { Account } from "@tidings/client";
import { useState } from "react";
import { client, useKey } from "../client.ts";
import { moment, span, t } from "../i18n.ts";
import { Outcome, useActing } from "../kit/acting.tsx";
import { Button, SelectField } from "../kit/kit.tsx";
import { keepMe } from "../me.ts";
import { pauses, until } from "../pauses.ts";
import css from "./page.module.css";

type Preferences = Required<Account["preferences"]>;

const DEFAULT: Preferences = { direct_messages: "everyone", added_to_rooms: "everyone", email: "mentions", email_delay_minutes: 15, do_not_disturb_until: null, read_receipts: true, presence: true };
const WHO = ["everyone", "shared_rooms", "nobody"];
const MAIL = ["all", "mentions", "none"];
const DELAYS = [0, 5, 15, 60, 240, 1_440];

export default function PreferencesPage() {
  const me = useKey("me");
  const [now, setNow] = useState<Preferences>({ ...DEFAULT, ...me?.preferences });
  // What is kept is a moment; what is chosen is how long from now.
  const [pause, setPause] = useState("keep");
  const acting = useActing();
  const set = (change: object) => setNow({ ...now, ...change });
  const submit = () => void acting.act(async () => {
    const quiet = pause === "keep" ? {} : { do_not_disturb_until: until(pause) ?? null };
    const { do_not_disturb_until: _, ...others } = now;
    const { data: account } = await client.request<Account>("PATCH", "/v1/users/me", { preferences: { ...others, ...quiet } });
    keepMe(account);
    setNow({ ...DEFAULT, ...account.preferences });
    setPause("keep");
  });
  const who = (name: "direct_messages" | "added_to_rooms") => (
    <SelectField label={t(`preferences.${name}`)} value={now[name]} onChange={(value) => set({ [name]: value })}>
      {WHO.map((one) => <option key={one} value={one}>{t(`who.${one}`)}</option>)}
    </SelectField>
  );
  const check = (name: "read_receipts" | "presence") => (
    <label className={css["check"]}><input type="checkbox" checked={now[name]} onChange={(event) => set({ [name]: event.target.checked })} />{t(`preferences.${name}`)}</label>
  );
  const delays = [...new Set([...DELAYS, now.email_delay_minutes])].sort((a, b) => a - b);
  return (
    <form onSubmit={(event) => { event.preventDefault(); submit(); }} className={css["form"]}>
      {who("direct_messages")}
      {who("added_to_rooms")}
      <SelectField label={t("preferences.email")} value={now.email} onChange={(email) => set({ email })}>
        {MAIL.map((one) => <option key={one} value={one}>{t(`mail.${one}`)}</option>)}
      </SelectField>
      {now.email === "none" ? null : (
        <SelectField label={t("preferences.email_delay_minutes")} value={String(now.email_delay_minutes)} onChange={(minutes) => set({ email_delay_minutes: Number(minutes) })}>
          {delays.map((minutes) => <option key={minutes} value={minutes}>{minutes === 0 ? t("preferences.at_once") : span(minutes * 60)}</option>)}
        </SelectField>
      )}
      <Pause held={now.do_not_disturb_until} value={pause} onChange={setPause} />
      {check("read_receipts")}
      {check("presence")}
      <Outcome acting={acting} />
      <div><Button server type="submit" look="primary" aria-disabled={acting.busy}>{t("action.save")}</Button></div>
    </form>
  );
}

/** No mails for a while. */
function Pause({ held, value, onChange }: { held: string | null | undefined; value: string; onChange: (value: string) => void }) {
  const on = held && Date.parse(held) > Date.now() ? held : undefined;
  return (
    <SelectField label={t("preferences.do_not_disturb_until")} value={value} onChange={onChange}>
      <option value="keep">{on ? t("preferences.quiet_until", { time: moment(on) }) : t("preferences.loud")}</option>
      {on ? <option value="off">{t("preferences.loud")}</option> : null}
      {pauses().map((one) => <option key={one.id} value={one.id}>{one.label}</option>)}
    </SelectField>
  );
}
