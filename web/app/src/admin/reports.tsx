/** What people have reported, and what was done about it. */
import { answer, type components } from "@tidings/client";
import { lazy, Suspense, useState } from "react";
import { Link } from "wouter";
import { client, useKey } from "../client.ts";
import { moment, t } from "../i18n.ts";
import { Button, SelectField } from "../kit/kit.tsx";
import { Listing, usePages } from "../kit/pages.tsx";
import { Named } from "../named.tsx";
import { Body } from "../room/body.tsx";
import css from "../screens/page.module.css";

const HandleReport = lazy(() => import("./handle-report.tsx"));

export type Report = components["schemas"]["Report"];
export type Handling = "delete" | "actioned" | "dismissed";

const STATES = ["open", "actioned", "dismissed"] as const;
const EMPTY = { open: "reports.none_open", actioned: "reports.none_actioned", dismissed: "reports.none_dismissed" };
const NO_ONE = { names: new Set<string>(), own: "" };

export default function Reports() {
  const [status, setStatus] = useState<(typeof STATES)[number]>("open");
  const [asked, setAsked] = useState<{ report: Report; how: Handling }>();
  const pages = usePages(status, (cursor) => answer(client.api.GET("/v1/admin/reports", { params: { query: { status, cursor } } })), (one) => one.id);
  return (
    <>
      <div className={css["search"]}>
        <SelectField label={t("reports.state")} value={status} onChange={(one) => setStatus(one as typeof status)}>
          {STATES.map((one) => <option key={one} value={one}>{t(`report.${one}`)}</option>)}
        </SelectField>
      </div>
      <Listing pages={pages} label={t("admin.reports")} empty={t(EMPTY[status])}>
        {(report) => <One key={report.id} report={report} onHandle={(how) => setAsked({ report, how })} />}
      </Listing>
      <Suspense fallback={null}>{asked ? <HandleReport {...asked} onClose={() => setAsked(undefined)} onDone={() => void pages.reload()} /> : null}</Suspense>
    </>
  );
}

function One({ report, onHandle }: { report: Report; onHandle: (how: Handling) => void }) {
  const { message, reporter } = report;
  const room = useKey(`room:${message.room_id}`);
  const admin = useKey("me")?.role === "admin";
  const files = message.attachments.length;
  return (
    <li className={css["block"]}>
      <div className={css["marks"]}>
        <b dir="auto">{message.sender.display_name}</b>
        <span>@{message.sender.username}</span>
        <Link href={`/r/${message.room_id}/m/${message.id}`}>{room?.name ? `# ${room.name}` : t("reports.room")}</Link>
        <time dateTime={message.created_at}>{moment(message.created_at)}</time>
      </div>
      <blockquote className={css["quote"]}>
        {message.body ? <Body text={message.body} format={message.format} mentions={NO_ONE} /> : <span className={css["aside"]}>{message.deleted_at ? t("message.deleted") : t("reports.no_text")}</span>}
        {files > 0 ? <span className={css["aside"]}>{t("reports.files", { count: files })}: {message.attachments.map((file) => file.filename).join(", ")}</span> : null}
      </blockquote>
      <p><span className={css["aside"]}>{t("reports.by", { name: reporter.display_name, time: moment(report.created_at) })}</span> <span dir="auto">{report.reason}</span></p>
      {report.handled_by ? <p><span className={css["aside"]}>{t(`report.${report.status}`)}: <Named id={report.handled_by} /></span> <span dir="auto">{report.note}</span></p> : null}
      <div className={css["buttons"]}>
        {report.status === "open" && !message.deleted_at ? <Button look="danger" onClick={() => onHandle("delete")}>{t("reports.delete")}</Button> : null}
        {report.status === "open" ? <Button onClick={() => onHandle("actioned")}>{t("reports.act")}</Button> : null}
        {report.status === "open" ? <Button onClick={() => onHandle("dismissed")}>{t("reports.dismiss")}</Button> : null}
        {admin ? <Link href={`/admin/people?query=${encodeURIComponent(message.sender.username)}`}>{t("reports.sender")}</Link> : null}
      </div>
    </li>
  );
}
