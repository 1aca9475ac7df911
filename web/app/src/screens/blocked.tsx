/** Whom the user has blocked. */
import { answer } from "@tidings/client";
import { useRef } from "react";
import { client } from "../client.ts";
import { t } from "../i18n.ts";
import { Refusal, useActing } from "../kit/acting.tsx";
import { Avatar, Button, Field } from "../kit/kit.tsx";
import { Listing, usePages } from "../kit/pages.tsx";
import { userCalled } from "../people.ts";
import css from "./page.module.css";

export default function Blocked() {
  const pages = usePages("", (cursor) => answer(client.api.GET("/v1/users/me/blocks", { params: { query: { limit: 200, cursor } } })), (one) => one.id);
  const acting = useActing();
  const form = useRef<HTMLFormElement>(null);
  const set = (id: string, on: boolean) => client.request(on ? "PUT" : "DELETE", `/v1/users/me/blocks/${id}`).then(pages.reload);
  const block = (typed: FormData) => void acting.act(async () => {
    await set((await userCalled(String(typed.get("name")))).id, true);
    form.current?.reset();
  });
  return (
    <>
      <p>{t("blocked.about")}</p>
      <Listing pages={pages} label={t("settings.blocked")} empty={t("blocked.none")}>
        {(user) => (
          <li key={user.id} className={css["item"]}>
            <Avatar id={user.id} name={user.display_name} url={user.avatar_url} />
            <span className={css["what"]}><span dir="auto">{user.display_name}</span><span className={css["aside"]}>@{user.username}</span></span>
            <Button aria-label={t("blocked.unblock_one", { name: user.display_name })} aria-disabled={acting.busy} onClick={() => void acting.act(() => set(user.id, false))}>{t("blocked.unblock")}</Button>
          </li>
        )}
      </Listing>
      <form ref={form} onSubmit={(event) => { event.preventDefault(); block(new FormData(event.currentTarget)); }} className={css["form"]}>
        <Field label={t("blocked.who")} name="name" maxLength={33} autoCapitalize="none" required />
        <Refusal acting={acting} />
        <div><Button type="submit" aria-disabled={acting.busy}>{t("blocked.block")}</Button></div>
      </form>
    </>
  );
}
