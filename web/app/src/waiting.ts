/** What waits for the user in a room. */
import type { Room } from "@tidings/client";

/** Unread messages, as every badge counts them: where the user wants to hear nothing, mentions only. */
export function waiting(room: Pick<Room, "membership"> | undefined): number {
  const own = room?.membership;
  return (own?.notify === "none" ? own.mention_count : own?.unread_count) ?? 0;
}
