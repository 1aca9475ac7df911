import { answer, type Account } from "@tidings/client";
import { Suspense, useState } from "react";
import { Link } from "wouter";
import { client, useKey } from "../client.ts";
import { LANGUAGES, language, speak, t, useLanguage, type Language } from "../i18n.ts";
import { Button, Failed, Field, SelectField, TextField } from "../kit/kit.tsx";
import { part } from "../kit/part.tsx";
import { keepMe } from "../me.ts";
import { bare } from "../people.ts";
import { has } from "../routes.ts";
import { announced, applyTheme, draft, enterSends, HEARD, keepAnnounced, keepDraft, keepEnter, keepLetters, letters, theme, type Heard, type Theme } from "../settings.ts";
import { written } from "../shell/key-names.ts";
import { useSignOut } from "../shell/sign-out.tsx";
import { css, Page } from "./page.tsx";

const AvatarField = part(() => import("./avatar.tsx"));
const Preferences = part(() => import("./preferences.tsx"));
const Blocked = part(() => import("./blocked.tsx"));
const SecondFactor = part(() => import("./second-factor.tsx"));
const Address = part(() => import("./address.tsx"));
const Password = part(() => import("./password.tsx"));
const Identities = part(() => import("./identities.tsx"));
const Sessions = part(() => import("./sessions.tsx"));
const Export = part(() => import("./export.tsx"));
const Deletion = part(() => import("./deletion.tsx"));

const PAGES = ["profile", "look", "preferences", "blocked", "address", "password", "factor", "sessions", "data"];

export default function Settings({ page }: { page: string }) {
  useLanguage();
  const { leave, asking } = useSignOut();
  return (
    <Page title={t("settings.title")} actions={<><Button onClick={leave}>{t("action.signout")}</Button>{asking}</>}>
      <nav className={css["tabs"]} aria-label={t("settings.title")}>
        {PAGES.map((one) => <Link key={one} href={`/settings/${one}`} aria-current={page === one ? "page" : undefined}>{t(`settings.${one}`)}</Link>)}
      </nav>
      <Suspense fallback={null}>
        <Shown page={page} />
      </Suspense>
    </Page>
  );
}

function Shown({ page }: { page: string }) {
  switch (page) {
    case "look": return <Look />;
    case "preferences": return <Preferences />;
    case "blocked": return <Blocked />;
    case "address": return <Address />;
    case "password": return <><Password />{has("/v1/users/me/identities") ? <Identities /> : null}</>;
    case "factor": return <SecondFactor />;
    case "sessions": return <Sessions />;
    case "data": return <>{has("/v1/users/me/exports") ? <Export /> : null}<Deletion /></>;
  }
  return <Profile />;
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
  const [username, setUsername] = useState(me?.username ?? "");
  // What is longer than a name is kept as a draft until it is saved.
  const place = `${me?.id}.profile.bio`;
  const [bio, setBio] = useState(() => draft(place) || (me?.bio ?? ""));
  const write = (text: string) => {
    setBio(text);
    keepDraft(place, text === (me?.bio ?? "") ? "" : text);
  };
  const [error, done, save] = useSaving();
  const saved = (account: Account) => {
    keepDraft(place, "");
    keepMe(account);
  };
  const submit = () => save(answer(client.api.PATCH("/v1/users/me", { body: { display_name: name, bio: bio.trim() ? bio : null, ...(bare(username) === me?.username ? {} : { username: bare(username) }) } })).then(saved));
  return (
    <form action={submit} className={css["form"]}>
      {has("/v1/media") ? <AvatarField /> : null}
      <Field label={t("field.display_name")} value={name} onChange={(event) => setName(event.target.value)} required maxLength={64} autoComplete="name" />
      <Field label={t("field.username")} hint={t("profile.username")} value={username} onChange={(event) => setUsername(event.target.value)} required maxLength={33} autoComplete="username" autoCapitalize="none" />
      <TextField label={t("field.bio")} value={bio} onChange={(event) => write(event.target.value)} maxLength={2_000} rows={4} />
      <Saved error={error} done={done} />
      <div><Button server type="submit" look="primary">{t("action.save")}</Button></div>
    </form>
  );
}

function Look() {
  const [now, setNow] = useState<Theme>(theme());
  const [heard, setHeard] = useState(announced());
  const [enter, setEnter] = useState(enterSends());
  const [keys, setKeys] = useState(letters());
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
      <SelectField label={t("look.announce")} value={heard} onChange={(next) => { keepAnnounced(next as Heard); setHeard(next as Heard); }}>
        {HEARD.map((one) => <option key={one} value={one}>{t(`heard.${one}`)}</option>)}
      </SelectField>
      <SelectField label={t("look.enter")} value={enter ? "send" : "line"} onChange={(next) => { keepEnter(next === "send"); setEnter(next === "send"); }}>
        <option value="send">{t("look.enter_sends")}</option>
        <option value="line">{t("look.enter_line", { keys: written("ctrl+enter") })}</option>
      </SelectField>
      <label className={css["check"]}><input type="checkbox" checked={keys} onChange={(event) => { keepLetters(event.target.checked); setKeys(event.target.checked); }} />{t("look.letters")}</label>
    </div>
  );
}
