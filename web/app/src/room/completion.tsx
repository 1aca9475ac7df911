/** Completes `@names` while one writes. */
import * as Ariakit from "@ariakit/react";
import { lazy, Suspense, useState, type RefObject } from "react";

const List = lazy(() => import("./completion-list.tsx"));
/** An @ at the beginning of a word, and what was typed of the name. */
const WORD = /(?:^|[\s([{"'*_~])@([\p{L}\p{N}._-]*)$/u;

/** The word before the caret that may become a name. */
function wordAt(area: HTMLTextAreaElement): string | undefined {
  if (area.selectionStart !== area.selectionEnd) return undefined;
  return WORD.exec(area.value.slice(Math.max(0, area.selectionStart - 64), area.selectionStart))?.[1];
}

export interface Completing {
  store: Ariakit.ComboboxStore;
  /** Looks at what stands before the caret. */
  look(): void;
  /** Whether a key was meant for the list. */
  takes(key: string): boolean;
}

export function useCompletion(area: RefObject<HTMLTextAreaElement | null>): Completing {
  const store = Ariakit.useComboboxStore({ placement: "top-start" });
  // Closed with Esc: not opened again for this word.
  const [dismissed] = useState({ word: "" as string | undefined });
  return {
    store,
    look: () => {
      const word = area.current ? wordAt(area.current) : undefined;
      if (word === undefined) {
        dismissed.word = undefined;
        store.setOpen(false);
      } else if (dismissed.word === undefined || !word.startsWith(dismissed.word)) {
        dismissed.word = undefined;
        store.setInputValue(`@${word}`);
        store.setOpen(true);
      }
    },
    takes: (key) => {
      const { open, activeId } = store.getState();
      if (!open) return false;
      if (key === "Escape") {
        dismissed.word = store.getState().inputValue.slice(1);
        store.setOpen(false);
        return true;
      }
      if (key === "Tab" && activeId) {
        store.item(activeId)?.element?.click();
        return true;
      }
      return key === "Enter" && Boolean(activeId);
    },
  };
}

export function Completion({ completing, area, room }: { completing: Completing; area: RefObject<HTMLTextAreaElement | null>; room: string }) {
  const open = Ariakit.useStoreState(completing.store, "open");
  return open ? <Suspense fallback={null}><List completing={completing} area={area} room={room} /></Suspense> : null;
}
