/** Slow mode: a pause between two messages of a member, in the room and its threads together. */
import type { Room } from "@tidings/client";
import { useEffect, useState } from "react";
import { client, useKey } from "../client.ts";

/** When a user wrote last in a room, as far as this page knows, in milliseconds; and what, by its `client_id`. */
const wrote = new Map<string, { at: number; what?: string }>();

/** Another user may sign in in the same page. */
const mine = (room: string) => `${client.store.me?.id}.${room}`;

export function hasWritten(room: string, what?: string): void {
  wrote.set(mine(room), what === undefined ? { at: Date.now() } : { at: wrote.get(mine(room))?.at ?? Date.now(), what });
  // Where one answers in a thread, too.
  for (const look of looking) look();
}

const looking = new Set<() => void>();

/** Milliseconds until one may write again. */
export function left(pause: number, last: number | undefined, now: number): number {
  return last === undefined ? 0 : Math.max(0, last + pause * 1000 - now);
}

/** What was refused has cost no turn. */
export function lastIn(room: string): number | undefined {
  const what = wrote.get(mine(room))?.what;
  if (what !== undefined && client.store.get("outbox").some((entry) => entry.client_id === what && entry.state === "failed")) wrote.delete(mine(room));
  const rows = client.store.get(`timeline:${room}`).rows;
  const own = rows.findLast((row) => row.message?.sender.id === client.store.me?.id)?.message;
  // Its time is the server's: where the clocks differ it may be still to come.
  const stored = own ? Date.parse(own.created_at) : Infinity;
  const times = [wrote.get(mine(room))?.at, stored <= Date.now() ? stored : undefined].filter((one): one is number => one !== undefined);
  return times.length > 0 ? Math.max(...times) : undefined;
}

/** The pause that the reader keeps in a room, and how much of it is left, in seconds. Admins keep none. */
export function useSlow(id: string): { pause: number; left: number } {
  const room: Room | undefined = useKey(`room:${id}`);
  const pause = room?.membership?.role === "member" ? (room.slow_mode_seconds ?? 0) : 0;
  const [, look] = useState(0);
  const rest = pause > 0 ? left(pause, lastIn(id), Date.now()) : 0;
  useEffect(() => {
    const again = () => look((times) => times + 1);
    looking.add(again);
    return () => void looking.delete(again);
  }, []);
  useEffect(() => {
    if (rest <= 0) return;
    const timer = setTimeout(() => look((times) => times + 1), Math.min(rest, 1_000));
    return () => clearTimeout(timer);
  });
  return { pause, left: Math.ceil(rest / 1000) };
}
