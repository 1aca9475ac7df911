/** A list of the API, page by page, and what is shown of it: rows, none, on its way, failed. */
import type { Page } from "@tidings/client";
import { useCallback, useEffect, useRef, useState, type ReactNode, type RefObject } from "react";
import { t } from "../i18n.ts";
import { Button, Failed } from "./kit.tsx";
import css from "./pages.module.css";

/** The server looks at so much for a page and no more: this many may come empty before we stop asking by ourselves. */
const EMPTY = 20;

type Ask<T> = (cursor?: string) => Promise<Page<T>>;

/** The next page that has something on it, as long as it is wanted. */
export async function filled<T>(ask: Ask<T>, cursor?: string, wanted = () => true): Promise<{ items: T[]; cursor: string | undefined }> {
  let page = await ask(cursor);
  for (let tries = 1; page.items.length === 0 && page.next_cursor && tries < EMPTY && wanted(); tries++) page = await ask(page.next_cursor);
  return { items: page.items, cursor: page.next_cursor ?? undefined };
}

/** Pages of a list that changes meanwhile may repeat what an earlier one had. */
export function joined<T>(held: T[], more: T[], id: (one: T) => string): T[] {
  const known = new Set(held.map(id));
  return [...held, ...more.filter((one) => !known.has(id(one)))];
}

export interface Pages<T> {
  items: T[] | undefined;
  busy: boolean;
  more: boolean;
  error: unknown;
  /** Asks for the page that failed once more. */
  again: () => void;
  next: () => void;
  /** Reads the list anew; what is held stays in sight meanwhile. */
  reload: () => Promise<void>;
}

interface Held<T> {
  items?: T[];
  cursor?: string | undefined;
  failed?: string | undefined;
  error?: unknown;
  busy: boolean;
}

/** Reads a list, and reads it anew when `key` is another one. */
export function usePages<T>(key: string, ask: Ask<T>, id: (one: T) => string): Pages<T> {
  const [held, setHeld] = useState<Held<T>>({ busy: true });
  const latest = useRef({ ask, id });
  latest.current = { ask, id };
  const turn = useRef(0);
  const read = useCallback(async (cursor?: string) => {
    const mine = ++turn.current;
    setHeld((before) => ({ ...before, busy: true, error: undefined }));
    try {
      const page = await filled(latest.current.ask, cursor, () => mine === turn.current);
      // An answer to what was asked before is no answer.
      if (mine !== turn.current) return;
      setHeld((before) => ({ busy: false, cursor: page.cursor, items: joined(cursor ? (before.items ?? []) : [], page.items, latest.current.id) }));
    } catch (error) {
      if (mine === turn.current) setHeld((before) => ({ ...before, busy: false, error, failed: cursor }));
    }
  }, []);
  useEffect(() => {
    void read();
    return () => {
      turn.current += 1;
    };
  }, [key, read]);
  return {
    items: held.items,
    busy: held.busy,
    more: held.cursor !== undefined,
    error: held.error,
    again: () => void read(held.failed),
    next: () => void (held.busy || read(held.cursor)),
    reload: () => read(),
  };
}

/** The list itself. */
export function Listing<T>({ pages, label, empty, children }: { pages: Pages<T>; label: string; empty: string; children: (one: T) => ReactNode }) {
  const { items, busy, error, more } = pages;
  const group = useKeptFocus(items);
  return (
    <div ref={group} role="group" tabIndex={-1} className={css["listing"]} aria-label={label} aria-busy={busy && !items}>
      {error === undefined ? null : <Failed error={error} retry={pages.again} />}
      {!items && busy ? <Waiting /> : null}
      {items?.length === 0 && empty ? <p className={css["empty"]}>{empty}</p> : null}
      {items && items.length > 0 ? <ul className={css["list"]}>{items.map(children)}</ul> : null}
      {more ? <div><Button onClick={pages.next} aria-disabled={busy}>{t("list.more")}</Button></div> : null}
    </div>
  );
}

/** Milliseconds that a dialog is given to hand the focus back. */
const HANDED = 60;

/** The row that had the focus may go: the list takes it then, so that it is never lost. */
function useKeptFocus(items: unknown): RefObject<HTMLDivElement | null> {
  const group = useRef<HTMLDivElement>(null);
  const before = useRef(items);
  useEffect(() => {
    const first = before.current === undefined;
    before.current = items;
    if (first) return;
    const timer = setTimeout(() => document.activeElement === document.body && group.current?.focus({ preventScroll: true }), HANDED);
    return () => clearTimeout(timer);
  }, [items]);
  return group;
}

/** Grey rows of the height of what comes; nothing at first, as most of it comes at once. */
export function Waiting() {
  return <div className={css["waiting"]} aria-hidden><span /><span /><span /></div>;
}

/** What was typed, once the user pauses. */
export function useLater<T>(value: T, pause = 250): T {
  const [late, setLate] = useState(value);
  useEffect(() => {
    const timer = setTimeout(() => setLate(value), pause);
    return () => clearTimeout(timer);
  }, [value, pause]);
  return late;
}
