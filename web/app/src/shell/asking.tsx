/** Asks for notifications once, after the first time that they would have helped. */
import { useEffect, useSyncExternalStore } from "react";
import { useLocation } from "wouter";
import { t } from "../i18n.ts";
import { Button } from "../kit/kit.tsx";
import { asking, watch } from "./notify.ts";
import css from "./shell.module.css";

export function Asking() {
  const [, go] = useLocation();
  const ask = useSyncExternalStore(asking.subscribe, asking.get);
  useEffect(() => watch(go), [go]);
  if (!ask) return null;
  return (
    <div className={css["asking"]} role="region" aria-label={t("notify.label")}>
      <span>{t("notify.ask")}</span>
      <Button onClick={() => asking.answer(true)}>{t("notify.allow")}</Button>
      <Button look="plain" onClick={() => asking.answer(false)}>{t("notify.later")}</Button>
    </div>
  );
}
