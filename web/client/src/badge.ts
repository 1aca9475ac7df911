/** What waits for the user altogether, counted as the server counts it. */
import type { Room, Unread } from "./types.ts";

export type Counted = Pick<Unread, "rooms" | "unread_count" | "mention_count">;

/** Rooms of which the user wants to hear nothing count by mentions only. `archived`: those that are closed for writing count as well. */
export function counted(rooms: Iterable<Room>, archived: boolean): Counted {
  const all: Counted = { rooms: 0, unread_count: 0, mention_count: 0 };
  for (const { membership: own, archived: old } of rooms) {
    if (!own || (old && !archived)) continue;
    const waits = own.notify === "none" ? own.mention_count : own.unread_count;
    if (waits > 0) all.rooms += 1;
    all.unread_count += waits;
    all.mention_count += own.mention_count;
  }
  return all;
}

/** Whether two countings say the same. */
export function agree(a: Counted, b: Counted): boolean {
  return a.rooms === b.rooms && a.unread_count === b.unread_count && a.mention_count === b.mention_count;
}
