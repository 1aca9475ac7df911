/** A form that is sent twice in a hurry does what it says once. */
import { useRef } from "react";

/** The work of a form; while it is under way, another sending of the form is the same one. */
export function useOnce<A extends unknown[]>(work: (...args: A) => Promise<void>): (...args: A) => Promise<void> {
  const under = useRef<Promise<void>>(undefined);
  return (...args) => (under.current ??= work(...args).finally(() => {
    under.current = undefined;
  }));
}
