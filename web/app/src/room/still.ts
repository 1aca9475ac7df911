/** A room as it is shown: what each message, and each reading of one, counts in it draws nothing anew. */
import type { Room } from "@tidings/client";
import { useCallback, useRef, useSyncExternalStore } from "react";
import { client } from "../client.ts";

/** What changes with every message. */
const COUNTED: ReadonlySet<string> = new Set(["message_count", "unread_count", "mention_count", "last_read_message_id"]);

/** Whether two say the same, but for what is counted. A direct room whose members are not known is called by who wrote last. */
export function alike(a: Room, b: Room): boolean {
  const parts = (room: Room) => Object.entries({ ...room, ...room.membership, membership: Boolean(room.membership), last_message: room.last_message?.sender.display_name }).filter(([key]) => !COUNTED.has(key));
  const [one, other] = [parts(a), new Map<string, unknown>(parts(b))];
  return one.length === other.size && one.every(([key, value]) => other.has(key) && Object.is(other.get(key), value));
}

/** The room of this id; the same object while only what is counted has changed. */
export function useStill(id: string): Room | undefined {
  const kept = useRef<Room>(undefined);
  const subscribe = useCallback((changed: () => void) => client.store.subscribe(`room:${id}`, changed), [id]);
  return useSyncExternalStore(subscribe, () => {
    const now = client.store.get(`room:${id}`);
    if (!now || !kept.current || (now !== kept.current && !alike(now, kept.current))) kept.current = now;
    return kept.current;
  });
}
