/**
 * Keys that are pressed after the one that opens the quick switcher and before its field has the focus: it may have to be
 * fetched first. They are meant for it, and would else be typed where the focus was.
 */
import { composing } from "../kit/composing.ts";

/** What was meant for the field. */
export interface Early {
  text: string;
  /** Enter was pressed: what the text finds first is opened. */
  enter: boolean;
}

/** Before all else that hears of them. */
const FIRST = { capture: true };

let caught: Early = { text: "", enter: false };
let stop: (() => void) | undefined;

/** Catches keys from now on. `left`: Esc was pressed. */
export function catchKeys(left: () => void): void {
  if (stop) return;
  caught = { text: "", enter: false };
  const pressed = (event: KeyboardEvent) => {
    if (composing(event) || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "Escape") {
      release();
      left();
    } else if (event.key === "Enter") caught.enter = true;
    else if (event.key === "Backspace") caught.text = [...caught.text].slice(0, -1).join("");
    else if ([...event.key].length === 1) caught.text += event.key;
    else return;
    event.preventDefault();
    event.stopImmediatePropagation();
  };
  // One who presses something else has gone on.
  const away = () => void release();
  document.addEventListener("keydown", pressed, FIRST);
  document.addEventListener("pointerdown", away, FIRST);
  stop = () => {
    document.removeEventListener("keydown", pressed, FIRST);
    document.removeEventListener("pointerdown", away, FIRST);
  };
}

/** Gives what was caught, and catches no more. */
export function release(): Early {
  stop?.();
  stop = undefined;
  const early = caught;
  caught = { text: "", enter: false };
  return early;
}
