/** Rooms that anyone may join, and people to write to. */
import { answer, type Room, type User } from "@tidings/client";
import { useEffect, useRef, useState } from "react";
import { useLocation } from "wouter";
import { client, useKey } from "../client.ts";
import { t, useLanguage } from "../i18n.ts";
import { Avatar, Button, Failed, Field } from "../kit/kit.tsx";
import { Waiting } from "../kit/pages.tsx";
import { useRoving } from "../kit/roving.ts";
import { conversation } from "../people.ts";
import { css, Page } from "./page.tsx";

/** Milliseconds after the last key until it is asked. */
const PAUSE = 200;

export default function Browse() {
  useLanguage();
  const [, go] = useLocation();
  const [text, setText] = useState("");
  const [rooms, setRooms] = useState<Room[]>();
  const [people, setPeople] = useState<User[]>([]);
  const [error, setError] = useState<unknown>();
  const [tries, setTries] = useState(0);
  const mine = useKey("rooms");
  const lists = { people: useRef<HTMLUListElement>(null), rooms: useRef<HTMLUListElement>(null) };
  const roving = { people: useRoving(lists.people, "button", "[data-name]"), rooms: useRoving(lists.rooms, "button", "[data-name]") };
  const joined = new Set(mine.map((room) => room.id));
  useEffect(() => {
    let late = false;
    const timer = setTimeout(() => {
      const query = text.trim();
      const asked = answer(client.api.GET("/v1/rooms", { params: { query: { visibility: "public", limit: 100, ...(query ? { query } : {}) } } }));
      const named = query ? answer(client.api.GET("/v1/users", { params: { query: { query, limit: 20 } } })).then((page) => page.items) : Promise.resolve([]);
      Promise.all([asked, named]).then(([page, users]) => {
        // An answer to what was typed before is no answer.
        if (late) return;
        setRooms(page.items);
        setPeople(users.filter((user) => user.id !== client.store.me?.id));
        setError(undefined);
      }, (failure: unknown) => late || setError(failure));
    }, text ? PAUSE : 0);
    return () => {
      late = true;
      clearTimeout(timer);
    };
  }, [text, tries]);
  const join = (room: Room) => client.request("PUT", `/v1/rooms/${room.id}/members/me`).then(() => client.refresh(room.id)).then(() => go(`/r/${room.id}`)).catch(setError);
  const write = (user: User) => conversation(user.id).then((room) => go(`/r/${room}`)).catch(setError);
  return (
    <Page title={t("browse.title")}>
      <Field label={t("browse.search")} type="search" value={text} onChange={(event) => setText(event.target.value)} autoFocus />
      {error === undefined ? null : <Failed error={error} retry={() => setTries(tries + 1)} />}
      {people.length > 0 ? (
        <section aria-labelledby="people">
          <h2 id="people">{t("browse.people")}</h2>
          <ul ref={lists.people} className={css["list"]} {...roving.people}>
            {people.map((user) => (
              <li key={user.id} className={css["item"]}>
                <Avatar id={user.id} name={user.display_name} url={user.avatar_url} />
                <span className={css["what"]}><span dir="auto" data-name>{user.display_name}</span><span className={css["aside"]}>@{user.username}</span></span>
                <Button server aria-label={t("browse.write_to", { name: user.display_name })} onClick={() => void write(user)}>{t("browse.write")}</Button>
              </li>
            ))}
          </ul>
        </section>
      ) : null}
      <section aria-labelledby="rooms" aria-busy={!rooms && error === undefined}>
        <h2 id="rooms">{t("browse.rooms")}</h2>
        {!rooms && error === undefined ? <Waiting /> : null}
        {rooms?.length === 0 ? <p className={css["empty"]}>{text ? t("browse.nothing", { text }) : t("browse.none")}</p> : null}
        <ul ref={lists.rooms} className={css["list"]} {...roving.rooms}>
          {rooms?.map((room) => (
            <li key={room.id} className={css["item"]}>
              <span className={css["what"]}><span dir="auto"># <span data-name>{room.name}</span></span><span className={css["aside"]} dir="auto">{t("browse.members", { count: room.member_count ?? 0 })}{room.topic ? ` · ${room.topic}` : ""}</span></span>
              {joined.has(room.id)
                ? <Button aria-label={t("browse.open_room", { name: room.name ?? "" })} onClick={() => go(`/r/${room.id}`)}>{t("browse.open")}</Button>
                : <Button server look="primary" aria-label={t("browse.join_room", { name: room.name ?? "" })} onClick={() => void join(room)}>{t("room.join")}</Button>}
            </li>
          ))}
        </ul>
      </section>
    </Page>
  );
}
