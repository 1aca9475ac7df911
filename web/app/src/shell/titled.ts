/** What the page on show is called, for the title of the window. */
import { useEffect, useSyncExternalStore } from "react";
import { t } from "../i18n.ts";

let shown = "";
const listeners = new Set<() => void>();

function set(name: string): void {
  shown = name;
  listeners.forEach((changed) => changed());
}

/** Names the page while it is on show. */
export function useNamed(name: string): void {
  useEffect(() => {
    set(name);
    return () => {
      if (shown === name) set("");
    };
  }, [name]);
}

export function useShown(): string {
  return useSyncExternalStore((changed) => {
    listeners.add(changed);
    return () => void listeners.delete(changed);
  }, () => shown);
}

/** Names the page before one is in, where what is shown is also shown to those who are. */
export function Titled({ name }: { name: string }) {
  useTitle(`${name} - ${t("app.name")}`);
  return null;
}

/** The title before one is in. */
export function useTitle(name: string): void {
  useEffect(() => {
    document.title = name;
    return () => {
      document.title = t("app.name");
    };
  }, [name]);
}
