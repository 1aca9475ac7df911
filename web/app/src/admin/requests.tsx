/** What was asked of the server lately, and how it answered. */
import { answer } from "@tidings/client";
import { Link } from "wouter";
import { client } from "../client.ts";
import { moment, t } from "../i18n.ts";
import { Listing, usePages } from "../kit/pages.tsx";
import { Named } from "../named.tsx";
import css from "../screens/page.module.css";
import { Filters, given, instant, useFilters } from "./filters.tsx";

const NAMES = ["path", "method", "status", "user_id", "since", "until"] as const;

export default function Requests() {
  const [now, set] = useFilters(NAMES);
  const query = given({ ...now, method: now.method.toUpperCase(), status: now.status ? Number(now.status) : undefined, since: instant(now.since), until: instant(now.until) });
  const pages = usePages(JSON.stringify(query), (cursor) => answer(client.api.GET("/v1/admin/request-log", { params: { query: { ...query, cursor } } })), (one) => `${one.trace_id} ${one.time} ${one.path}`);
  const labels = { path: t("requests.path"), method: t("requests.method"), status: t("requests.status"), user_id: t("requests.user"), since: t("filters.since"), until: t("filters.until") };
  return (
    <>
      <Filters now={now} set={set} labels={labels} />
      <Listing pages={pages} label={t("admin.requests")} empty={t("requests.none")}>
        {(one) => (
          <li key={`${one.trace_id} ${one.time} ${one.path}`} className={css["block"]}>
            <div className={css["marks"]}>
              <b>{one.method} <code>{one.path}</code></b>
              <span className={one.status >= 500 ? css["bad"] : undefined}>{t("requests.answered", { status: one.status, ms: Math.round(one.duration_ms * 10) / 10 })}</span>
            </div>
            <div className={css["marks"]}>
              <time dateTime={one.time}>{moment(one.time)}</time>
              {one.user_id ? <Link href={`/admin/requests?user_id=${one.user_id}`} title={t("requests.of_user")}><Named id={one.user_id} /></Link> : <span>{t("requests.unknown")}</span>}
              <span>{one.ip}</span>
              <code>{one.trace_id}</code>
            </div>
          </li>
        )}
      </Listing>
    </>
  );
}
