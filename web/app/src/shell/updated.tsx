/** Says that the server brings another app than the one that is on show. It is loaded by itself only where nothing can be lost. */
import { useEffect, useRef, useState } from "react";
import { client, useKey } from "../client.ts";
import { t } from "../i18n.ts";
import { Button } from "../kit/kit.tsx";
import { holdsFiles } from "../room/attaching.ts";
import css from "./shell.module.css";

/** Whether a part of the app that could not be loaded is not there any more; else the network failed. */
async function gone(error: unknown): Promise<boolean> {
  const url = /https?:\/\/\S+\.(?:js|css)/.exec(String((error as Error | undefined)?.message))?.[0];
  if (!url) return false;
  return fetch(url, { cache: "no-store" }).then((answer) => answer.status === 404, () => false);
}

export function Updated() {
  const build = useKey("build");
  const first = useRef(build);
  first.current ??= build;
  const [missing, setMissing] = useState(false);
  const old = missing || build !== first.current;
  useEffect(() => {
    // Vite tells of parts that could not be loaded.
    const failed = (event: Event) => void gone((event as Event & { payload?: unknown }).payload).then((is) => is && setMissing(true));
    window.addEventListener("vite:preloadError", failed);
    return () => window.removeEventListener("vite:preloadError", failed);
  }, []);
  useEffect(() => {
    if (!old) return;
    const hidden = () => {
      const writing = [...document.querySelectorAll("textarea")].some((area) => area.value !== "");
      if (document.visibilityState === "hidden" && !writing && !holdsFiles() && client.store.get("outbox").length === 0) location.reload();
    };
    hidden();
    document.addEventListener("visibilitychange", hidden);
    return () => document.removeEventListener("visibilitychange", hidden);
  }, [old]);
  if (!old) return null;
  return (
    <div className={css["asking"]} role="region" aria-label={t("updated.title")}>
      <span role="status">{t("updated.text")}</span>
      <Button onClick={() => location.reload()}>{t("updated.reload")}</Button>
    </div>
  );
}
