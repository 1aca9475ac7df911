/** What shows that the user is who they say: the password and a code, of those that the account has. */
import { useKey } from "../client.ts";
import { t } from "../i18n.ts";
import { Field } from "./kit.tsx";

export function Proof() {
  const me = useKey("me");
  return (
    <>
      {me?.has_password === false ? <p>{t("proof.recent")}</p> : <Field label={t("field.password")} name="password" type="password" autoComplete="current-password" required />}
      {me?.second_factor ? <Field label={t("field.code")} name="code" autoComplete="one-time-code" autoCapitalize="none" required /> : null}
    </>
  );
}

/** What was typed as proof; what is not asked for is left out. */
export function proof(form: FormData): { password?: string; code?: string } {
  const password = form.get("password");
  const code = form.get("code");
  return { ...(password === null ? {} : { password: String(password) }), ...(code === null ? {} : { code: String(code).trim() }) };
}
