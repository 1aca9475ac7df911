/** How the installation is doing, now and in the last ten minutes. */
import { answer } from "@tidings/client";
import { useEffect, useState } from "react";
import { client } from "../client.ts";
import { bytes, clock, number, t } from "../i18n.ts";
import { Failed } from "../kit/kit.tsx";
import { Waiting } from "../kit/pages.tsx";
import css from "./figures.module.css";
import { EVERY, points, rates, sampled, type Sample, type Stats } from "./chart.ts";

const WIDTH = 240;
const HEIGHT = 48;

/** What was seen in this tab: leaving the page for another does not lose it. */
let seen: Sample[] = [];

export default function Figures() {
  const [all, setAll] = useState(seen);
  const [error, setError] = useState<unknown>();
  const [tries, setTries] = useState(0);
  useEffect(() => {
    let over = false;
    const look = () => {
      if (document.visibilityState === "hidden") return;
      answer(client.api.GET("/v1/admin/stats", {})).then((stats) => {
        if (over) return;
        seen = sampled(seen, { at: Date.now(), stats });
        setAll(seen);
        setError(undefined);
      }, (failure: unknown) => over || setError(failure));
    };
    look();
    const timer = setInterval(look, EVERY);
    return () => {
      over = true;
      clearInterval(timer);
    };
  }, [tries]);
  const now = all.at(-1)?.stats;
  return (
    <section className={css["all"]} aria-label={t("admin.figures")} aria-busy={!now && error === undefined}>
      {error === undefined ? null : <Failed error={error} retry={() => setTries(tries + 1)} />}
      {now ? <Known now={now} all={all} /> : error === undefined ? <Waiting /> : null}
    </section>
  );
}

function Known({ now, all }: { now: Stats; all: Sample[] }) {
  const whole = (value: number) => number(Math.round(value));
  const messages = rates(all, (one) => one.messages);
  const events = rates(all, (one) => one.events);
  const sockets = all.map((one) => one.stats.sockets);
  const lag = all.map((one) => one.stats.projection_lag_seconds);
  const seconds = (value: number) => t("figures.seconds", { count: number(Math.round(value * 10) / 10) });
  return (
    <>
      <dl className={css["figures"]}>
        <Figure label={t("figures.users")} value={number(now.users)} />
        <Figure label={t("figures.active")} value={number(now.active_users_day)} />
        <Figure label={t("figures.rooms")} value={number(now.rooms)} />
        <Figure label={t("figures.store")} value={bytes(now.store_bytes)} />
        <Figure label={t("figures.sockets")} value={number(now.sockets)} line={sockets} shown={whole} />
        <Figure label={t("figures.messages")} value={number(now.messages)} line={messages} shown={(value) => t("figures.rate", { count: whole(value) })} />
        <Figure label={t("figures.events")} value={number(now.events)} line={events} shown={(value) => t("figures.rate", { count: whole(value) })} />
        <Figure label={t("figures.lag")} value={seconds(now.projection_lag_seconds)} line={lag} shown={seconds} />
      </dl>
      <details>
        <summary>{t("figures.table")}</summary>
        <div className={css["scroll"]} tabIndex={0} role="region" aria-label={t("figures.table")}>
          <table>
            <thead><tr><th scope="col">{t("figures.time")}</th><th scope="col">{t("figures.sockets")}</th><th scope="col">{t("figures.messages_rate")}</th><th scope="col">{t("figures.events_rate")}</th><th scope="col">{t("figures.lag")}</th></tr></thead>
            <tbody>
              {all.map((one, i) => (
                <tr key={one.at}><th scope="row">{clock(one.at)}</th><td>{number(one.stats.sockets)}</td><td>{i > 0 ? whole(messages[i - 1] ?? 0) : ""}</td><td>{i > 0 ? whole(events[i - 1] ?? 0) : ""}</td><td>{seconds(one.stats.projection_lag_seconds)}</td></tr>
              ))}
            </tbody>
          </table>
        </div>
      </details>
      <p className={css["aside"]}>{t("figures.position", { position: now.position })}</p>
    </>
  );
}

function Figure({ label, value, line, shown }: { label: string; value: string; line?: number[]; shown?: (value: number) => string }) {
  const drawn = line && shown && line.length > 1 ? { line, shown } : undefined;
  return (
    <div className={css["figure"]}>
      <dt>{label}</dt>
      <dd>{value}</dd>
      {drawn ? <dd className={css["line"]}><Line label={label} {...drawn} /></dd> : null}
    </div>
  );
}

function Line({ label, line, shown }: { label: string; line: number[]; shown: (value: number) => string }) {
  const text = t("figures.line", { label, now: shown(line.at(-1) ?? 0), least: shown(Math.min(...line)), most: shown(Math.max(...line)) });
  return (
    <>
      <svg className={css["chart"]} viewBox={`0 0 ${WIDTH} ${HEIGHT}`} role="img" aria-label={text} preserveAspectRatio="none">
        <polyline points={points(line, WIDTH, HEIGHT)} fill="none" stroke="currentColor" strokeWidth="1.5" vectorEffect="non-scaling-stroke" />
      </svg>
      <span className={css["aside"]} aria-hidden>{t("figures.most", { most: shown(Math.max(...line)) })}</span>
    </>
  );
}
