/** Reactions to a message, counted. */
import type { Message } from "./types.ts";

/** With the sign that asks for a picture or without it: one kind. */
export function kind(emoji: string): string {
  return emoji.replaceAll("\uFE0F", "");
}

/** A message with a reaction of a user more, or less. The same object when that changes nothing. */
export function withReaction(held: Message, { user, me, emoji }: { user: string; me: string; emoji: string }, added: boolean): Message {
  if (!held.reactions) return held;
  const mine = user === me;
  const before = held.reactions.find((one) => kind(one.emoji) === kind(emoji));
  // Beyond the twenty that are named one knows of oneself.
  const has = (mine && before?.me === true) || (before?.users.includes(user) ?? false);
  // Beyond the twenty that are named the count is all there is: it is right again with the next reading.
  if (added ? has : !before || (!has && (mine || before.count <= before.users.length))) return held;
  const others = (before?.users ?? []).filter((id) => id !== user);
  const next = {
    emoji: before?.emoji ?? emoji,
    count: Math.max(0, (before?.count ?? 0) + (added ? 1 : -1)),
    users: added ? [...others, user].slice(0, 20) : others,
    me: mine ? added : (before?.me ?? false),
  };
  const reactions = before ? held.reactions.map((one) => (one === before ? next : one)) : [...held.reactions, next];
  return { ...held, reactions: reactions.filter((one) => one.count > 0) };
}
