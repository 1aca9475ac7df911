/** The providers that the user can log in with, beside the password. */
import { answer, ProblemError, type components } from "@tidings/client";
import { Suspense, useState } from "react";
import { client } from "../client.ts";
import { moment, t } from "../i18n.ts";
import { Button } from "../kit/kit.tsx";
import { Listing, usePages } from "../kit/pages.tsx";
import { part } from "../kit/part.tsx";
import { Proof, proof } from "../kit/proof.tsx";
import css from "./page.module.css";

const Ask = part(() => import("../kit/ask.tsx"));

type Identity = components["schemas"]["LinkedIdentity"];

export default function Identities() {
  const pages = usePages("", () => answer(client.api.GET("/v1/users/me/identities", {})), (one) => one.id);
  const [asked, setAsked] = useState<Identity>();
  // Most accounts have none, and need not know of it.
  if ((pages.items ?? []).length === 0 && pages.error === undefined) return null;
  const name = (one: Identity) => one.name ?? one.provider;
  const remove = async (form: FormData) => {
    const path = { identity_id: asked?.id ?? "" };
    await answer(client.api.DELETE("/v1/users/me/identities/{identity_id}", { params: { path }, body: proof(form) })).catch((error: unknown) => {
      throw error instanceof ProblemError && error.status === 409 ? new Error(t("identities.last")) : error;
    });
    void pages.reload();
  };
  return (
    <section className={css["form"]} aria-labelledby="identities">
      <h2 id="identities">{t("identities.title")}</h2>
      <p>{t("identities.about")}</p>
      <Listing pages={pages} label={t("identities.title")} empty="">
        {(one) => (
          <li key={one.id} className={css["item"]}>
            <span className={css["what"]}><span dir="auto">{name(one)}</span><span className={css["aside"]}>{t("identities.since", { time: moment(one.linked_at) })}</span></span>
            <Button aria-label={t("identities.remove_one", { name: name(one) })} onClick={() => setAsked(one)}>{t("identities.remove")}</Button>
          </li>
        )}
      </Listing>
      <Suspense fallback={null}>
        {asked ? (
          <Ask title={t("identities.remove_one", { name: name(asked) })} text={t("identities.sure", { name: name(asked) })} action={t("identities.remove")} danger onClose={() => setAsked(undefined)} onSubmit={remove}>
            <Proof />
          </Ask>
        ) : null}
      </Suspense>
    </section>
  );
}
