/** Whom an `@` probably means. */
import { fold } from "../kit/fold.ts";

export interface Person {
  id: string;
  username: string;
  display_name: string;
}

/** Words that call all members of a room; whether they do is the server's rule: for its admins, and where few are in it. */
export const ALL = ["room", "here"] as const;
const FEW = 20;

export function mayCallAll(room: { kind: string; member_count?: number | null; membership?: { role: string } | null } | undefined): boolean {
  if (!room || room.kind === "direct") return false;
  return (room.member_count ?? FEW + 1) <= FEW || (room.membership !== null && room.membership !== undefined && room.membership.role !== "member");
}

/** Those whose username or a word of whose name begins with what was typed: the exact name first, then who spoke last, then who was written to directly last, oneself last. */
export function suggested<P extends Person>(people: P[], typed: string, spoke: string[], me: string, written: string[] = []): P[] {
  const word = fold(typed);
  const begins = (person: P) => [person.username, ...person.display_name.split(/\s+/u)].some((one) => fold(one).startsWith(word));
  const rank = (person: P): number => {
    if (person.id === me) return Number.MAX_SAFE_INTEGER;
    if (word !== "" && person.username === word) return -1;
    const at = spoke.indexOf(person.id);
    if (at >= 0) return at;
    const direct = written.indexOf(person.id);
    return spoke.length + (direct < 0 ? written.length : direct);
  };
  return people.filter(begins).sort((a, b) => rank(a) - rank(b) || a.display_name.localeCompare(b.display_name));
}
