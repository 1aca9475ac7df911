/** Writes into inboxes: of some people, or of everybody. */
import { useState } from "react";
import { client } from "../client.ts";
import { t } from "../i18n.ts";
import { Outcome, useActing } from "../kit/acting.tsx";
import { Button, Field, SelectField, TextField } from "../kit/kit.tsx";
import css from "../screens/page.module.css";
import { recipients } from "./recipients.ts";

export default function Notify() {
  const acting = useActing();
  const [who, setWho] = useState("named");
  const [told, setTold] = useState("");
  const submit = async (form: HTMLFormElement) => {
    const typed = new FormData(form);
    const text = (name: string) => String(typed.get(name) ?? "").trim();
    const to = who === "everyone" ? { everyone: true } : { users: recipients(text("to")) };
    const done = await acting.act(async () => {
      const { data } = await client.request<{ notification_ids: string[] }>("POST", "/v1/admin/notifications", { ...to, title: text("title"), body: text("body") });
      setTold(who === "everyone" ? t("notices.done_all") : t("notices.done", { count: data.notification_ids.length }));
    });
    if (done) form.reset();
  };
  return (
    <form className={css["form"]} onSubmit={(event) => { event.preventDefault(); void submit(event.currentTarget); }}>
      <SelectField label={t("notices.who")} value={who} onChange={setWho}>
        <option value="named">{t("notices.named")}</option>
        <option value="everyone">{t("notices.everyone")}</option>
      </SelectField>
      {who === "named" ? <Field label={t("notices.to")} hint={t("notices.to_hint")} name="to" required autoCapitalize="none" autoComplete="off" spellCheck={false} /> : null}
      <Field label={t("notices.title")} name="title" required maxLength={200} />
      <TextField label={t("notices.body")} name="body" required maxLength={4_000} rows={5} dir="auto" />
      <Outcome acting={acting} done={told} />
      <div><Button type="submit" look="primary" aria-disabled={acting.busy}>{who === "named" ? t("notices.send") : t("notices.send_all")}</Button></div>
    </form>
  );
}
