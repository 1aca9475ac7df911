/** What people have reported, and what was done about it. */
import { answer, type components } from "@tidings/client";
import { Suspense, useCallback, useEffect, useState } from "react";
import { Link, useSearchParams } from "wouter";
import { client, useKey } from "../client.ts";
import { moment, t } from "../i18n.ts";
import { Button, Field } from "../kit/kit.tsx";
import { Listing, useLater, usePages } from "../kit/pages.tsx";
import { part } from "../kit/part.tsx";
import { Named } from "../named.tsx";
import { Body } from "../room/body.tsx";
import css from "../screens/page.module.css";
import { tells } from "./report-search.ts";

const HandleReport = part(() => import("./handle-report.tsx"));

export type Report = components["schemas"]["Report"];
export type Handling = "delete" | "actioned" | "dismissed";

const STATES = ["open", "actioned", "dismissed"] as const;
const EMPTY = { open: "reports.none_open", actioned: "reports.none_actioned", dismissed: "reports.none_dismissed" };
const NO_ONE = { names: new Set<string>(), own: "" };
/** Reports of a page, where many are gone through. */
const MANY = 200;

/** How many are open, as far as one page tells. */
function useOpen(): { open: string; count: () => void } {
  const [open, setOpen] = useState("");
  const count = useCallback(() => {
    answer(client.api.GET("/v1/admin/reports", { params: { query: { status: "open", limit: MANY } } })).then(({ items, next_cursor }) => setOpen(`${items.length}${next_cursor ? "+" : ""}`), () => undefined);
  }, []);
  useEffect(count, [count]);
  return { open, count };
}

export default function Reports() {
  const [params] = useSearchParams();
  const status = STATES.find((one) => one === params.get("status")) ?? "open";
  const [text, setText] = useState("");
  const words = useLater(text.trim());
  const { open, count } = useOpen();
  return (
    <>
      <nav className={css["tabs"]} aria-label={t("reports.state")}>
        {STATES.map((one) => <Link key={one} href={one === "open" ? "/admin/reports" : `/admin/reports?status=${one}`} aria-current={one === status ? "page" : undefined}>{t(`report.${one}`)}{one === "open" && open ? ` ${open}` : ""}</Link>)}
      </nav>
      <search className={css["search"]}>
        <Field label={t("reports.find")} type="search" value={text} maxLength={100} onChange={(event) => setText(event.target.value)} />
      </search>
      <Found key={status} status={status} words={words} onHandled={count} />
    </>
  );
}

/** The reports of one state: none of another one's are shown while they come. */
function Found({ status, words, onHandled }: { status: (typeof STATES)[number]; words: string; onHandled: () => void }) {
  const [asked, setAsked] = useState<{ report: Report; how: Handling }>();
  const ask = async (cursor?: string) => {
    const page = await answer(client.api.GET("/v1/admin/reports", { params: { query: { status, cursor, ...(words ? { limit: MANY } : {}) } } }));
    const named = (report: Report) => client.store.get(`room:${report.message.room_id}`)?.name ?? "";
    return words ? { ...page, items: page.items.filter((one) => tells(one, named(one), words)) } : page;
  };
  const pages = usePages(words, ask, (one) => one.id);
  const done = () => {
    onHandled();
    void pages.reload();
  };
  return (
    <>
      <Listing pages={pages} label={t("admin.reports")} empty={words ? t("reports.none_found", { text: words }) : t(EMPTY[status])}>
        {(report) => <One key={report.id} report={report} onHandle={(how) => setAsked({ report, how })} />}
      </Listing>
      <Suspense fallback={null}>{asked ? <HandleReport {...asked} onClose={() => setAsked(undefined)} onDone={done} /> : null}</Suspense>
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
