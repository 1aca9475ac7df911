/** Accounts: found by words, made, and opened. */
import { answer, type Account } from "@tidings/client";
import { Suspense, useState } from "react";
import { useSearchParams } from "wouter";
import { client } from "../client.ts";
import { t } from "../i18n.ts";
import { Avatar, Button, Field, SelectField } from "../kit/kit.tsx";
import { Listing, useLater, usePages } from "../kit/pages.tsx";
import { part } from "../kit/part.tsx";
import css from "../screens/page.module.css";
import { Marks, RoleField } from "./accounts.tsx";

const Person = part(() => import("./person.tsx"));
const CreatePerson = part(() => import("./create-person.tsx"));

export default function People() {
  const [params] = useSearchParams();
  const [text, setText] = useState(params.get("query") ?? "");
  const [role, setRole] = useState("");
  const [suspended, setSuspended] = useState("");
  const [open, setOpen] = useState<Account>();
  const [creating, setCreating] = useState(false);
  const words = useLater(text.trim());
  const query = { ...(words ? { query: words } : {}), ...(role ? { role: role as Account["role"] } : {}), ...(suspended ? { suspended: suspended === "yes" } : {}) };
  const pages = usePages(JSON.stringify(query), (cursor) => answer(client.api.GET("/v1/admin/users", { params: { query: { ...query, cursor } } })), (one) => one.id);
  const changed = (account?: Account) => {
    if (account) setOpen(account);
    void pages.reload();
  };
  return (
    <>
      <search className={css["search"]}>
        <Field label={t("people.find")} type="search" value={text} maxLength={100} onChange={(event) => setText(event.target.value)} />
        <RoleField value={role} any onChange={setRole} />
        <SelectField label={t("people.state")} value={suspended} onChange={setSuspended}>
          <option value="">{t("people.any")}</option>
          <option value="no">{t("people.active")}</option>
          <option value="yes">{t("people.suspended")}</option>
        </SelectField>
      </search>
      <div><Button look="primary" onClick={() => setCreating(true)}>{t("people.create")}</Button></div>
      <Listing pages={pages} label={t("admin.people")} empty={t("people.none")}>
        {(one) => (
          <li key={one.id} className={css["item"]}>
            <Avatar id={one.id} name={one.display_name} url={one.avatar_url} />
            <span className={css["what"]}>
              <span dir="auto">{one.display_name}</span>
              <span className={css["aside"]}>@{one.username} · {one.email}</span>
              <Marks account={one} />
            </span>
            <Button aria-label={t("people.open_one", { name: one.display_name })} onClick={() => setOpen(one)}>{t("people.open")}</Button>
          </li>
        )}
      </Listing>
      <Suspense fallback={null}>
        {open ? <Person account={open} onClose={() => setOpen(undefined)} onChange={changed} /> : null}
        {creating ? <CreatePerson onClose={() => setCreating(false)} onDone={() => void pages.reload()} /> : null}
      </Suspense>
    </>
  );
}
