/** What several pages say of an account. */
import type { Account } from "@tidings/client";
import { t } from "../i18n.ts";
import { SelectField } from "../kit/kit.tsx";
import css from "../screens/page.module.css";

const ROLES = ["user", "moderator", "admin"] as const;

/** A choice of roles; `any`: none is one, too. */
export function RoleField({ value, any, onChange }: { value: string; any?: boolean; onChange: (role: string) => void }) {
  return (
    <SelectField label={t("people.role")} value={value} onChange={onChange}>
      {any ? <option value="">{t("people.any")}</option> : null}
      {ROLES.map((one) => <option key={one} value={one}>{t(`account.${one}`)}</option>)}
    </SelectField>
  );
}

/** What is unlike most accounts. */
export function Marks({ account }: { account: Account }) {
  const marks = [
    ...(account.role === "user" ? [] : [t(`account.${account.role}`)]),
    ...(account.suspended ? [t("people.suspended")] : []),
    ...(account.email_verified ? [] : [t("people.unverified")]),
    ...(account.second_factor ? [t("people.factor")] : []),
  ];
  return marks.length > 0 ? <span className={css["aside"]}>{marks.join(" · ")}</span> : null;
}
