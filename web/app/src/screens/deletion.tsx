/** The end of an account, and what it takes with it. */
import { answer } from "@tidings/client";
import { Suspense, useState } from "react";
import { useLocation } from "wouter";
import { client, useKey } from "../client.ts";
import { t } from "../i18n.ts";
import { Button, Field } from "../kit/kit.tsx";
import { part } from "../kit/part.tsx";
import { Proof, proof } from "../kit/proof.tsx";
import css from "./page.module.css";

const Ask = part(() => import("../kit/ask.tsx"));

const GOES = ["deletion.profile", "deletion.messages", "deletion.files", "deletion.rooms"];
const STAYS = ["deletion.mentions", "deletion.name"];

export default function Deletion() {
  const me = useKey("me");
  const [, go] = useLocation();
  const [asking, setAsking] = useState(false);
  const submit = async (form: FormData) => {
    const { erasure_id } = await answer(client.api.DELETE("/v1/users/me", { body: proof(form) }));
    // The account is closed: there is nothing to sign out of.
    go(`/erasure/${erasure_id}`);
    client.forget();
  };
  return (
    <section className={css["form"]} aria-labelledby="deletion">
      <h2 id="deletion">{t("deletion.title")}</h2>
      <p>{t("deletion.goes")}</p>
      <ul className={css["points"]}>{GOES.map((id) => <li key={id}>{t(id)}</li>)}</ul>
      <p>{t("deletion.stays")}</p>
      <ul className={css["points"]}>{STAYS.map((id) => <li key={id}>{t(id)}</li>)}</ul>
      <div><Button look="danger" onClick={() => setAsking(true)}>{t("deletion.begin")}</Button></div>
      <Suspense fallback={null}>
        {asking ? (
          <Ask title={t("deletion.title")} text={t("deletion.sure")} action={t("deletion.do")} danger onClose={() => setAsking(false)} onSubmit={submit}>
            <Field label={t("deletion.type", { name: me?.username ?? "" })} name="name" pattern={(me?.username ?? "").replaceAll(".", "\\.")} autoComplete="off" autoCapitalize="none" required autoFocus />
            <Proof />
          </Ask>
        ) : null}
      </Suspense>
    </section>
  );
}
