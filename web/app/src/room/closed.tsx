/** Why the reader may not write in a room, and what stands in the place of the composer then. */
import type { Room } from "@tidings/client";
import { createContext, useEffect, useLayoutEffect, useRef, useState, type ReactNode } from "react";
import { Link } from "wouter";
import { useKey } from "../client.ts";
import { moment, t } from "../i18n.ts";
import css from "./room.module.css";

export interface Reason {
  text: string;
  /** To verify the address is what helps. */
  verify?: boolean;
}

/** What is to be said in place of the composer, if anything. Where only admins post, others answer in threads. */
function closed(room: Room, inThread: boolean, unverified: boolean): Reason | undefined {
  const own = room.membership;
  if (room.archived) return { text: t("closed.archived") };
  if (own?.muted_until && Date.parse(own.muted_until) > Date.now()) return { text: t("closed.muted", { time: moment(own.muted_until) }) };
  if (!inThread && room.posting === "admins" && own?.role === "member") return { text: t("closed.posting") };
  return unverified ? { text: t("closed.unverified"), verify: true } : undefined;
}

/** Milliseconds that a timer can wait at most. */
const LONGEST = 2 ** 31 - 1;

/** The same as it is now: one who was muted may write again when the time is over, without anything that happens. */
export function useClosed(room: Room, inThread = false): Reason | undefined {
  const [, look] = useState(0);
  const unverified = useKey("unverified");
  const until = room.membership?.muted_until;
  useEffect(() => {
    const rest = until ? Date.parse(until) - Date.now() : 0;
    if (rest <= 0) return;
    const timer = setTimeout(() => look((times) => times + 1), Math.min(LONGEST, rest + 1));
    return () => clearTimeout(timer);
  }, [until]);
  return closed(room, inThread, unverified);
}

/** Whether the composer comes in the place of why there was none. */
export const Replaces = createContext(false);

/** The composer, or why there is none, and `left`: what was written in it. The focus that was in the one is in the other then. */
export function Writing({ reason, left, children }: { reason: Reason | undefined; left?: ReactNode; children: ReactNode }) {
  const text = useRef<HTMLParagraphElement>(null);
  const inside = useRef(false);
  const shut = reason !== undefined;
  const was = useRef(shut);
  was.current ||= shut;
  useLayoutEffect(() => {
    if (shut && inside.current && document.activeElement === document.body) text.current?.focus();
  }, [shut]);
  return (
    <div className={css["writing"]} onFocus={() => { inside.current = true; }} onBlur={() => { inside.current = false; }}>
      {reason ? <p ref={text} tabIndex={-1} data-closed className={css["closed"]}>{reason.text} {reason.verify ? <Link href="/settings/address">{t("verify.open")}</Link> : null}</p> : null}
      {reason ? left : <Replaces value={was.current}>{children}</Replaces>}
    </div>
  );
}
