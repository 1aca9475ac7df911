import { ProblemError } from "@tidings/client";
import { useState } from "react";
import { Link } from "wouter";
import { client } from "../client.ts";
import { t } from "../i18n.ts";
import { Button, Failed, Field } from "../kit/kit.tsx";
import { has } from "../routes.ts";
import css from "./sign-in.module.css";

export function SignIn({ onDone }: { onDone: () => void }) {
  const [error, setError] = useState<unknown>();
  const [busy, setBusy] = useState(false);
  const [second, setSecond] = useState(false);
  // React empties a form after its action: what was typed is kept for the next try.
  const [typed, setTyped] = useState({ login: "", password: "" });
  const submit = async (form: FormData) => {
    const login = String(form.get("login"));
    const password = String(form.get("password"));
    setTyped({ login, password });
    setBusy(true);
    setError(undefined);
    try {
      await client.logIn(login, password, second ? String(form.get("code")) : undefined);
      onDone();
    } catch (failure) {
      if (failure instanceof ProblemError && failure.code === "second_factor_required" && !second) setSecond(true);
      else setError(failure);
    }
    setBusy(false);
  };
  return (
    <div className={css["screen"]}>
      <header className={css["brand"]}>{t("app.name")}</header>
      <main className={css["main"]}>
        <title>{t("signin.title")}</title>
        <h1>{t("signin.heading", { host: location.host })}</h1>
        <form action={submit} className={css["form"]}>
          <Field label={t("field.login")} name="login" defaultValue={typed.login} autoComplete="username" autoCapitalize="none" required autoFocus />
          <Field label={t("field.password")} name="password" type="password" defaultValue={typed.password} autoComplete="current-password" required />
          {second ? <Field label={t("field.code")} name="code" inputMode="numeric" autoComplete="one-time-code" required autoFocus /> : null}
          {error === undefined ? null : <Failed error={error} />}
          <Button type="submit" look="primary" disabled={busy}>{t("action.signin")}</Button>
        </form>
        {has("/v1/password-resets") ? <p className={css["more"]}><Link href="/reset">{t("signin.forgot")}</Link></p> : null}
        <p className={css["more"]}>{t("signin.new")} <Link href="/register">{t("signin.register")}</Link></p>
      </main>
    </div>
  );
}
