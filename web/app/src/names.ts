/** What rooms and users are called. */
import type { Room, User } from "@tidings/client";
import { useEffect } from "react";
import { client, useKey } from "./client.ts";
import { t } from "./i18n.ts";

/** Milliseconds between two questions for the members of direct rooms: a rail of them must not use up what the server answers a minute. */
const PAUSE = 250;

/** Pauses that messages which do not come are waited for. */
const MOST = 20;

const asked = new Set<string>();
const waiting: string[] = [];
let asking = false;

/** Whether some messages are there to be read. */
function isReading(): boolean {
  return [...client.store.timelines.values()].some((timeline) => timeline.view().loaded);
}

/** Asks for the members of direct rooms, one room after another, those in sight first. */
async function ask(room: string): Promise<void> {
  waiting.push(room);
  if (asking) return;
  asking = true;
  // What is read comes first.
  for (let pauses = 0; pauses < 1 || (pauses < MOST && location.pathname.startsWith("/r/") && !isReading()); pauses++) await new Promise((resolve) => setTimeout(resolve, PAUSE));
  for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
    const one = next;
    if (!client.store.get(`members:${one}`)) await client.members(one).catch(() => asked.delete(one));
    await new Promise((resolve) => setTimeout(resolve, client.spare ? PAUSE : 4 * PAUSE));
  }
  asking = false;
}

/** A room's name; one without is called by its other members. */
export function roomName(room: Room): string {
  if (room.kind !== "direct") return room.name ?? "";
  const members = client.store.get(`members:${room.id}`)?.items;
  if (!members) return room.last_message && room.last_message.sender.id !== client.store.me?.id ? room.last_message.sender.display_name : t("room.direct");
  const others = members.filter((member) => member.user_id !== client.store.me?.id);
  if (others.length === 0) return t("room.notes");
  return others.map((member) => member.user.display_name).join(", ");
}

/** The other one of a direct room of two. */
export function useOther(room: Room): User | undefined {
  const members = useKey(`members:${room.kind === "direct" ? room.id : ""}`);
  const others = (members?.items ?? []).filter((member) => member.user_id !== client.store.me?.id);
  return others.length === 1 ? others[0]?.user : undefined;
}

export function useRoomName(room: Room): string {
  useKey(`members:${room.kind === "direct" ? room.id : ""}`);
  useEffect(() => {
    if (room.kind !== "direct" || client.store.get(`members:${room.id}`) || asked.has(room.id)) return;
    asked.add(room.id);
    void ask(room.id);
  }, [room.id, room.kind]);
  return roomName(room);
}
