/** Whom the user has blocked. */
import type { Page, User } from "@tidings/client";
import { useCallback, useEffect, useState } from "react";
import { client } from "../client.ts";
import { t } from "../i18n.ts";
import { Avatar, Button, Failed } from "../kit/kit.tsx";
import css from "./page.module.css";

export default function Blocked() {
  const [all, setAll] = useState<User[]>();
  const [error, setError] = useState<unknown>();
  const load = useCallback(() => void client.request<Page<User>>("GET", "/v1/users/me/blocks").then(({ data }) => setAll(data.items), setError), []);
  useEffect(load, [load]);
  const unblock = (user: User) => void client.request("DELETE", `/v1/users/me/blocks/${user.id}`).then(load, setError);
  return (
    <section aria-label={t("settings.blocked")} aria-busy={!all && error === undefined}>
      {error === undefined ? null : <Failed error={error} retry={load} />}
      {all?.length === 0 ? <p className={css["empty"]}>{t("blocked.none")}</p> : null}
      <ul className={css["list"]}>
        {all?.map((user) => (
          <li key={user.id} className={css["item"]}>
            <Avatar id={user.id} name={user.display_name} url={user.avatar_url} />
            <span className={css["what"]}><span dir="auto">{user.display_name}</span><span className={css["aside"]}>@{user.username}</span></span>
            <Button aria-label={t("blocked.unblock_one", { name: user.display_name })} onClick={() => unblock(user)}>{t("blocked.unblock")}</Button>
          </li>
        ))}
      </ul>
    </section>
  );
}
