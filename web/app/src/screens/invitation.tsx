/** Where an invitation leads. It is open to those without an account, too. */
import { ProblemError, type Room } from "@tidings/client";
import { useEffect, useState } from "react";
import { Link, useLocation } from "wouter";
import { client, useKey } from "../client.ts";
import { t, useLanguage } from "../i18n.ts";
import { Button, css as kit, Failed } from "../kit/kit.tsx";
import { Titled } from "../shell/titled.ts";
import { Brand } from "./brand.tsx";
import { css, Page } from "./page.tsx";
import sign from "./sign-in.module.css";

interface Invite {
  room: { id: string; name: string | null; kind: string; member_count: number };
  inviter: { display_name: string };
}

export default function Invitation({ code }: { code: string }) {
  useLanguage();
  const [, go] = useLocation();
  const me = useKey("me");
  const [invite, setInvite] = useState<Invite>();
  const [error, setError] = useState<unknown>();
  useEffect(() => {
    fetch(`/v1/invites/${encodeURIComponent(code)}`).then(async (response) => {
      const body: unknown = await response.json().catch(() => undefined);
      if (response.ok) setInvite(body as Invite);
      else if (response.status === 404) setError(new Error(t("invitation.unknown")));
      else setError(await ProblemError.of(response, body));
    }, () => setError(ProblemError.unreachable("the invitation could not be asked for")));
  }, [code]);
  useEffect(() => {
    // Who registers or signs in first comes back here.
    if (me) sessionStorage.removeItem("tidings.after");
    else sessionStorage.setItem("tidings.after", `/i/${code}`);
  }, [me, code]);
  // Who registered with the invitation is in already.
  const joined = Boolean(useKey(`room:${invite?.room.id ?? ""}`)?.membership);
  useEffect(() => {
    if (me && joined && invite) go(`/r/${invite.room.id}`, { replace: true });
  }, [me, joined, invite, go]);
  const accept = () => client.request<Room>("POST", `/v1/invites/${encodeURIComponent(code)}/accept`).then(async ({ data }) => {
    await client.refresh(data.id);
    go(`/r/${data.id}`);
  }).catch(setError);
  const body = (
    <>
      {error === undefined ? null : <Failed error={error} />}
      {invite ? (
        <>
          <p className={sign["lead"]} dir="auto">{t("invitation.text", { name: invite.inviter.display_name, room: invite.room.name ?? "" })}</p>
          <p className={css["aside"]}>{t("browse.members", { count: invite.room.member_count })}</p>
          {me ? <div><Button look="primary" onClick={() => void accept()}>{t("invitation.accept")}</Button></div> : (
            <>
              <Link href="/register" className={`${kit["button"]} ${kit["primary"]}`}>{t("signin.register")}</Link>
              <Link href="/login" className={kit["button"]}>{t("action.signin")}</Link>
            </>
          )}
        </>
      ) : null}
    </>
  );
  if (me) return <Page title={t("invitation.title")}>{body}</Page>;
  return (
    <div className={sign["screen"]}>
      <Brand />
      <main className={sign["main"]}>
        <Titled name={t("invitation.title")} />
        <h1>{t("invitation.title")}</h1>
        {body}
      </main>
    </div>
  );
}
