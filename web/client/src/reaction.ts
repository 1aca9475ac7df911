/** Reactions to a message, counted. */
import type { Message } from "./types.ts";

/** With the sign that asks for a picture or without it: one kind. */
export function kind(emoji: string): string {
  return emoji.replaceAll("\uFE0F", "");
}

/**
 * A message with a reaction of a user more, or less. The same object when that changes nothing.
 * `told`: the server has named the emoji so, and what else it is called with is not its name.
 */
export function withReaction(held: Message, { user, me, emoji, told = false }: { user: string; me: string; emoji: string; told?: boolean }, added: boolean): Message {
  const all = held.reactions;
  if (!all) return held;
  const mine = user === me;
  const before = all.find((one) => kind(one.emoji) === kind(emoji));
  const name = told ? emoji : (before?.emoji ?? emoji);
  const put = (next: (typeof all)[number]) => {
    const reactions = before ? all.map((one) => (one === before ? next : one)) : [...all, next];
    return { ...held, reactions: reactions.filter((one) => one.count > 0) };
  };
  // Beyond the twenty that are named one knows of oneself.
  const has = (mine && before?.me === true) || (before?.users.includes(user) ?? false);
  // Beyond the twenty that are named the count is all there is: it is right again with the next reading.
  if (added ? has : !before || (!has && (mine || before.count <= before.users.length))) return before && before.emoji !== name ? put({ ...before, emoji: name }) : held;
  const others = (before?.users ?? []).filter((id) => id !== user);
  return put({
    emoji: name,
    count: Math.max(0, (before?.count ?? 0) + (added ? 1 : -1)),
    users: added ? [...others, user].slice(0, 20) : others,
    me: mine ? added : (before?.me ?? false),
  });
}
