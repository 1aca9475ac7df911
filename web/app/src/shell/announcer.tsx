/** Says things to screen readers, politely: one voice, at most once in three seconds. */
import { createContext, use, useCallback, useEffect, useRef, useState, type ReactNode } from "react";
import { t } from "../i18n.ts";

const EVERY = 3_000;
const Saying = createContext<(text: string) => void>(() => undefined);

export function useAnnounce(): (text: string) => void {
  return use(Saying);
}

export function Announcer({ children }: { children: ReactNode }) {
  // Two places that take turns: the same text twice is said twice.
  const [said, setSaid] = useState<[string, string]>(["", ""]);
  const waiting = useRef<string[]>([]);
  const timer = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  const turn = useRef(0);
  const speak = useCallback(function speak() {
    timer.current = undefined;
    const all = waiting.current.splice(0);
    if (all.length === 0) return;
    const text = all.length > 2 ? t("announce.many", { count: all.length }) : all.join(". ");
    turn.current = 1 - turn.current;
    setSaid(turn.current ? ["", text] : [text, ""]);
    timer.current = setTimeout(speak, EVERY);
  }, []);
  const say = useCallback((text: string) => {
    waiting.current.push(text.slice(0, 200));
    timer.current ??= setTimeout(speak, 100);
  }, [speak]);
  useEffect(() => () => clearTimeout(timer.current), []);
  return (
    <Saying value={say}>
      {children}
      <div className="hidden" aria-live="polite">{said[0]}</div>
      <div className="hidden" aria-live="polite">{said[1]}</div>
    </Saying>
  );
}
