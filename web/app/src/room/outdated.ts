/** How long what was read of a room is good. */
import type { MembersView } from "@tidings/client";

/** Milliseconds for which a list of members is good: of new users in a room that all belong to the server does not tell. */
const GOOD = 60_000;

/** Whether the members of a room are to be read, or read anew. */
export function outdated(list: MembersView | undefined): boolean {
  return !list || list.stale || Date.now() - list.at > GOOD;
}
