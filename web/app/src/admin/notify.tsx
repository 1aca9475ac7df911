/** Writes into inboxes. */
import { answer } from "@tidings/client";
import { useState } from "react";
import { client } from "../client.ts";
import { t } from "../i18n.ts";
import { Outcome, useActing } from "../kit/acting.tsx";
import { Button, Field, TextField } from "../kit/kit.tsx";
import css from "../screens/page.module.css";
import { recipients } from "./recipients.ts";

export default function Notify() {
  const acting = useActing();
  const [told, setTold] = useState(0);
  const submit = async (form: HTMLFormElement) => {
    const typed = new FormData(form);
    const text = (name: string) => String(typed.get(name)).trim();
    const done = await acting.act(async () => {
      const { notification_ids } = await answer(client.api.POST("/v1/admin/notifications", { body: { users: recipients(text("to")), title: text("title"), body: text("body") } }));
      setTold(notification_ids.length);
    });
    if (done) form.reset();
  };
  return (
    <form className={css["form"]} onSubmit={(event) => { event.preventDefault(); void submit(event.currentTarget); }}>
      <Field label={t("notices.to")} hint={t("notices.to_hint")} name="to" required autoCapitalize="none" autoComplete="off" spellCheck={false} />
      <Field label={t("notices.title")} name="title" required maxLength={200} />
      <TextField label={t("notices.body")} name="body" required maxLength={4_000} rows={5} dir="auto" />
      <Outcome acting={acting} done={t("notices.done", { count: told })} />
      <div><Button type="submit" look="primary" aria-disabled={acting.busy}>{t("notices.send")}</Button></div>
    </form>
  );
}
