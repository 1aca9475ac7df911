/** The one client of this page, and the way React reads its store. */
import { connect, type Key, type Store } from "@tidings/client";
import { startTransition, useCallback, useSyncExternalStore } from "react";

export const client = connect({ refresh: "cookie" });

type Read<K extends Key> = ReturnType<typeof client.store.get<K>>;

/** What the store holds under a key; the component is drawn again when it changes. */
export function useKey<K extends Key>(key: K): Read<K> {
  const subscribe = useCallback((changed: () => void) => client.store.subscribe(key, () => startTransition(changed)), [key]);
  const read = () => (client.store as Store).get(key) as Read<K>;
  return useSyncExternalStore(subscribe, read);
}

/** Whether something of a timeline has been read. Only that draws anew, not each message. */
export function useLoaded(timeline: string): boolean {
  const subscribe = useCallback((changed: () => void) => client.store.subscribe(`timeline:${timeline}`, () => startTransition(changed)), [timeline]);
  return useSyncExternalStore(subscribe, () => client.store.get(`timeline:${timeline}`).loaded);
}

let offline = false;

/** Whether the server cannot be reached; between two attempts it is not known to be back. */
export function useOffline(): boolean {
  const { phase } = useKey("status");
  if (phase !== "connecting") offline = phase === "waiting" || phase === "failed";
  return offline;
}
