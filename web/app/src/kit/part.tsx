/** Parts that come when they are wanted. One that could not be had is asked for again the next time it is wanted: React's own `lazy` never does. */
import { createContext, lazy, useContext, useState, type ComponentType, type ReactNode } from "react";

/** What asks for a part, and another one each time it asks anew. */
export const Attempt = createContext<object>({});

/** Style sheets that could not be had: Vite asks for each of them once. */
const unstyled = new Set<HTMLLinkElement>();

globalThis.document?.addEventListener("error", (event) => {
  if (event.target instanceof HTMLLinkElement && event.target.rel === "stylesheet") unstyled.add(event.target);
}, true);

/** Those that fail once more are asked for with the next part. */
function styled(failed: HTMLLinkElement): Promise<unknown> {
  unstyled.delete(failed);
  const link = failed.cloneNode() as HTMLLinkElement;
  return new Promise((resolve) => {
    link.onload = link.onerror = resolve;
    failed.replaceWith(link);
  });
}

interface Part<P> {
  (props: P): ReactNode;
  /** Has it before it is drawn. */
  fetch(): Promise<unknown>;
}

export function part<P extends object>(load: () => Promise<{ default: (props: P) => ReactNode }>): Part<P> {
  let had: ComponentType<P> | undefined;
  const fetch = async () => {
    await Promise.all([...unstyled].map(styled));
    const module = await load();
    had = module.default as ComponentType<P>;
    return { default: had };
  };
  // What has failed stays so for the boundary that has asked, until it asks again.
  const asked = new WeakMap<object, ComponentType<P>>();
  const wanted = (attempt: object) => {
    const one = asked.get(attempt) ?? (lazy(fetch) as unknown as ComponentType<P>);
    asked.set(attempt, one);
    return one;
  };
  const Part = (props: P) => {
    const attempt = useContext(Attempt);
    const [Now] = useState(() => had ?? wanted(attempt));
    return <Now {...props} />;
  };
  return Object.assign(Part, { fetch });
}
