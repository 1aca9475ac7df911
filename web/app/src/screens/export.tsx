/** Everything of the user's own, as one file. */
import { ProblemError } from "@tidings/client";
import { useCallback, useEffect, useState } from "react";
import { client } from "../client.ts";
import { bytes, t } from "../i18n.ts";
import { Refusal, useActing } from "../kit/acting.tsx";
import { Button } from "../kit/kit.tsx";
import { Proof, proof } from "../kit/proof.tsx";
import { exported, keepExport } from "../settings.ts";
import css from "./page.module.css";

interface State {
  status: "running" | "ready" | "expired";
  url?: string | null;
  size?: number | null;
}

/** Milliseconds between two questions whether it is ready. */
const EVERY = 3_000;

const read = (id: string) => client.request<State>("GET", `/v1/users/me/exports/${id}`).then(({ data }) => data);
const gone = (error: unknown) => error instanceof ProblemError && error.status === 404;

export default function Export() {
  const own = client.store.me?.id ?? "";
  const [id, setId] = useState(() => exported(own));
  const [state, setState] = useState<State>();
  const [missing, setMissing] = useState(false);
  const acting = useActing();
  const forget = useCallback(() => {
    keepExport(own, undefined);
    setId(undefined);
    setState(undefined);
  }, [own]);
  useEffect(() => {
    if (!id) return;
    let over = false;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const look = () => void read(id).then((now) => {
      if (over) return;
      setState(now);
      if (now.status === "running") timer = setTimeout(look, EVERY);
    }, (error: unknown) => {
      if (over) return;
      if (gone(error)) forget();
      else timer = setTimeout(look, EVERY);
    });
    look();
    return () => {
      over = true;
      clearTimeout(timer);
    };
  }, [id, forget]);
  const begin = (form: FormData) => void acting.act(async () => {
    const { data } = await client.request<{ export_id: string }>("POST", "/v1/users/me/exports", proof(form)).catch((error: unknown) => {
      // A server that cannot do it has no such route.
      if (gone(error)) setMissing(true);
      throw error;
    });
    keepExport(own, data.export_id);
    setState(undefined);
    setId(data.export_id);
  });
  // The link is good for minutes: it is made when it is wanted.
  const download = () => void acting.act(async () => {
    const now = await read(id ?? "");
    setState(now);
    if (now.status === "ready" && now.url) location.assign(now.url);
  });
  if (missing) return null;
  return (
    <section className={css["form"]} aria-labelledby="export">
      <h2 id="export">{t("export.title")}</h2>
      <p>{t("export.about")}</p>
      {id && state?.status !== "expired" ? <Progress state={state} onFetch={download} busy={acting.busy} /> : (
        <form onSubmit={(event) => { event.preventDefault(); begin(new FormData(event.currentTarget)); }} className={css["form"]}>
          {state?.status === "expired" ? <p role="status">{t("export.expired")}</p> : null}
          <Proof />
          <div><Button type="submit" aria-disabled={acting.busy}>{t("export.begin")}</Button></div>
        </form>
      )}
      <Refusal acting={acting} />
    </section>
  );
}

function Progress({ state, busy, onFetch }: { state: State | undefined; busy: boolean; onFetch: () => void }) {
  if (state?.status !== "ready") return <p role="status">{state ? t("export.running") : ""}</p>;
  return (
    <>
      <p role="status">{t("export.ready")}</p>
      <div><Button look="primary" aria-disabled={busy} onClick={onFetch}>{typeof state.size === "number" ? t("export.fetch_size", { size: bytes(state.size) }) : t("export.fetch")}</Button></div>
    </>
  );
}
