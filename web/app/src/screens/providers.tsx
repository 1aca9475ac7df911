/** Whom else one can log in with. */
import type { Provider } from "@tidings/client";
import { useEffect, useState } from "react";
import { client } from "../client.ts";
import { t } from "../i18n.ts";
import { Button, Failed } from "../kit/kit.tsx";
import { isPossible, leave } from "../oidc.ts";
import css from "./sign-in.module.css";

export default function Providers({ after }: { after: string }) {
  const [all, setAll] = useState<Provider[]>([]);
  const [error, setError] = useState<unknown>();
  useEffect(() => {
    // Who cannot be asked offers nothing: the form is there.
    client.providers().then(setAll, () => undefined);
  }, []);
  if (all.length === 0) return null;
  return (
    <div className={css["providers"]} role="group" aria-label={t("oidc.label")}>
      {isPossible() ? all.map((one) => <Button key={one.id} onClick={() => void leave(one, after).catch(setError)}>{t("oidc.with", { name: one.name })}</Button>) : <p className={css["more"]}>{t("oidc.insecure")}</p>}
      {error === undefined ? null : <Failed error={error} />}
    </div>
  );
}
