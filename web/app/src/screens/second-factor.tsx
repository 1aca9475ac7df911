/** The second factor: a secret for an authenticator, as a picture and as text; then codes for the day it is lost. */
import { useMemo, useState } from "react";
import { encode } from "uqr";
import { client, useKey } from "../client.ts";
import { t } from "../i18n.ts";
import { copy } from "../kit/copy.ts";
import { Button, Failed, Field } from "../kit/kit.tsx";
import { useOnce } from "../kit/once.ts";
import { Proof, proof } from "../kit/proof.tsx";
import { readMe } from "../me.ts";
import css from "./page.module.css";

export default function SecondFactor() {
  const on = useKey("me")?.second_factor ?? false;
  const [secret, setSecret] = useState<{ secret: string; otpauth_url: string }>();
  const [codes, setCodes] = useState<string[]>();
  const [error, setError] = useState<unknown>();
  const act = useOnce((work: () => Promise<unknown>) => work().then(() => setError(undefined), setError));
  const begin = (form: FormData) => act(() => client.request<{ secret: string; otpauth_url: string }>("POST", "/v1/users/me/totp", proof(form)).then(({ data }) => setSecret(data)));
  const confirm = (form: FormData) => act(() => client.request<{ recovery_codes: string[] }>("POST", "/v1/users/me/totp/confirm", { code: String(form.get("code")).replace(/\s/g, "") }).then(({ data }) => {
    setCodes(data.recovery_codes);
    setSecret(undefined);
    return readMe();
  }));
  const end = (form: FormData) => act(() => client.request("DELETE", "/v1/users/me/totp", proof(form)).then(readMe));
  const failed = error === undefined ? null : <Failed error={error} />;
  if (codes) {
    return (
      <div className={css["form"]}>
        <p role="status">{t("factor.recovery")}</p>
        <ul className={css["codes"]}>{codes.map((code) => <li key={code}><code>{code}</code></li>)}</ul>
        <div className={css["buttons"]}>
          <Button onClick={() => void copy(codes.join("\n"))}>{t("factor.copy")}</Button>
          <Button look="primary" onClick={() => setCodes(undefined)}>{t("factor.kept")}</Button>
        </div>
      </div>
    );
  }
  if (on) {
    return (
      <form action={end} className={css["form"]}>
        <p>{t("factor.on")}</p>
        <p className={css["aside"]}>{t("factor.any")}</p>
        <Proof />
        {failed}
        <div><Button type="submit" look="danger">{t("factor.end")}</Button></div>
      </form>
    );
  }
  if (secret) {
    return (
      <form action={confirm} className={css["form"]}>
        <p>{t("factor.scan")}</p>
        <Code text={secret.otpauth_url} />
        <p className={css["aside"]}>{t("factor.type")} <code>{secret.secret}</code></p>
        <Field label={t("factor.code")} name="code" inputMode="numeric" autoComplete="one-time-code" required autoFocus />
        {failed}
        <div><Button type="submit" look="primary">{t("factor.confirm")}</Button></div>
      </form>
    );
  }
  return (
    <form action={begin} className={css["form"]}>
      <p>{t("factor.off")}</p>
      <Proof />
      {failed}
      <div><Button type="submit" look="primary">{t("factor.begin")}</Button></div>
    </form>
  );
}

function Code({ text }: { text: string }) {
  const { data, size } = useMemo(() => encode(text, { border: 2 }), [text]);
  const path = data.flatMap((row, y) => row.map((dark, x) => (dark ? `M${x} ${y}h1v1h-1z` : ""))).join("");
  return <svg className={css["qr"]} viewBox={`0 0 ${size} ${size}`} role="img" aria-label={t("factor.picture")} shapeRendering="crispEdges"><path d={path} fill="currentColor" /></svg>;
}
