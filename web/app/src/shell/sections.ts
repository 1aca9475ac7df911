/** The order of the rail: sections by what their rooms want of the reader, and the rooms of one by activity. */
import type { Room } from "@tidings/client";
import { waiting } from "../waiting.ts";

export type Section = "unread" | "pinned" | "rooms" | "direct";
export const SECTIONS: Section[] = ["unread", "pinned", "rooms", "direct"];

/** Where each room stands. */
export interface Places {
  order: string[];
  sections: Map<string, Section>;
}

type Known = Pick<Room, "id" | "kind" | "membership">;

function sectionOf(room: Known, open: string | undefined): Section {
  if (waiting(room) > 0 && room.id !== open) return "unread";
  if (room.membership?.pinned) return "pinned";
  return room.kind === "direct" ? "direct" : "rooms";
}

/** Rooms that come while all stand still stay where they come. */
export function joined(before: Places, rooms: Known[], open: string | undefined): Places {
  const fresh = rooms.filter((room) => !before.sections.has(room.id));
  if (fresh.length === 0) return before;
  return { order: [...before.order, ...fresh.map((room) => room.id)], sections: new Map([...before.sections, ...fresh.map((room) => [room.id, sectionOf(room, open)] as const)]) };
}

/** `rooms` are by activity. The open one keeps its place until it is left: as many rooms as before stand above it, and what was unread stays among the unread. */
export function arranged(before: Places, rooms: Known[], open: string | undefined): Places {
  const held = before.sections.get(open ?? "");
  const sections = new Map(rooms.map((room) => [room.id, room.id === open && held === "unread" ? held : sectionOf(room, open)]));
  const order = rooms.map((room) => room.id);
  if (open === undefined || held === undefined || sections.get(open) !== held) return { order, sections };
  const above = before.order.slice(0, before.order.indexOf(open)).filter((id) => before.sections.get(id) === held).length;
  const others = order.filter((id) => id !== open);
  const next = others.filter((id) => sections.get(id) === held)[above];
  others.splice(next === undefined ? others.length : others.indexOf(next), 0, open);
  return { order: others, sections };
}
