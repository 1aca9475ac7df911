/** The audit trail: the events of the log. */
import { answer } from "@tidings/client";
import { Link } from "wouter";
import { client } from "../client.ts";
import { moment, t } from "../i18n.ts";
import { Listing, usePages } from "../kit/pages.tsx";
import { Named } from "../named.tsx";
import css from "../screens/page.module.css";
import { Filters, given, instant, useFilters } from "./filters.tsx";

const NAMES = ["type", "actor", "subject", "since", "until"] as const;

export default function Events() {
  const [now, set] = useFilters(NAMES);
  const query = given({ ...now, since: instant(now.since), until: instant(now.until) });
  const pages = usePages(JSON.stringify(query), (cursor) => answer(client.api.GET("/v1/admin/events", { params: { query: { ...query, cursor } } })), (one) => one.position);
  const labels = { type: t("events.type"), actor: t("events.actor"), subject: t("events.subject"), since: t("filters.since"), until: t("filters.until") };
  return (
    <>
      <Filters now={now} set={set} labels={labels} />
      <Listing pages={pages} label={t("admin.events")} empty={t("events.none")}>
        {(one) => (
          <li key={one.position} className={css["block"]}>
            <div className={css["marks"]}>
              <b><code>{one.type}</code></b>
              <time dateTime={one.time}>{moment(one.time)}</time>
              {one.actor ? <Link href={`/admin/events?actor=${one.actor}`} title={t("events.of_actor")}><Named id={one.actor} /></Link> : null}
              {one.subject ? <Link href={`/admin/events?subject=${one.subject}`} title={t("events.of_subject")}><code>{one.subject}</code></Link> : null}
            </div>
            <details>
              <summary className={css["aside"]}>{t("events.data", { position: one.position })}</summary>
              <pre className={css["data"]} dir="ltr">{one.data === null ? t("events.unreadable") : JSON.stringify(one.data, null, 1)}</pre>
            </details>
          </li>
        )}
      </Listing>
    </>
  );
}
