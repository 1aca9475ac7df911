/** Invitations to a room: makes them, and shows those that are open. */
import { answer, type components, type Room } from "@tidings/client";
import { useState } from "react";
import { client } from "../client.ts";
import { moment, span, t } from "../i18n.ts";
import { Refusal, useActing } from "../kit/acting.tsx";
import { copy } from "../kit/copy.ts";
import { Dialog } from "../kit/dialog.tsx";
import { Button, css, Field, SelectField } from "../kit/kit.tsx";
import { Listing, usePages } from "../kit/pages.tsx";
import page from "./page.module.css";

type Made = components["schemas"]["Invite"];

const DAY = 86_400;
const SPANS = [3_600, DAY, 7 * DAY, 30 * DAY, 365 * DAY];
const USES = [1, 5, 10, 50, 100, 1_000];

/** The page that an invitation leads to. */
const link = (one: Made) => `${location.origin}/i/${one.code}`;
const copyLink = (one: Made) => void copy(link(one));

export default function Invite({ room, onClose }: { room: Room; onClose: () => void }) {
  const path = { room_id: room.id };
  const pages = usePages(room.id, (cursor) => answer(client.api.GET("/v1/rooms/{room_id}/invites", { params: { path, query: { cursor } } })), (one) => one.code);
  const [seconds, setSeconds] = useState(String(7 * DAY));
  const [uses, setUses] = useState("");
  const [made, setMade] = useState<Made>();
  const acting = useActing();
  const create = () => void acting.act(async () => {
    const body = { expires_in: Number(seconds), ...(uses ? { max_uses: Number(uses) } : {}) };
    setMade(await answer(client.api.POST("/v1/rooms/{room_id}/invites", { params: { path }, body })));
    void pages.reload();
  });
  const revoke = (code: string) => void acting.act(async () => {
    await answer(client.api.DELETE("/v1/rooms/{room_id}/invites/{code}", { params: { path: { ...path, code } } }));
    if (made?.code === code) setMade(undefined);
    await pages.reload();
  });
  const others = { ...pages, items: pages.items?.filter((one) => one.code !== made?.code) };
  return (
    <Dialog title={t("room.invite")} onClose={onClose}>
      <form onSubmit={(event) => { event.preventDefault(); create(); }} className={page["form"]}>
        <SelectField label={t("invite.days")} value={seconds} onChange={setSeconds}>{SPANS.map((one) => <option key={one} value={one}>{span(one)}</option>)}</SelectField>
        <SelectField label={t("invite.uses")} value={uses} onChange={setUses}>
          <option value="">{t("invite.any")}</option>
          {USES.map((one) => <option key={one} value={one}>{t("invite.people", { count: one })}</option>)}
        </SelectField>
        <div><Button server type="submit" look={made ? "normal" : "primary"} aria-disabled={acting.busy}>{t("action.create")}</Button></div>
      </form>
      <Refusal acting={acting} />
      {made ? (
        <div className={page["form"]}>
          <Field key={made.code} label={t("invite.link")} hint={t("invite.until", { time: moment(made.expires_at) })} value={link(made)} readOnly onFocus={(event) => event.target.select()} autoFocus />
          <div><Button look="primary" onClick={() => copyLink(made)}>{t("invite.copy")}</Button></div>
        </div>
      ) : null}
      {pages.error === undefined && others.items?.length === 0 ? null : (
        <>
          <h3>{t("invite.open")}</h3>
          <Listing pages={others} label={t("invite.open")} empty="">
            {(one) => (
              <li key={one.code} className={page["block"]}>
                <span className={page["what"]}>
                  <code>{one.code}</code>
                  <span className={page["aside"]}>{one.max_uses ? t("invite.used_of", { uses: one.uses, most: one.max_uses }) : t("invite.used", { count: one.uses })} · {t("invite.ends", { time: moment(one.expires_at) })}</span>
                </span>
                <div className={page["buttons"]}>
                  <Button aria-label={t("invite.copy_one", { code: one.code })} onClick={() => copyLink(one)}>{t("invite.copy")}</Button>
                  <Button look="danger" aria-label={t("invite.revoke_one", { code: one.code })} aria-disabled={acting.busy} onClick={() => revoke(one.code)}>{t("invite.revoke")}</Button>
                </div>
              </li>
            )}
          </Listing>
        </>
      )}
      <div className={`${css["row"]} ${css["end"]}`}><Button onClick={onClose}>{t("action.close")}</Button></div>
    </Dialog>
  );
}
