/** What takes the focus when it opens gives it back when it goes. */
import { WRITES } from "./keys.ts";

/**
 * Call it before the part goes. Only a focus that is in there is given: one who writes elsewhere writes on. What it came
 * from may be gone, as the quick switcher is; then one writes.
 */
export function giveBack(part: string, to: () => HTMLElement | null): void {
  const active = document.activeElement;
  if (active !== document.body && !active?.closest(part)) return;
  const give = () => {
    const back = to();
    // A finger that has closed it does not want a keyboard on the screen.
    const writes = matchMedia("(pointer: fine)").matches ? document.querySelector<HTMLElement>(`main [data-region=composer] :is(${WRITES})`) : null;
    (back?.isConnected ? back : writes)?.focus({ preventScroll: true });
  };
  // Where there is space for one pane only, what it goes to is shown again by then.
  requestAnimationFrame(() => requestAnimationFrame(give));
}
