/** What a member may do to another, and to the room: what the server would refuse is not offered. */
import type { Member, Room, User } from "@tidings/client";
import { fold } from "../kit/fold.ts";

type Role = Member["role"];

export const RANK: Record<Role, number> = { owner: 2, admin: 1, member: 0 };

export interface Powers {
  /** Make them admin or owner. */
  raise: boolean;
  /** Mute, remove, ban or demote them. */
  restrain: boolean;
}

/** Members act on lower roles only; direct rooms have none, and in an archived room nothing changes. */
export function powers(room: Pick<Room, "kind" | "archived" | "membership">, theirs: Role, self: boolean): Powers {
  const own = room.membership?.role;
  if (!own || self || room.kind === "direct" || room.archived) return { raise: false, restrain: false };
  return { raise: own === "owner" && theirs !== "owner", restrain: RANK[own] > RANK[theirs] };
}

/** Whether the reader may change the room, and what only its owners may. */
export function rights(room: Pick<Room, "kind" | "membership">): { manages: boolean; owns: boolean } {
  const role = room.kind === "direct" ? undefined : room.membership?.role;
  return { manages: role === "owner" || role === "admin", owns: role === "owner" };
}

/** Whether the reader may make invitations: members do in groups and public channels, admins in all rooms that have any. */
export function invites(room: Pick<Room, "kind" | "archived" | "visibility" | "membership">): boolean {
  if (!room.membership || room.archived || room.kind === "direct") return false;
  return rights(room).manages || room.visibility === "public" || room.kind === "group";
}

/** Whether a word of a user's names begins with what was typed; case and accents do not matter. */
export function matches(user: Pick<User, "username" | "display_name">, text: string): boolean {
  const wanted = fold(text.trim().replace(/^@/, ""));
  if (wanted === "") return true;
  return fold(user.username).startsWith(wanted) || ` ${fold(user.display_name)}`.includes(` ${wanted}`);
}
