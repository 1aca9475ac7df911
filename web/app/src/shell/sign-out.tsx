/** The way out: here at once, with or without a connection. */
import { useEffect, useState, type ReactNode } from "react";
import { useLocation } from "wouter";
import { client } from "../client.ts";
import { t } from "../i18n.ts";
import { Later } from "../kit/later.tsx";
import { part } from "../kit/part.tsx";
import { keepOwed, owed } from "../settings.ts";

const Confirm = part(() => import("../kit/confirm.tsx"));

/** `asking` stands beside what was pressed: what is not sent yet goes with all else that is kept here. */
export function useSignOut(): { leave: () => void; asking: ReactNode } {
  const [, go] = useLocation();
  const [asked, setAsked] = useState(false);
  const out = () => void client.signOut().then((session) => {
    keepOwed(session);
    go("/login");
  });
  const leave = () => {
    if (client.store.get("outbox").every((entry) => entry.state === "sent")) return out();
    // One who cannot be asked must be able to leave all the same.
    void Confirm.fetch().then(() => setAsked(true), out);
  };
  const asking = <Later>{asked ? <Confirm title={t("signout.unsent_title")} text={t("signout.unsent")} action={t("action.signout")} onClose={() => setAsked(false)} onConfirm={out} /> : null}</Later>;
  return { leave, asking };
}

/** Says that the server does not know yet, and tells it once there is a connection. */
export function Owed() {
  const [session, setSession] = useState(owed);
  useEffect(() => {
    if (!session) return;
    const settle = () => void client.settle(session).then(() => {
      keepOwed(undefined);
      setSession(undefined);
    }, () => undefined);
    settle();
    window.addEventListener("online", settle);
    return () => window.removeEventListener("online", settle);
  }, [session]);
  return session ? <p role="status">{t("signout.owed")}</p> : null;
}
