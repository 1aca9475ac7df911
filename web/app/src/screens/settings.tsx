import { answer, type Session } from "@tidings/client";
import { lazy, Suspense, useCallback, useEffect, useState } from "react";
import { Link, useLocation } from "wouter";
import { client, useKey } from "../client.ts";
import { LANGUAGES, language, moment, speak, t, useLanguage, type Language } from "../i18n.ts";
import { Button, Failed, Field, SelectField, TextField } from "../kit/kit.tsx";
import { has } from "../routes.ts";
import { applyTheme, theme, type Theme } from "../settings.ts";
import { css, Page } from "./page.tsx";

const Preferences = lazy(() => import("./preferences.tsx"));
const Blocked = lazy(() => import("./blocked.tsx"));
const SecondFactor = lazy(() => import("./second-factor.tsx"));

const PAGES = ["profile", "look", "preferences", "blocked", "password", "factor", "sessions"].filter((page) => {
  if (page === "factor") return has("/v1/users/me/totp");
  return (page !== "blocked" && page !== "preferences") || has("/v1/users/me/blocks");
});

export default function Settings({ page }: { page: string }) {
  useLanguage();
  const [, go] = useLocation();
  const leave = () => void client.signOut().then(() => go("/login"));
  return (
    <Page title={t("settings.title")} actions={<Button onClick={leave}>{t("action.signout")}</Button>}>
      <nav className={css["tabs"]} aria-label={t("settings.title")}>
        {PAGES.map((one) => <Link key={one} href={`/settings/${one}`} aria-current={page === one ? "page" : undefined}>{t(`settings.${one}`)}</Link>)}
      </nav>
      <Suspense fallback={null}>
      {page === "preferences" ? <Preferences /> : page === "blocked" ? <Blocked /> : page === "factor" ? <SecondFactor /> : page === "look" ? <Look /> : page === "password" ? <Password /> : page === "sessions" ? <Sessions /> : <Profile />}
      </Suspense>
    </Page>
  );
}

/** A form that says whether it was saved. */
function useSaving(): [unknown, boolean, (work: Promise<unknown>) => Promise<void>] {
  const [error, setError] = useState<unknown>();
  const [done, setDone] = useState(false);
  const save = async (work: Promise<unknown>) => {
    setDone(false);
    setError(undefined);
    await work.then(() => setDone(true), setError);
  };
  return [error, done, save];
}

function Saved({ error, done }: { error: unknown; done: boolean }) {
  if (error !== undefined) return <Failed error={error} />;
  return done ? <p className={css["done"]} role="status">{t("settings.saved")}</p> : null;
}

function Profile() {
  const me = useKey("me");
  const [name, setName] = useState(me?.display_name ?? "");
  const [bio, setBio] = useState(me?.bio ?? "");
  const [error, done, save] = useSaving();
  const submit = () => save(client.request("PATCH", "/v1/users/me", { display_name: name, bio: bio.trim() ? bio : null }));
  return (
    <form action={submit} className={css["form"]}>
      <p className={css["aside"]}>@{me?.username} · {me?.email}</p>
      <Field label={t("field.display_name")} value={name} onChange={(event) => setName(event.target.value)} required maxLength={64} autoComplete="name" />
      <TextField label={t("field.bio")} value={bio} onChange={(event) => setBio(event.target.value)} maxLength={2_000} rows={4} />
      <Saved error={error} done={done} />
      <div><Button type="submit" look="primary">{t("action.save")}</Button></div>
    </form>
  );
}

function Look() {
  const [now, setNow] = useState<Theme>(theme());
  const choose = (next: string) => {
    applyTheme(next as Theme);
    setNow(next as Theme);
  };
  return (
    <div className={css["form"]}>
      <SelectField label={t("look.theme")} value={now} onChange={choose}>
        {(["system", "light", "dark"] as const).map((one) => <option key={one} value={one}>{t(`look.${one}`)}</option>)}
      </SelectField>
      <SelectField label={t("look.language")} value={language()} onChange={(next) => void speak(next as Language, true)}>
        {LANGUAGES.map((one) => <option key={one} value={one} lang={one}>{new Intl.DisplayNames(one, { type: "language" }).of(one)}</option>)}
      </SelectField>
    </div>
  );
}

function Password() {
  const [error, done, save] = useSaving();
  const submit = (form: FormData) => save(client.request("POST", "/v1/users/me/password", { current_password: String(form.get("current")), new_password: String(form.get("new")) }));
  return (
    <form action={submit} className={css["form"]}>
      <Field label={t("password.current")} name="current" type="password" autoComplete="current-password" required />
      <Field label={t("password.new")} name="new" type="password" autoComplete="new-password" hint={t("register.password_hint")} required minLength={8} />
      <p className={css["aside"]}>{t("password.about")}</p>
      <Saved error={error} done={done} />
      <div><Button type="submit" look="primary">{t("password.change")}</Button></div>
    </form>
  );
}

function Sessions() {
  const [all, setAll] = useState<Session[]>();
  const [error, setError] = useState<unknown>();
  const load = useCallback(() => {
    answer(client.api.GET("/v1/sessions", {})).then((page) => setAll(page.items), setError);
  }, []);
  useEffect(load, [load]);
  const end = (id: string) => void client.request("DELETE", `/v1/sessions/${id}`).then(load, setError);
  return (
    <section aria-label={t("settings.sessions")} aria-busy={!all}>
      {error === undefined ? null : <Failed error={error} retry={load} />}
      <ul className={css["list"]}>
        {all?.map((one) => (
          <li key={one.session_id} className={css["item"]}>
            <span className={css["what"]}>
              <span>{one.user_agent ?? t("sessions.unknown")}</span>
              <span className={css["aside"]}>{t("sessions.about", { ip: one.ip ?? "", time: moment(one.last_used_at) })}</span>
            </span>
            {one.current ? <span className={css["aside"]}>{t("sessions.current")}</span> : <Button onClick={() => end(one.session_id)}>{t("sessions.end")}</Button>}
          </li>
        ))}
      </ul>
    </section>
  );
}
