/** Events that could not be delivered. */
import { answer } from "@tidings/client";
import { client } from "../client.ts";
import { moment, t } from "../i18n.ts";
import { Outcome, useActing } from "../kit/acting.tsx";
import { Button } from "../kit/kit.tsx";
import { Listing, usePages } from "../kit/pages.tsx";
import css from "../screens/page.module.css";

export default function Letters() {
  const pages = usePages("", (cursor) => answer(client.api.GET("/v1/admin/dead-letters", { params: { query: { cursor } } })), (one) => one.id);
  const acting = useActing();
  const redrive = (ids: string[]) => void acting.act(async () => {
    for (const dead_letter_id of ids) await answer(client.api.POST("/v1/admin/dead-letters/{dead_letter_id}/redrive", { params: { path: { dead_letter_id } } }));
  }).then(pages.reload);
  const all = pages.items ?? [];
  return (
    <>
      <p>{t("letters.about")}</p>
      {all.length > 1 ? <div><Button aria-disabled={acting.busy} onClick={() => redrive(all.map((one) => one.id))}>{t("letters.all", { count: all.length })}</Button></div> : null}
      <Outcome acting={acting} done={t("letters.sent")} />
      <Listing pages={pages} label={t("admin.letters")} empty={t("letters.none")}>
        {(one) => (
          <li key={one.id} className={css["block"]}>
            <div className={css["marks"]}>
              <b><code>{one.event_type ?? t("letters.erased")}</code></b>
              <span>{t(`subscriber.${one.subscriber}`)}</span>
              <span>{t("letters.tries", { count: one.attempts })}</span>
              <time dateTime={one.created_at}>{moment(one.created_at)}</time>
            </div>
            <p>{one.reason}</p>
            <div><Button aria-label={t("letters.again_one", { id: one.id })} aria-disabled={acting.busy} onClick={() => redrive([one.id])}>{t("letters.again")}</Button></div>
          </li>
        )}
      </Listing>
    </>
  );
}
