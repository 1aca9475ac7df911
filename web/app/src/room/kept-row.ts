/** Events never move the focus: when the row that has it goes, the next one has it. */
import type { Row } from "@tidings/client";
import { useLayoutEffect, useRef, type FocusEvent, type RefObject } from "react";
import { WRITES } from "../shell/keys.ts";

interface Kept {
  onFocus: (event: FocusEvent) => void;
  onBlur: (event: FocusEvent) => void;
}

/** `onHeld` is told which row has the focus. */
export function useKeptRow(rows: Row[], scroller: RefObject<HTMLElement | null>, onHeld: (key: string) => void): Kept {
  const held = useRef<{ key: string; at: number }>(undefined);
  useLayoutEffect(() => {
    const before = held.current;
    if (!before) return;
    const at = rows.findIndex((row) => row.key === before.key);
    if (at >= 0) return void (before.at = at);
    held.current = undefined;
    if (document.activeElement !== document.body) return;
    const next = rows[Math.min(before.at, rows.length - 1)]?.key;
    const frame = scroller.current;
    // Where none is left one writes on.
    const to = frame?.querySelector<HTMLElement>(`[data-row="${CSS.escape(next ?? "")}"]`) ?? frame?.querySelector<HTMLElement>('[data-row][tabindex="0"]') ?? frame?.closest("main, [data-region=panel]")?.querySelector<HTMLElement>(`[data-region=composer] :is(${WRITES})`);
    to?.focus({ preventScroll: true });
  }, [rows, scroller]);
  return {
    onFocus: (event) => {
      const key = (event.target as HTMLElement).closest<HTMLElement>("[data-row]")?.dataset["row"];
      held.current = key === undefined ? undefined : { key, at: rows.findIndex((row) => row.key === key) };
      if (key !== undefined) onHeld(key);
    },
    onBlur: (event) => {
      if (!(event.relatedTarget instanceof Node) || !event.currentTarget.contains(event.relatedTarget)) held.current = undefined;
    },
  };
}
