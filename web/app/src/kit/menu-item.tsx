/** Entries of menus. */
import * as Ariakit from "@ariakit/react";
import type { ReactNode } from "react";
import { useOffline } from "../client.ts";
import { t } from "../i18n.ts";
import { css } from "./kit.tsx";

interface Props {
  /** What it does wants the server: without a connection it says so, and does nothing. */
  server?: boolean | undefined;
  /** The key that does it, where the menu knows keys. */
  shortcut?: string | undefined;
  onClick: () => void;
  children: ReactNode;
}

export function MenuItem({ server, shortcut, onClick, children }: Props) {
  return <Ariakit.MenuItem className={css["item"]} data-shortcut={shortcut} onClick={onClick} {...useNeeding(server)}>{children}</Ariakit.MenuItem>;
}

/** What makes an entry of a menu one that wants the server. */
export function useNeeding(server: boolean | undefined): { disabled?: boolean; accessibleWhenDisabled?: boolean; "aria-description"?: string; title?: string } {
  const offline = useOffline();
  if (!server || !offline) return {};
  return { disabled: true, accessibleWhenDisabled: true, "aria-description": t("offline.needed"), title: t("offline.needed") };
}
