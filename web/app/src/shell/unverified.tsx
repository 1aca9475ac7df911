/** Says, until it was read, that the address is not verified yet. */
import { useState } from "react";
import { useLocation } from "wouter";
import { useKey } from "../client.ts";
import { t } from "../i18n.ts";
import { Button } from "../kit/kit.tsx";
import { has } from "../routes.ts";
import css from "./shell.module.css";

const KEPT = "tidings.unverified.";

export function Unverified() {
  const [path, go] = useLocation();
  const me = useKey("me");
  // Said where one would write.
  const closed = useKey("unverified");
  const [later, setLater] = useState(false);
  if (!me || me.email_verified || closed || later || path === "/settings/address" || !has("/v1/verifications") || localStorage.getItem(KEPT + me.id)) return null;
  const read = () => {
    localStorage.setItem(KEPT + me.id, "1");
    setLater(true);
  };
  return (
    <div className={css["asking"]} role="region" aria-label={t("verify.title")}>
      <span>{t("verify.ask", { email: me.email })}</span>
      <Button onClick={() => { read(); go("/settings/address"); }}>{t("verify.open")}</Button>
      <Button look="plain" onClick={read}>{t("notify.later")}</Button>
    </div>
  );
}
