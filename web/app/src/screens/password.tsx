/** Another password. An account without one gets its first. */
import { answer } from "@tidings/client";
import { client, useKey } from "../client.ts";
import { t } from "../i18n.ts";
import { Outcome, useActing } from "../kit/acting.tsx";
import { Button, Field } from "../kit/kit.tsx";
import { readMe } from "../me.ts";
import css from "./page.module.css";

export default function Password() {
  const me = useKey("me");
  const acting = useActing();
  const submit = async (form: HTMLFormElement) => {
    const typed = new FormData(form);
    const text = (name: string) => String(typed.get(name) ?? "");
    const body = { new_password: text("new"), ...(me?.has_password === false ? {} : { current_password: text("current") }), ...(me?.second_factor ? { code: text("code").trim() } : {}) };
    if (await acting.act(() => answer(client.api.POST("/v1/users/me/password", { body })).then(readMe))) form.reset();
  };
  return (
    <form onSubmit={(event) => { event.preventDefault(); void submit(event.currentTarget); }} className={css["form"]}>
      {me?.has_password === false ? <p>{t("proof.recent")}</p> : <Field label={t("password.current")} name="current" type="password" autoComplete="current-password" required />}
      <Field label={t("password.new")} name="new" type="password" autoComplete="new-password" hint={t("register.password_hint")} required minLength={8} />
      {me?.second_factor ? <Field label={t("field.code")} name="code" autoComplete="one-time-code" autoCapitalize="none" required /> : null}
      <p className={css["aside"]}>{t("password.about")}</p>
      <Outcome acting={acting} />
      <div className={css["buttons"]}><Button server type="submit" look="primary" aria-disabled={acting.busy}>{t("password.change")}</Button></div>
    </form>
  );
}
