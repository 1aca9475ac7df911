/** The user's own picture and name, as they stand above the rail; the menu comes when it is wanted. */
import type { Account } from "@tidings/client";
import { ChevronDown } from "lucide-react";
import { useState } from "react";
import { useKey } from "../client.ts";
import { t } from "../i18n.ts";
import { Avatar, css as kit } from "../kit/kit.tsx";
import { lacks } from "../kit/lacking.tsx";
import { Later } from "../kit/later.tsx";
import { part } from "../kit/part.tsx";
import { chosenPresence, type ChosenPresence } from "../settings.ts";
import css from "./shell.module.css";

const AccountMenu = part(() => import("./account.tsx"));

export function Own({ me, chosen }: { me: Account; chosen: ChosenPresence }) {
  return (
    <>
      <span className={css["face"]}>
        <Avatar id={me.id} name={me.display_name} url={me.avatar_url} small />
        {chosen.status === "online" ? null : <span className={`${kit["presence"]} ${css["badge"]}`} data-status={chosen.status === "dnd" ? "dnd" : "away"} />}
      </span>
      <span className={css["mine"]} dir="auto">{me.display_name}</span>
      <ChevronDown size={18} strokeWidth={1.5} aria-hidden />
    </>
  );
}

export function OwnButton({ onKeys }: { onKeys: () => void }) {
  const me = useKey("me");
  const [wanted, setWanted] = useState(false);
  if (!me) return null;
  if (wanted) return <Later><AccountMenu me={me} onKeys={onKeys} /></Later>;
  const soon = () => void AccountMenu.fetch().catch(() => undefined);
  // It stays until what takes its place is there: without a connection that may take several presses.
  const open = () => void AccountMenu.fetch().then(() => setWanted(true), () => lacks());
  return (
    <button type="button" className={css["own"]} data-own aria-haspopup="menu" aria-label={t("account.open", { name: me.display_name })} onPointerEnter={soon} onFocus={soon} onClick={open}>
      <Own me={me} chosen={chosenPresence()} />
    </button>
  );
}
