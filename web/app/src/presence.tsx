/** Who is there. Only those are watched who are on screen. */
import type { PresenceView } from "@tidings/client";
import { useEffect } from "react";
import { client, useKey } from "./client.ts";
import { t } from "./i18n.ts";
import { css } from "./kit/kit.tsx";

/** Milliseconds in which changes of what is on screen are told together. */
const SOON = 200;

const watched = new Map<string, number>();
let timer: ReturnType<typeof setTimeout> | undefined;

function change(id: string, by: number): void {
  const times = (watched.get(id) ?? 0) + by;
  if (times > 0) watched.set(id, times);
  else watched.delete(id);
  timer ??= setTimeout(() => {
    timer = undefined;
    client.watchPresence([...watched.keys()]);
  }, SOON);
}

/** Whether a person who is on screen is there, as far as it is known. */
export function usePresence(id: string): PresenceView | undefined {
  const view = useKey(`presence:${id}`);
  useEffect(() => {
    change(id, 1);
    return () => change(id, -1);
  }, [id]);
  return view;
}

/** A dot beside a person: full when they are there, a ring when they are away, a bar when they want to be left alone. */
export function Presence({ id }: { id: string }) {
  const view = usePresence(id);
  if (!view || view.status === "offline") return null;
  const said = t(`presence.${view.status}`);
  return <span className={css["presence"]} data-status={view.status} title={view.text ? `${said}: ${view.text}` : said}><span className="hidden">{said}</span></span>;
}
