/** Says that a part of the app could not be had, beside what was pressed for it: one such notice at a time, and over nothing that one writes with. */
import { useEffect, useLayoutEffect, useRef, useState, useSyncExternalStore } from "react";
import { useOffline } from "../client.ts";
import { t } from "../i18n.ts";
import { Button, css } from "./kit.tsx";

interface Lack {
  nth: number;
  /** Asks again; none: a press of what it came from does. */
  again: (() => void) | undefined;
}

let lack: Lack | undefined;
let told = 0;
const listeners = new Set<() => void>();

function tell(next: Lack | undefined): void {
  lack = next;
  for (const changed of listeners) changed();
}

export function lacks(again?: () => void): void {
  tell({ nth: ++told, again });
}

function subscribe(changed: () => void): () => void {
  listeners.add(changed);
  return () => listeners.delete(changed);
}

/** Pixels between it and what it is about, and the edges of the screen. */
const GAP = 8;

/** Puts it below what had the focus, or above it in the lower half of the screen. */
function beside(box: HTMLElement, from: Element | null): void {
  const { width, height } = box.getBoundingClientRect();
  const about = from && from !== document.body ? from.getBoundingClientRect() : undefined;
  const left = about ? about.right - width : (innerWidth - width) / 2;
  const top = !about ? GAP : about.top > innerHeight / 2 ? about.top - height - GAP : about.bottom + GAP;
  box.style.left = `${Math.max(GAP, Math.min(left, innerWidth - width - GAP))}px`;
  box.style.top = `${Math.max(GAP, Math.min(top, innerHeight - height - GAP))}px`;
}

export function Lacking() {
  const now = useSyncExternalStore(subscribe, () => lack);
  return now ? <Notice key={now.nth} again={now.again} /> : null;
}

function Notice({ again }: Pick<Lack, "again">) {
  const box = useRef<HTMLDivElement>(null);
  /** What had the focus. */
  const from = useRef<Element>(null);
  const offline = useOffline() || !navigator.onLine;
  const [first] = useState(offline);
  useLayoutEffect(() => {
    const place = () => {
      if (!box.current) return;
      if (!box.current.contains(document.activeElement)) from.current = document.activeElement;
      beside(box.current, from.current);
    };
    place();
    // The focus may be on its way back to what was pressed.
    const frame = requestAnimationFrame(place);
    addEventListener("resize", place);
    return () => {
      cancelAnimationFrame(frame);
      removeEventListener("resize", place);
    };
  }, []);
  // There is a connection again: what it says is not so any more.
  useEffect(() => {
    if (first && !offline) tell(undefined);
  }, [first, offline]);
  useEffect(() => {
    const press = (event: Event) => {
      if (!box.current?.contains(event.target as Node)) tell(undefined);
    };
    addEventListener("click", press, true);
    return () => removeEventListener("click", press, true);
  }, []);
  const close = () => {
    tell(undefined);
    if (from.current instanceof HTMLElement) from.current.focus({ preventScroll: true });
  };
  return (
    <div ref={box} className={css["lacking"]} role="alert">
      <span>{t(offline ? "offline.part" : "error.part")}</span>
      {again ? <Button onClick={() => { close(); again(); }}>{t("action.retry")}</Button> : null}
      {offline ? null : <Button onClick={() => location.reload()}>{t("updated.reload")}</Button>}
      <Button look="plain" onClick={close}>{t("action.close")}</Button>
    </div>
  );
}
