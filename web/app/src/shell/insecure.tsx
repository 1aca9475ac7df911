/** Says once, in each browser, what a page without https goes without. */
import { useState } from "react";
import { t } from "../i18n.ts";
import { Button } from "../kit/kit.tsx";
import css from "./shell.module.css";

const KEPT = "tidings.insecure";

export function Insecure() {
  const [said, setSaid] = useState(() => window.isSecureContext || localStorage.getItem(KEPT) !== null);
  if (said) return null;
  const close = () => {
    localStorage.setItem(KEPT, "1");
    setSaid(true);
  };
  return (
    <div className={css["asking"]} role="region" aria-label={t("insecure.title")}>
      <span>{t("insecure.text")}</span>
      <Button onClick={close}>{t("insecure.close")}</Button>
    </div>
  );
}
