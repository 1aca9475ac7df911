/** A forgotten password: a code by mail, and a new one. */
import { ProblemError } from "@tidings/client";
import { useState } from "react";
import { Link } from "wouter";
import { t } from "../i18n.ts";
import { Button, Failed, Field } from "../kit/kit.tsx";
import { useOnce } from "../kit/once.ts";
import { useTitle } from "../shell/titled.ts";
import { Brand } from "./brand.tsx";
import css from "./sign-in.module.css";

async function post(path: string, body: object): Promise<unknown> {
  const response = await fetch(path, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) });
  const answer: unknown = response.status === 204 ? undefined : await response.json().catch(() => undefined);
  if (!response.ok) throw await ProblemError.of(response, answer);
  return answer;
}

export default function Reset() {
  useTitle(`${t("reset.title")} - ${t("app.name")}`);
  const [id, setId] = useState<string>();
  const [done, setDone] = useState(false);
  const [error, setError] = useState<unknown>();
  const act = useOnce((work: () => Promise<void>) => work().then(() => setError(undefined), setError));
  const ask = (form: FormData) => act(() => post("/v1/password-resets", { email: String(form.get("email")) }).then((answer) => setId((answer as { reset_id: string }).reset_id)));
  const confirm = (form: FormData) => act(() => post(`/v1/password-resets/${id}/confirm`, { code: String(form.get("code")).trim(), new_password: String(form.get("password")) }).then(() => setDone(true)));
  return (
    <div className={css["screen"]}>
      <Brand />
      <main className={css["main"]}>
        <h1>{t("reset.title")}</h1>
        {done ? <p role="status">{t("reset.done")}</p> : id ? (
          <form action={confirm} className={css["form"]}>
            <p>{t("reset.sent")}</p>
            <Field label={t("reset.code")} name="code" inputMode="numeric" autoComplete="one-time-code" required autoFocus />
            <Field label={t("password.new")} name="password" type="password" autoComplete="new-password" hint={t("register.password_hint")} required minLength={8} />
            {error === undefined ? null : <Failed error={error} />}
            <Button type="submit" look="primary">{t("password.change")}</Button>
          </form>
        ) : (
          <form action={ask} className={css["form"]}>
            <Field label={t("field.email")} name="email" type="email" autoComplete="email" required autoFocus />
            {error === undefined ? null : <Failed error={error} />}
            <Button type="submit" look="primary">{t("reset.ask")}</Button>
          </form>
        )}
        <p className={css["more"]}><Link href="/login">{t("action.signin")}</Link></p>
      </main>
    </div>
  );
}
