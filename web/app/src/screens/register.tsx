import { ProblemError } from "@tidings/client";
import { useRef, useState } from "react";
import { Link } from "wouter";
import { client } from "../client.ts";
import { t } from "../i18n.ts";
import { Button, Failed, Field } from "../kit/kit.tsx";
import { Later } from "../kit/later.tsx";
import { useOnce } from "../kit/once.ts";
import { part } from "../kit/part.tsx";
import { problemOf, wrongWith } from "../refused.ts";
import { has } from "../routes.ts";
import { useTitle } from "../shell/titled.ts";
import { Brand } from "./brand.tsx";
import css from "./sign-in.module.css";
import { fold } from "../kit/fold.ts";

const Providers = part(() => import("./providers.tsx"));

/** What is wrong with a field. */
function wrong(error: unknown, pointer: string): string | undefined {
  const found = problemOf(error)?.errors?.find((one) => one.pointer === pointer);
  return found && wrongWith(found);
}

/** The code of an invitation: of the one whose link led here, or of what was typed. */
export function invitation(text: string): string {
  return text.trim().split("/").at(-1) ?? "";
}

function invited(): string {
  const after = sessionStorage.getItem("tidings.after") ?? "";
  return after.startsWith("/i/") ? decodeURIComponent(invitation(after)) : "";
}

/** A username like a name, as far as its letters are those of usernames. */
export function proposed(name: string): string {
  return fold(name).replace(/[^a-z0-9]+/g, ".").replace(/^\.+|\.+$/g, "").slice(0, 32).replace(/\.+$/, "");
}

const FIELDS = ["/username", "/email", "/password", "/display_name", "/invite"];

export default function Register({ onDone }: { onDone: () => void }) {
  useTitle(t("register.title"));
  const [error, setError] = useState<unknown>();
  const [busy, setBusy] = useState(false);
  const [typed, setTyped] = useState({ display_name: "", username: "", email: "", password: "", invite: invited() });
  // Until it is typed itself, the username follows the name.
  const form = useRef<HTMLFormElement>(null);
  const own = useRef(false);
  const follow = (name: string) => {
    const field = form.current?.elements.namedItem("username");
    if (field instanceof HTMLInputElement && !own.current) field.value = proposed(name);
  };
  const submit = useOnce(async (form: FormData) => {
    const text = (name: string) => String(form.get(name) ?? "").trim();
    const account = { username: text("username"), email: text("email"), password: String(form.get("password")) };
    const [name, invite] = [text("display_name"), invitation(text("invite"))];
    own.current = true;
    setTyped({ ...account, display_name: name, invite });
    setBusy(true);
    setError(undefined);
    await client.register({ ...account, ...(name ? { display_name: name } : {}), ...(invite ? { invite } : {}) }).then(onDone, setError);
    setBusy(false);
  });
  const named = FIELDS.some((pointer) => wrong(error, pointer));
  const closed = error instanceof ProblemError && error.code === "forbidden" && !named;
  // Whose invitation is not good any more may take it out.
  const asksInvite = typed.invite !== "" || wrong(error, "/invite") !== undefined;
  return (
    <div className={css["screen"]}>
      <Brand />
      <main className={css["main"]}>
        <h1>{t("register.heading", { host: location.host })}</h1>
        {closed ? <p role="alert">{t("register.closed")}</p> : (
          <form ref={form} action={submit} className={css["form"]}>
            <Field label={t("field.display_name")} name="display_name" defaultValue={typed.display_name} autoComplete="name" maxLength={64} wrong={wrong(error, "/display_name")} autoFocus onInput={(event) => follow(event.currentTarget.value)} />
            <Field label={t("field.username")} name="username" defaultValue={typed.username} hint={t("register.username_hint")} autoComplete="username" autoCapitalize="none" required maxLength={32} wrong={wrong(error, "/username")} onInput={(event) => { own.current = event.currentTarget.value !== ""; }} />
            <Field label={t("field.email")} name="email" type="email" defaultValue={typed.email} autoComplete="email" required wrong={wrong(error, "/email")} />
            <Field label={t("field.password")} name="password" type="password" defaultValue={typed.password} hint={t("register.password_hint")} autoComplete="new-password" required minLength={8} wrong={wrong(error, "/password")} />
            {asksInvite ? <Field label={t("register.invite")} name="invite" defaultValue={typed.invite} hint={t("register.invite_hint")} autoComplete="off" autoCapitalize="none" spellCheck={false} wrong={wrong(error, "/invite")} /> : null}
            {error === undefined || named ? null : <Failed error={error} />}
            <Button type="submit" look="primary" disabled={busy}>{t("action.register")}</Button>
          </form>
        )}
        {has("/v1/oidc") ? <Later quiet><Providers after={sessionStorage.getItem("tidings.after") ?? "/"} /></Later> : null}
        <p className={css["more"]}>{t("register.known")} <Link href="/login">{t("action.signin")}</Link></p>
      </main>
    </div>
  );
}
