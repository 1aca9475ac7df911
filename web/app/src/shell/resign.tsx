/** The session has ended: an overlay, under which the page and what was typed stay. */
import { useState } from "react";
import { client } from "../client.ts";
import { t } from "../i18n.ts";
import { Dialog } from "../kit/dialog.tsx";
import { Button, Failed, Field } from "../kit/kit.tsx";
import css from "../screens/sign-in.module.css";

export default function Resign({ username }: { username: string }) {
  const [error, setError] = useState<unknown>();
  const [busy, setBusy] = useState(false);
  const submit = async (form: FormData) => {
    setBusy(true);
    setError(undefined);
    await client.logIn(username, String(form.get("password"))).catch(setError);
    setBusy(false);
  };
  return (
    <Dialog title={t("resign.title")} onClose={() => undefined}>
      <form action={submit} className={css["form"]}>
        <p>{t("resign.text", { name: username })}</p>
        <Field label={t("field.password")} name="password" type="password" autoComplete="current-password" required autoFocus />
        {error === undefined ? null : <Failed error={error} />}
        <Button type="submit" look="primary" disabled={busy}>{t("action.signin")}</Button>
      </form>
    </Dialog>
  );
}
