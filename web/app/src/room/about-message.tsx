/** Who has read a message, and what it said before. */
import { answer, type Message } from "@tidings/client";
import { useEffect, useState } from "react";
import { client } from "../client.ts";
import { moment, t } from "../i18n.ts";
import { Dialog } from "../kit/dialog.tsx";
import { Avatar, Button, css as kit, Failed } from "../kit/kit.tsx";
import { Listing, usePages } from "../kit/pages.tsx";
import css from "../screens/page.module.css";
import { Body } from "./body.tsx";

interface Text {
  body: string;
  edited_at: string;
}

export default function AboutMessage({ message, onClose }: { message: Message; onClose: () => void }) {
  const path = { message_id: message.id };
  const readers = usePages(message.id, (cursor) => answer(client.api.GET("/v1/messages/{message_id}/readers", { params: { path, query: { cursor } } })), (one) => one.user_id);
  return (
    <Dialog title={t("about.title")} onClose={onClose}>
      <p className={kit["hint"]}>{t("about.sent", { time: moment(message.created_at) })}</p>
      <h3 className={kit["label"]}>{t("about.readers")}</h3>
      <Listing pages={readers} label={t("about.readers")} empty={t("about.nobody")}>
        {({ user, user_id }) => (
          <li key={user_id} className={css["item"]}>
            <Avatar id={user_id} name={user.display_name} url={user.avatar_url} small />
            <span className={css["what"]}><span dir="auto">{user.display_name} <span className={css["aside"]}>@{user.username}</span></span></span>
          </li>
        )}
      </Listing>
      {message.edited_at ? <History message={message} /> : null}
      <div className={`${kit["row"]} ${kit["end"]}`}><Button onClick={onClose}>{t("action.close")}</Button></div>
    </Dialog>
  );
}

function History({ message }: { message: Message }) {
  const [texts, setTexts] = useState<Text[]>();
  const [error, setError] = useState<unknown>();
  useEffect(() => {
    const path = { message_id: message.id };
    client.all<Text>((cursor) => answer(client.api.GET("/v1/messages/{message_id}/history", { params: { path, query: { limit: 200, ...cursor } } }))).then(setTexts, setError);
  }, [message.id]);
  return (
    <>
      <h3 className={kit["label"]}>{t("about.history")}</h3>
      {error === undefined ? null : <Failed error={error} />}
      <ol aria-label={t("about.history")} aria-busy={!texts && error === undefined}>
        {texts?.map((one) => (
          <li key={one.edited_at} className={css["item"]}>
            <span className={css["what"]}><span className={css["aside"]}>{moment(one.edited_at)}</span><Body text={one.body} format={message.format} /></span>
          </li>
        ))}
      </ol>
    </>
  );
}
