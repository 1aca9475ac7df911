/** One account, and what admins can do with it. */
import { answer, type Account } from "@tidings/client";
import { useState } from "react";
import { Link } from "wouter";
import { client } from "../client.ts";
import { moment, t } from "../i18n.ts";
import Ask, { Reason, reason } from "../kit/ask.tsx";
import { Dialog } from "../kit/dialog.tsx";
import { Button, css as kit } from "../kit/kit.tsx";
import { Erased } from "../screens/erasure.tsx";
import css from "../screens/page.module.css";
import { Marks, RoleField } from "./accounts.tsx";

type Act = "role" | "suspend" | "restore" | "sessions" | "factor" | "hold" | "erase";

interface Props {
  account: Account;
  onClose: () => void;
  /** The account is another one now, or gone from the list. */
  onChange: (account?: Account) => void;
}

export default function Person({ account, onClose, onChange }: Props) {
  const [asked, setAsked] = useState<Act>();
  const [erasure, setErasure] = useState<string>();
  const self = account.id === client.store.me?.id;
  const acts: Act[] = erasure ? [] : [
    ...(self ? [] : (["role", account.suspended ? "restore" : "suspend"] as const)), "sessions", ...(account.second_factor ? (["factor"] as const) : []), "hold", ...(self ? [] : (["erase"] as const)),
  ];
  return (
    <Dialog title={account.display_name} onClose={onClose}>
      <dl className={css["facts"]}>
        <dt>{t("field.username")}</dt><dd>@{account.username}</dd>
        <dt>{t("field.email")}</dt><dd>{account.email}</dd>
        <dt>{t("people.since")}</dt><dd>{moment(account.created_at)}</dd>
        <dt>{t("people.id")}</dt><dd><code>{account.id}</code></dd>
      </dl>
      <Marks account={account} />
      <p className={css["marks"]}>
        <Link href={`/admin/events?actor=${account.id}`}>{t("people.acts")}</Link>
        <Link href={`/admin/events?subject=${account.id}`}>{t("people.events")}</Link>
        <Link href={`/admin/requests?user_id=${account.id}`}>{t("people.requests")}</Link>
      </p>
      {erasure ? <Erased id={erasure} /> : null}
      <div className={kit["row"]}>
        {acts.map((one) => <Button key={one} look={one === "erase" || one === "suspend" ? "danger" : "normal"} onClick={() => setAsked(one)}>{t(`person.${one}`)}</Button>)}
      </div>
      <div className={`${kit["row"]} ${kit["end"]}`}><Button onClick={onClose}>{t("action.close")}</Button></div>
      {asked ? <Asked act={asked} account={account} onClose={() => setAsked(undefined)} onChange={onChange} onErased={setErasure} /> : null}
    </Dialog>
  );
}

/** What each act does with what was typed. */
function useActs(account: Account, role: string, onChange: Props["onChange"], onErased: (id: string) => void): Record<Act, (form: FormData) => Promise<unknown>> {
  const path = { user_id: account.id };
  const change = async (body: { role?: Account["role"]; suspended?: boolean; reason?: string }) => onChange(await answer(client.api.PATCH("/v1/admin/users/{user_id}", { params: { path }, body })));
  const why = (form: FormData) => ({ reason: reason(form).reason ?? "" });
  return {
    role: (form) => change({ role: role as Account["role"], ...reason(form) }),
    suspend: (form) => change({ suspended: true, ...reason(form) }),
    restore: (form) => change({ suspended: false, ...reason(form) }),
    sessions: (form) => answer(client.api.DELETE("/v1/admin/users/{user_id}/sessions", { params: { path }, body: reason(form) })),
    factor: async (form) => {
      await answer(client.api.DELETE("/v1/admin/users/{user_id}/totp", { params: { path }, body: why(form) }));
      onChange({ ...account, second_factor: false });
    },
    hold: (form) => answer(client.api.PUT("/v1/admin/holds/users/{user_id}", { params: { path }, body: why(form) })),
    erase: async (form) => {
      onErased((await answer(client.api.DELETE("/v1/admin/users/{user_id}", { params: { path }, body: why(form) }))).erasure_id);
      onChange();
    },
  };
}

const TEXTS: Record<Act, string> = {
  role: "person.role_text", suspend: "person.suspend_text", restore: "person.restore_text", sessions: "person.sessions_text", factor: "person.factor_text", hold: "person.hold_text", erase: "person.erase_text",
};

function Asked({ act, account, onClose, onChange, onErased }: Props & { act: Act; onErased: (id: string) => void }) {
  const [role, setRole] = useState<string>(account.role);
  const acts = useActs(account, role, onChange, onErased);
  return (
    <Ask title={t(`person.${act}`)} text={t(TEXTS[act], { name: account.display_name })} action={t(`person.${act}`)} danger={act === "suspend" || act === "erase"} onClose={onClose} onSubmit={acts[act]}>
      {act === "role" ? <RoleField value={role} onChange={setRole} /> : null}
      <Reason optional={act === "role" || act === "restore" || act === "sessions"} hint={t("reason.audit")} />
    </Ask>
  );
}
