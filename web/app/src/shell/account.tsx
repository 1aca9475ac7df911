/** The menu of the user's own name: what they want to be to others, and the ways to all that is theirs. */
import * as Ariakit from "@ariakit/react";
import type { Account } from "@tidings/client";
import { useEffect, useRef, useState } from "react";
import { useLocation } from "wouter";
import { client } from "../client.ts";
import { t } from "../i18n.ts";
import { css } from "../kit/kit.tsx";
import { Later } from "../kit/later.tsx";
import { part } from "../kit/part.tsx";
import { chosenPresence, keepPresence, PRESENCES, type ChosenPresence } from "../settings.ts";
import { Own } from "./own.tsx";
import { useSignOut } from "./sign-out.tsx";
import own from "./shell.module.css";

const StatusText = part(() => import("./status-text.tsx"));

/** Beside what it belongs to: on a phone there is nothing else. */
const rail = () => document.querySelector<HTMLElement>("[data-region=rail]");

export default function AccountMenu({ me, onKeys }: { me: Account; onKeys: () => void }) {
  const [, go] = useLocation();
  const [chosen, setChosen] = useState(chosenPresence);
  const [asked, setAsked] = useState(false);
  const button = useRef<HTMLButtonElement>(null);
  const pressed = useRef(false);
  // It stands in the place of the button that was pressed, and takes over the focus and the press.
  useEffect(() => {
    if (pressed.current) return;
    pressed.current = true;
    button.current?.focus();
    button.current?.click();
  }, []);
  const choose = (next: ChosenPresence) => {
    keepPresence(next);
    setChosen(next);
    client.setPresence(next.status, next.text);
  };
  const { leave, asking } = useSignOut();
  return (
    <>
      <Ariakit.MenuProvider values={{ presence: chosen.status }} setValues={(values) => choose({ ...chosen, status: values.presence as ChosenPresence["status"] })}>
        <Ariakit.MenuButton ref={button} className={own["own"]} data-own aria-label={t("account.open", { name: me.display_name })}><Own me={me} chosen={chosen} /></Ariakit.MenuButton>
        <Ariakit.Menu className={css["menu"]} gutter={4} portal portalElement={rail} preserveTabOrder={false} aria-label={t("account.label")}>
          <p className={own["who"]}><strong dir="auto">{me.display_name}</strong><span>@{me.username}</span></p>
          {PRESENCES.map((one) => (
            <Ariakit.MenuItemRadio key={one} name="presence" value={one} hideOnClick className={css["item"]}>
              <Ariakit.MenuItemCheck />{t(`account.${one}`)}
            </Ariakit.MenuItemRadio>
          ))}
          <Ariakit.MenuItem className={css["item"]} onClick={() => setAsked(true)}>{chosen.text ? t("account.text_now", { text: chosen.text }) : t("account.text")}</Ariakit.MenuItem>
          <Ariakit.MenuSeparator className={css["line"]} />
          <Ariakit.MenuItem className={css["item"]} onClick={() => go("/settings/profile")}>{t("settings.title")}</Ariakit.MenuItem>
          <Ariakit.MenuItem className={css["item"]} onClick={onKeys}>{t("keys.title")}</Ariakit.MenuItem>
          <Ariakit.MenuItem className={css["item"]} onClick={leave}>{t("action.signout")}</Ariakit.MenuItem>
        </Ariakit.Menu>
      </Ariakit.MenuProvider>
      {asking}
      <Later>{asked ? <StatusText text={chosen.text} onClose={() => setAsked(false)} onKeep={(text) => choose({ ...chosen, text })} /> : null}</Later>
    </>
  );
}
