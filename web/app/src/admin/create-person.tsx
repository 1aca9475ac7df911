/** Makes an account for a person. */
import { answer, type Account } from "@tidings/client";
import { useState } from "react";
import { client } from "../client.ts";
import { t } from "../i18n.ts";
import Ask from "../kit/ask.tsx";
import { Field } from "../kit/kit.tsx";
import { bare } from "../people.ts";
import { RoleField } from "./accounts.tsx";

export default function CreatePerson({ onClose, onDone }: { onClose: () => void; onDone: () => void }) {
  const [role, setRole] = useState<string>("user");
  const submit = async (form: FormData) => {
    const text = (name: string) => String(form.get(name)).trim();
    const name = text("display_name");
    const password = String(form.get("password"));
    const body = { username: bare(text("username")), email: text("email"), role: role as Account["role"], ...(name ? { display_name: name } : {}), ...(password ? { password } : {}) };
    await answer(client.api.POST("/v1/admin/users", { body }));
    onDone();
  };
  return (
    <Ask title={t("people.create")} action={t("action.create")} onClose={onClose} onSubmit={submit}>
      <Field label={t("field.username")} name="username" autoComplete="off" autoCapitalize="none" required maxLength={33} autoFocus />
      <Field label={t("field.email")} name="email" type="email" autoComplete="off" required />
      <Field label={t("people.name")} name="display_name" autoComplete="off" maxLength={64} />
      <Field label={t("field.password")} hint={t("people.password_hint")} name="password" type="password" autoComplete="new-password" minLength={8} />
      <RoleField value={role} onChange={setRole} />
    </Ask>
  );
}
