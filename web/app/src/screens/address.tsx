/** The address of the account: whether it is known to be the user's, and another one. */
import { answer } from "@tidings/client";
import { useState } from "react";
import { client, useKey } from "../client.ts";
import { moment, t } from "../i18n.ts";
import { Refusal, useActing } from "../kit/acting.tsx";
import { Button, Field } from "../kit/kit.tsx";
import { Proof, proof } from "../kit/proof.tsx";
import { readMe } from "../me.ts";
import css from "./page.module.css";

interface Sent {
  verification_id: string;
  expires_at: string;
  /** Where the code went. */
  to: string;
}

export default function Address() {
  const me = useKey("me");
  const [sent, setSent] = useState<Sent>();
  const [changing, setChanging] = useState(false);
  const acting = useActing();
  const verify = () => void acting.act(async () => setSent({ ...(await answer(client.api.POST("/v1/verifications", { body: { kind: "email" } }))), to: me?.email ?? "" }));
  if (sent) return <Code sent={sent} onDone={() => { setSent(undefined); setChanging(false); }} />;
  if (changing) return <Change onSent={setSent} onClose={() => setChanging(false)} />;
  return (
    <div className={css["form"]}>
      <dl className={css["facts"]}>
        <dt>{t("address.present")}</dt>
        <dd>{me?.email}</dd>
        <dt>{t("address.state")}</dt>
        <dd>{me?.email_verified ? t("address.verified") : t("address.unverified")}</dd>
      </dl>
      {me?.email_verified ? null : <p className={css["aside"]}>{t("address.why")}</p>}
      <Refusal acting={acting} />
      {me?.email_verified ? null : <div><Button look="primary" aria-disabled={acting.busy} onClick={verify}>{t("address.verify")}</Button></div>}
      <div><Button onClick={() => setChanging(true)}>{t("address.change")}</Button></div>
    </div>
  );
}

function Change({ onSent, onClose }: { onSent: (sent: Sent) => void; onClose: () => void }) {
  const acting = useActing();
  const submit = (form: FormData) => void acting.act(async () => {
    const to = String(form.get("email")).trim();
    onSent({ ...(await answer(client.api.POST("/v1/users/me/email", { body: { email: to, ...proof(form) } }))), to });
  });
  return (
    <form onSubmit={(event) => { event.preventDefault(); submit(new FormData(event.currentTarget)); }} className={css["form"]}>
      <p>{t("address.about")}</p>
      <Field label={t("address.new")} name="email" type="email" autoComplete="email" required autoFocus />
      <Proof />
      <Refusal acting={acting} />
      <div className={css["buttons"]}>
        <Button type="submit" look="primary" aria-disabled={acting.busy}>{t("address.send")}</Button>
        <Button onClick={onClose}>{t("action.cancel")}</Button>
      </div>
    </form>
  );
}

function Code({ sent, onDone }: { sent: Sent; onDone: () => void }) {
  const acting = useActing();
  const submit = (form: FormData) => void acting.act(async () => {
    const code = String(form.get("code")).replace(/\s/g, "");
    await answer(client.api.POST("/v1/verifications/{challenge_id}/confirm", { params: { path: { challenge_id: sent.verification_id } }, body: { code } }));
    await readMe();
    onDone();
  });
  return (
    <form onSubmit={(event) => { event.preventDefault(); submit(new FormData(event.currentTarget)); }} className={css["form"]}>
      <p>{t("address.sent", { address: sent.to, time: moment(sent.expires_at) })}</p>
      <Field label={t("reset.code")} name="code" inputMode="numeric" autoComplete="one-time-code" required autoFocus />
      <Refusal acting={acting} />
      <div className={css["buttons"]}>
        <Button type="submit" look="primary" aria-disabled={acting.busy}>{t("address.confirm")}</Button>
        <Button onClick={onDone}>{t("action.cancel")}</Button>
      </div>
    </form>
  );
}
