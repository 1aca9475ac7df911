/** The address of the account: a code is mailed to it, and entered here. */
import { answer, ProblemError } from "@tidings/client";
import { useState } from "react";
import { client, useKey } from "../client.ts";
import { moment, t, useLanguage } from "../i18n.ts";
import { Button, Failed, Field } from "../kit/kit.tsx";
import { css, Page } from "./page.tsx";

/** What of it is to be said in our words. */
function plain(error: unknown): unknown {
  if (!(error instanceof ProblemError)) return error;
  if (error.code === "invalid_code") return new Error(t("verify.wrong"));
  if (error.code === "gone") return new Error(t("verify.gone"));
  return error;
}

export default function Verify() {
  useLanguage();
  const me = useKey("me");
  const [sent, setSent] = useState<{ verification_id: string; expires_at: string }>();
  const [error, setError] = useState<unknown>();
  const act = (work: Promise<unknown>) => work.then(() => setError(undefined), (failure: unknown) => setError(plain(failure)));
  const ask = () => act(answer(client.api.POST("/v1/verifications", { body: { kind: "email" } })).then(setSent));
  const confirm = (form: FormData) => {
    const code = String(form.get("code")).replace(/\s/g, "");
    return act(answer(client.api.POST("/v1/verifications/{challenge_id}/confirm", { params: { path: { challenge_id: sent?.verification_id ?? "" } }, body: { code } })).then(() => client.account()));
  };
  const failed = error === undefined ? null : <Failed error={error} />;
  return (
    <Page title={t("verify.title")}>
      {me?.email_verified ? <p role="status">{t("verify.done", { email: me.email })}</p> : sent ? (
        <form action={confirm} className={css["form"]}>
          <p role="status">{t("verify.sent", { email: me?.email ?? "", time: moment(sent.expires_at) })}</p>
          <Field label={t("reset.code")} name="code" inputMode="numeric" autoComplete="one-time-code" required maxLength={12} autoFocus />
          {failed}
          <div className={css["row"]}><Button type="submit" look="primary">{t("verify.confirm")}</Button> <Button onClick={() => void ask()}>{t("verify.again")}</Button></div>
        </form>
      ) : (
        <form action={ask} className={css["form"]}>
          <p>{t("verify.about", { email: me?.email ?? "" })}</p>
          {failed}
          <div><Button type="submit" look="primary">{t("reset.ask")}</Button></div>
        </form>
      )}
    </Page>
  );
}
