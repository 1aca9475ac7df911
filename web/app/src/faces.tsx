/** People as they are shown: who is on screen and not known yet is asked for, one at a time. */
import type { User } from "@tidings/client";
import { startTransition, useCallback, useEffect, useSyncExternalStore } from "react";
import { client, useKey } from "./client.ts";
import { Avatar } from "./kit/kit.tsx";

/** Milliseconds between two questions, and before the first: the members of a room may come all at once meanwhile. */
const PAUSE = 600;
/** The same when the server answers few more questions this minute: what the user does comes first. */
const SPARING = 5_000;
/** Questions a page asks at most; who is beyond that stays without a picture. */
const MOST = 300;

const wanted: string[] = [];
const asked = new Set<string>();
let timer: ReturnType<typeof setTimeout> | undefined;

function next(): void {
  timer = undefined;
  const id = wanted.shift();
  if (id === undefined) return;
  if (!client.store.get(`user:${id}`)) void client.user(id).catch(() => undefined);
  timer = setTimeout(next, client.spare ? PAUSE : SPARING);
}

function want(id: string): void {
  if (asked.has(id) || asked.size >= MOST) return;
  asked.add(id);
  wanted.push(id);
  timer ??= setTimeout(next, PAUSE);
}

/** What is known of a person; it becomes more. */
export function usePerson(id: string): User | undefined {
  const me = useKey("me");
  const held = useKey(`user:${id}`);
  const known = id === "" || held !== undefined || id === me?.id;
  useEffect(() => {
    if (!known) want(id);
  }, [known, id]);
  return held ?? (id === me?.id ? me : undefined);
}

/** The usernames of some users, as far as they are known, with spaces between. What is drawn anew when one becomes known is what names that one. */
export function useUsernames(ids: readonly string[]): string {
  const named = ids.join(" ");
  const read = () => ids.map((id) => (id === client.store.me?.id ? client.store.me : client.store.get(`user:${id}`))?.username ?? "").filter(Boolean).join(" ");
  const subscribe = useCallback((changed: () => void) => {
    const ends = (named === "" ? [] : named.split(" ")).map((id) => client.store.subscribe(`user:${id}`, () => startTransition(changed)));
    return () => ends.forEach((end) => end());
  }, [named]);
  useEffect(() => {
    for (const id of named === "" ? [] : named.split(" ")) if (id !== client.store.me?.id && !client.store.get(`user:${id}`)) want(id);
  }, [named]);
  return useSyncExternalStore(subscribe, read);
}

/** The picture of a person. */
export function Face({ person, small }: { person: { id: string; display_name: string }; small?: boolean }) {
  const user = usePerson(person.id);
  return <Avatar id={person.id} name={user?.display_name ?? person.display_name} url={user?.avatar_url} {...(small ? { small } : {})} />;
}
