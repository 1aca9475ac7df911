import { ProblemError } from "@tidings/client";
import { useState } from "react";
import { Link } from "wouter";
import { client } from "../client.ts";
import { t } from "../i18n.ts";
import { Button, Failed, Field } from "../kit/kit.tsx";
import css from "./sign-in.module.css";

/** What is wrong with a field, as the server says. */
function wrong(error: unknown, pointer: string): string | undefined {
  if (!(error instanceof ProblemError)) return undefined;
  return error.problem.errors?.find((one) => one.pointer === pointer)?.detail;
}

export default function Register({ onDone }: { onDone: () => void }) {
  const [error, setError] = useState<unknown>();
  const [busy, setBusy] = useState(false);
  const [typed, setTyped] = useState({ display_name: "", username: "", email: "", password: "" });
  const submit = async (form: FormData) => {
    const text = (name: string) => String(form.get(name)).trim();
    const account = { username: text("username"), email: text("email"), password: String(form.get("password")) };
    const name = text("display_name");
    setTyped({ ...account, display_name: name });
    setBusy(true);
    setError(undefined);
    await client.register({ ...account, ...(name ? { display_name: name } : {}) }).then(onDone, setError);
    setBusy(false);
  };
  const named = ["/username", "/email", "/password", "/display_name"].some((pointer) => wrong(error, pointer));
  return (
    <div className={css["screen"]}>
      <header className={css["brand"]}>{t("app.name")}</header>
      <main className={css["main"]}>
        <title>{t("register.title")}</title>
        <h1>{t("register.heading", { host: location.host })}</h1>
        <form action={submit} className={css["form"]}>
          <Field label={t("field.display_name")} name="display_name" defaultValue={typed.display_name} autoComplete="name" maxLength={64} wrong={wrong(error, "/display_name")} autoFocus />
          <Field label={t("field.username")} name="username" defaultValue={typed.username} hint={t("register.username_hint")} autoComplete="username" autoCapitalize="none" required maxLength={32} wrong={wrong(error, "/username")} />
          <Field label={t("field.email")} name="email" type="email" defaultValue={typed.email} autoComplete="email" required wrong={wrong(error, "/email")} />
          <Field label={t("field.password")} name="password" type="password" defaultValue={typed.password} hint={t("register.password_hint")} autoComplete="new-password" required minLength={8} wrong={wrong(error, "/password")} />
          {error === undefined || named ? null : <Failed error={error} />}
          <Button type="submit" look="primary" disabled={busy}>{t("action.register")}</Button>
        </form>
        <p className={css["more"]}>{t("register.known")} <Link href="/login">{t("action.signin")}</Link></p>
      </main>
    </div>
  );
}
