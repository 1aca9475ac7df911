/** Where the user is signed in. */
import { answer, type Session } from "@tidings/client";
import { Suspense, useState } from "react";
import { client } from "../client.ts";
import { device } from "../device.ts";
import { moment, t } from "../i18n.ts";
import { Outcome, useActing } from "../kit/acting.tsx";
import { Button, css as kit } from "../kit/kit.tsx";
import { Listing, usePages } from "../kit/pages.tsx";
import { part } from "../kit/part.tsx";
import css from "./page.module.css";

const Confirm = part(() => import("../kit/confirm.tsx"));

const ASKED = { others: ["sessions.end_others", "sessions.ask_others"], all: ["sessions.end_all", "sessions.ask_all"] } as const;

/** A session by its browser and system, else as its program calls itself. */
function called(session: Session): string {
  const { browser, system } = device(session.user_agent ?? "");
  if (browser && system) return t("sessions.device", { browser, system });
  return session.user_agent?.slice(0, 100) || t("sessions.unknown");
}

export default function Sessions() {
  const pages = usePages("", (cursor) => answer(client.api.GET("/v1/sessions", { params: { query: { cursor, limit: 200 } } })), (one) => one.session_id);
  const [asked, setAsked] = useState<"others" | "all">();
  const acting = useActing();
  const end = (id: string) => answer(client.api.DELETE("/v1/sessions/{session_id}", { params: { path: { session_id: id } } }));
  const others = (pages.items ?? []).filter((one) => !one.current);
  const endOne = (id: string) => void acting.act(() => end(id).then(pages.reload));
  const endOthers = () => void acting.act(async () => {
    for (const one of others) await end(one.session_id);
  }).then(pages.reload);
  const endAll = () => void acting.act(async () => {
    await answer(client.api.DELETE("/v1/sessions", {}));
    client.forget();
  });
  return (
    <>
      <Listing pages={pages} label={t("settings.sessions")} empty="">
        {(one) => (
          <li key={one.session_id} className={css["item"]}>
            <span className={css["what"]}>
              <span title={one.user_agent ?? undefined}>{called(one)}</span>
              <span className={css["aside"]}>{t("sessions.about", { ip: one.ip ?? t("sessions.nowhere"), time: moment(one.last_used_at) })}</span>
              <span className={css["aside"]}>{t("sessions.since", { time: moment(one.created_at) })}</span>
            </span>
            {one.current ? <span className={css["aside"]}>{t("sessions.current")}</span> : <Button aria-label={t("sessions.end_one", { name: called(one) })} aria-disabled={acting.busy} onClick={() => endOne(one.session_id)}>{t("sessions.end")}</Button>}
          </li>
        )}
      </Listing>
      <Outcome acting={acting} done={t("sessions.ended")} />
      <div className={kit["row"]}>
        {others.length > 0 ? <Button onClick={() => setAsked("others")}>{t("sessions.end_others")}</Button> : null}
        <Button look="danger" onClick={() => setAsked("all")}>{t("sessions.end_all")}</Button>
      </div>
      <Suspense fallback={null}>
        {asked ? <Confirm title={t(ASKED[asked][0])} text={t(ASKED[asked][1])} action={t("sessions.end")} onClose={() => setAsked(undefined)} onConfirm={asked === "all" ? endAll : endOthers} /> : null}
      </Suspense>
    </>
  );
}
