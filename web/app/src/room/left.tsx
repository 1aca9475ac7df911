/** What was written and can be sent no more: it can be read, copied and let go of. */
import { useEffect, useRef, useState } from "react";
import { t } from "../i18n.ts";
import { copy } from "../kit/copy.ts";
import { Button, TextField } from "../kit/kit.tsx";
import { draft, drafts, keepDraft } from "../settings.ts";
import css from "./room.module.css";

/** `place`: of the timeline whose drafts they are. */
export function Left({ place }: { place: string }) {
  const [all, setAll] = useState<string[]>([]);
  const [copied, setCopied] = useState("");
  const region = useRef<HTMLDivElement>(null);
  // What the composer held is a draft once the composer is gone.
  useEffect(() => setAll(drafts(place)), [place]);
  const drop = (one: string) => {
    keepDraft(one, "");
    setAll(drafts(place));
    region.current?.parentElement?.querySelector<HTMLElement>("[data-closed]")?.focus();
  };
  return (
    <div ref={region} className={css["left"]} hidden={all.length === 0}>
      {all.map((one) => (
        <div key={one} className={css["pad"]}>
          <TextField label={t("left.label")} value={draft(one)} readOnly rows={3} dir="auto" />
          <div className={css["row"]}>
            <Button onClick={() => void copy(draft(one)).then(() => setCopied(one))}>{t("left.copy")}</Button>
            <Button look="plain" onClick={() => drop(one)}>{t("left.drop")}</Button>
            <span className={css["aside"]} role="status">{copied === one ? t("left.copied") : ""}</span>
          </div>
        </div>
      ))}
    </div>
  );
}
