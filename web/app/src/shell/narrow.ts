/** Whether there is space for one pane only. */
import { useSyncExternalStore } from "react";

const query = "(max-width: 47.99rem)";

export function useNarrow(): boolean {
  return useSyncExternalStore((changed) => {
    const one = matchMedia(query);
    one.addEventListener("change", changed);
    return () => one.removeEventListener("change", changed);
  }, () => matchMedia(query).matches);
}
