/** Slow mode: a pause between two messages of a member, in the room and its threads together. */
import type { Room } from "@tidings/client";
import { useEffect, useState } from "react";
import { client, useKey } from "../client.ts";

/** When the user wrote last in a room, as far as this page knows; in milliseconds. */
const wrote = new Map<string, number>();

export function hasWritten(room: string): void {
  wrote.set(room, Date.now());
}

/** Milliseconds until one may write again. */
export function left(pause: number, last: number | undefined, now: number): number {
  return last === undefined ? 0 : Math.max(0, last + pause * 1000 - now);
}

function lastIn(room: string): number | undefined {
  const rows = client.store.get(`timeline:${room}`).rows;
  const own = rows.findLast((row) => row.message?.sender.id === client.store.me?.id)?.message;
  const times = [wrote.get(room), own && Date.parse(own.created_at)].filter((one): one is number => one !== undefined);
  return times.length > 0 ? Math.max(...times) : undefined;
}

/** The pause that the reader keeps in a room, and how much of it is left, in seconds. Admins keep none. */
export function useSlow(id: string): { pause: number; left: number; look: () => void } {
  const room: Room | undefined = useKey(`room:${id}`);
  const pause = room?.membership?.role === "member" ? (room.slow_mode_seconds ?? 0) : 0;
  const [, look] = useState(0);
  const rest = pause > 0 ? left(pause, lastIn(id), Date.now()) : 0;
  const again = () => look((times) => times + 1);
  useEffect(() => {
    if (rest <= 0) return;
    const timer = setTimeout(again, Math.min(rest, 1_000));
    return () => clearTimeout(timer);
  });
  return { pause, left: Math.ceil(rest / 1000), look: again };
}
