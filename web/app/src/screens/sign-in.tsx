import { ProblemError } from "@tidings/client";
import { useEffect, useState } from "react";
import { Link, useLocation } from "wouter";
import { client } from "../client.ts";
import { t } from "../i18n.ts";
import { Button, css as kit, Failed, Field } from "../kit/kit.tsx";
import { Later } from "../kit/later.tsx";
import { useOnce } from "../kit/once.ts";
import { part } from "../kit/part.tsx";
import { takeReturned, type Returned } from "../oidc.ts";
import { has } from "../routes.ts";
import { Owed } from "../shell/sign-out.tsx";
import { useTitle } from "../shell/titled.ts";
import { Brand } from "./brand.tsx";
import css from "./sign-in.module.css";

const Providers = part(() => import("./providers.tsx"));

/** What a provider's way can end with; anything else is its own fault. */
const ENDS = ["already_exists", "not_verified", "suspended", "forbidden", "gone", "invalid_code", "unauthenticated", "rate_limited"];

/** Why a login through a provider failed. */
function failed(code: string): Error {
  return new Error(t(`oidc.${ENDS.includes(code) ? code : "unavailable"}`));
}

export function wantsSecond(error: unknown): boolean {
  return error instanceof ProblemError && error.code === "second_factor_required";
}

/** The password was right once: what is wrong now is the code. */
export function said(error: unknown, second: boolean): unknown {
  return second && error instanceof ProblemError && error.code === "invalid_credentials" ? new Error(t("signin.wrong_code")) : error;
}

/** `onDone` is told where the user wanted to go, when that is not where they are. */
export function SignIn({ onDone }: { onDone: (after?: string) => void }) {
  const [path] = useLocation();
  useTitle(t("signin.title"));
  const [error, setError] = useState<unknown>();
  const [busy, setBusy] = useState(false);
  const [second, setSecond] = useState(false);
  // React empties a form after its action: what was typed is kept for the next try.
  const [typed, setTyped] = useState({ login: "", password: "" });
  const [returned, setReturned] = useState(takeReturned);

  const exchange = async ({ code = "", verifier, after }: Returned, factor?: string) => {
    setBusy(true);
    setError(undefined);
    try {
      await client.logInByCode(code, verifier, factor);
      onDone(after);
    } catch (failure) {
      if (wantsSecond(failure) && !factor) setSecond(true);
      else if (factor && failure instanceof ProblemError && failure.code !== "invalid_code") setError(said(failure, true));
      else {
        setReturned(undefined);
        setSecond(false);
        setError(failure instanceof ProblemError && failure.code === "invalid_code" ? failed("invalid_code") : failure);
      }
    }
    setBusy(false);
  };
  useEffect(() => {
    if (returned?.error) {
      setError(failed(returned.error));
      setReturned(undefined);
    } else if (returned && !second) void exchange(returned);
    // Once, for what the address has brought.
  }, []);

  const submit = useOnce(async (form: FormData) => {
    if (returned) return exchange(returned, String(form.get("code")));
    const login = String(form.get("login"));
    const password = String(form.get("password"));
    setTyped({ login, password });
    setBusy(true);
    setError(undefined);
    try {
      await client.logIn(login, password, second ? String(form.get("code")) : undefined);
      onDone();
    } catch (failure) {
      if (wantsSecond(failure) && !second) setSecond(true);
      else setError(said(failure, second));
    }
    setBusy(false);
  });
  return (
    <div className={css["screen"]}>
      <Brand />
      <main className={css["main"]}>
        <h1>{t("signin.heading", { host: location.host })}</h1>
        <Owed />
        {returned && !second ? <p role="status">{t("oidc.going_on")}</p> : (
          <form action={submit} className={css["form"]}>
            {returned ? null : (
              <>
                <Field label={t("field.login")} name="login" defaultValue={typed.login} autoComplete="username" autoCapitalize="none" required autoFocus />
                <Field label={t("field.password")} name="password" type="password" defaultValue={typed.password} autoComplete="current-password" required />
              </>
            )}
            {second ? <Field label={t("field.code")} hint={t("field.code_hint")} name="code" autoComplete="one-time-code" required autoFocus /> : null}
            {error === undefined ? null : <Failed error={error} />}
            <Button type="submit" look="primary" disabled={busy}>{t("action.signin")}</Button>
          </form>
        )}
        {has("/v1/oidc") && !returned ? <Later quiet><Providers after={path === "/login" ? (sessionStorage.getItem("tidings.after") ?? "/") : path} /></Later> : null}
        {has("/v1/password-resets") ? <p className={css["more"]}><Link href="/reset">{t("signin.forgot")}</Link></p> : null}
        <div className={css["providers"]}>
          <p className={css["more"]}>{t("signin.new")}</p>
          <Link href="/register" className={kit["button"]}>{t("signin.register")}</Link>
        </div>
      </main>
    </div>
  );
}
