/** How far an erasure is. It needs no account: the address is the secret. */
import { ProblemError, type components } from "@tidings/client";
import { useEffect, useState } from "react";
import { Link } from "wouter";
import { useKey } from "../client.ts";
import { number, t, useLanguage } from "../i18n.ts";
import { Failed } from "../kit/kit.tsx";
import { Titled, useNamed } from "../shell/titled.ts";
import css from "./page.module.css";

export type ErasureView = components["schemas"]["Erasure"];

/** Milliseconds between two questions: soon at first, then less often. */
const FIRST = 1_000;
const LAST = 15_000;

async function read(id: string): Promise<ErasureView> {
  const response = await fetch(`/v1/erasures/${encodeURIComponent(id)}`).catch((error: unknown) => {
    throw ProblemError.unreachable(String(error));
  });
  const body: unknown = await response.json().catch(() => undefined);
  if (response.status === 404) throw new Error(t("erasure.unknown"));
  if (!response.ok) throw await ProblemError.of(response, body);
  return body as ErasureView;
}

/** Follows an erasure to its end. */
export function useErasure(id: string): { view: ErasureView | undefined; error: unknown } {
  const [view, setView] = useState<ErasureView>();
  const [error, setError] = useState<unknown>();
  useEffect(() => {
    let over = false;
    let timer: ReturnType<typeof setTimeout> | undefined;
    let wait = FIRST;
    const later = () => {
      timer = setTimeout(look, wait);
      wait = Math.min(LAST, wait * 1.5);
    };
    const look = () => void read(id).then((now) => {
      if (over) return;
      setView(now);
      setError(undefined);
      if (now.status === "running") later();
    }, (failure: unknown) => {
      if (over) return;
      setError(failure);
      if (failure instanceof ProblemError && failure.retryable) later();
    });
    look();
    return () => {
      over = true;
      clearTimeout(timer);
    };
  }, [id]);
  return { view, error };
}

export function Erased({ id }: { id: string }) {
  const { view, error } = useErasure(id);
  const removed = view?.removed;
  const counts = removed ? ([["erasure.messages", removed.messages], ["erasure.files", removed.media], ["erasure.reactions", removed.reactions], ["erasure.events", removed.events]] as const) : [];
  return (
    <div className={css["form"]} aria-busy={!view && error === undefined}>
      {error === undefined ? null : <Failed error={error} />}
      {view ? <p role="status">{view.status === "done" ? t("erasure.done") : t("erasure.running")}</p> : null}
      {view ? (
        <dl className={css["facts"]}>
          {counts.map(([label, count]) => <Fact key={label} label={t(label)} value={number(count ?? 0)} />)}
        </dl>
      ) : null}
    </div>
  );
}

function Fact({ label, value }: { label: string; value: string }) {
  return <><dt>{label}</dt><dd>{value}</dd></>;
}

export default function Erasure({ id }: { id: string }) {
  useLanguage();
  const me = useKey("me");
  useNamed(t("erasure.title"));
  return (
    <main className={css["page"]} aria-label={t("erasure.title")} data-region="main">
      <div className={css["inner"]}>
        {me ? null : <Titled name={t("erasure.title")} />}
        <h1>{t("erasure.title")}</h1>
        <p>{t("erasure.keep")}</p>
        <Erased id={id} />
        <p><Link href="/login">{t("action.signin")}</Link></p>
      </div>
    </main>
  );
}
