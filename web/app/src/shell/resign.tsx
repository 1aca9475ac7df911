/** The session has ended: an overlay, under which the page and what was typed stay. */
import type { Account } from "@tidings/client";
import { useState } from "react";
import { client } from "../client.ts";
import { t } from "../i18n.ts";
import { Dialog } from "../kit/dialog.tsx";
import { Button, Failed, Field } from "../kit/kit.tsx";
import { Later } from "../kit/later.tsx";
import { useOnce } from "../kit/once.ts";
import { part } from "../kit/part.tsx";
import { has } from "../routes.ts";
import { said, wantsSecond } from "../screens/sign-in.tsx";
import css from "../screens/sign-in.module.css";

const Providers = part(() => import("../screens/providers.tsx"));

export default function Resign({ me }: { me: Account }) {
  const [error, setError] = useState<unknown>();
  const [busy, setBusy] = useState(false);
  const [second, setSecond] = useState(false);
  // React empties a form after its action: what was typed is kept for the next try.
  const [typed, setTyped] = useState("");
  const submit = useOnce(async (form: FormData) => {
    const password = String(form.get("password"));
    setTyped(password);
    setBusy(true);
    setError(undefined);
    try {
      await client.logIn(me.username, password, second ? String(form.get("code")) : undefined);
    } catch (failure) {
      if (wantsSecond(failure) && !second) setSecond(true);
      else setError(said(failure, second));
    }
    setBusy(false);
  });
  return (
    <Dialog title={t("resign.title")} onClose={() => undefined}>
      <div className={css["form"]}>
        <p>{t("resign.text", { name: me.display_name })}</p>
        {me.has_password ? (
          <form action={submit} className={css["form"]}>
            <Field label={t("field.password")} name="password" type="password" defaultValue={typed} autoComplete="current-password" required autoFocus />
            {second ? <Field label={t("field.code")} hint={t("field.code_hint")} name="code" autoComplete="one-time-code" required autoFocus /> : null}
            {error === undefined ? null : <Failed error={error} />}
            <Button type="submit" look="primary" disabled={busy}>{t("action.signin")}</Button>
          </form>
        ) : null}
        {/* Who comes back by a provider finds drafts, and what waits, again. */}
        {has("/v1/oidc") ? <Later quiet><Providers after={location.pathname} /></Later> : null}
        <p>{t("resign.other_about")}</p>
        <div><Button look="plain" onClick={() => client.forget()}>{t("resign.other")}</Button></div>
      </div>
    </Dialog>
  );
}
