/** What the user has done and the server does not know yet, laid over what the server told: a refresh cannot wipe it. */
import { kind, withReaction } from "./reaction.ts";
import type { EventFrame, Message, OutboxChange, OutboxEntry, OutboxPost } from "./types.ts";

const NONE: readonly OutboxChange[] = [];

/** Whether it is a message of its own, and no change of one. */
export function isPost(entry: OutboxEntry): entry is OutboxPost {
  return entry.kind === undefined;
}

/** Whether it is to be sent as soon as that can be. */
export function pending(entry: OutboxEntry): boolean {
  return entry.state === "waiting" || entry.state === "unknown";
}

/** Whether it never left: what becomes of it is the user's still. */
export function unsent(entry: OutboxEntry): boolean {
  return entry.state === "waiting" || entry.state === "failed" || entry.state === "old";
}

/** A message as its user has left it. What was refused is not shown as done, but a text is: it can be copied, and sent again. */
export function overlaid(message: Message, changes: readonly OutboxChange[], me: string): Message {
  let shown = message;
  for (const change of changes) {
    if (shown.deleted_at) break;
    if (change.kind === "edit") shown = { ...shown, body: change.body ?? shown.body };
    else if (!pending(change)) continue;
    else if (change.kind === "delete") shown = deleted(shown, new Date(change.submitted_at).toISOString());
    else shown = withReaction(shown, { user: me, me, emoji: change.emoji ?? "" }, change.kind === "react");
  }
  return shown;
}

/** A message without all that is deleted with it. */
export function deleted(message: Message, at: string): Message {
  return { ...message, body: "", attachments: [], reactions: [], mentions: [], pinned: false, deleted_at: at };
}

/** Changes that were never sent and that a later one makes needless: all before a deletion, the text or the reaction before another. */
export function superseded(changes: readonly OutboxChange[]): OutboxChange[] {
  return changes.filter((one, at) => unsent(one) && changes.slice(at + 1).some((later) => pending(later) && later.message_id === one.message_id && (later.kind === "delete" || subject(later) === subject(one))));
}

/** Whether a message is as a change would have it. */
export function needless(message: Message, change: OutboxChange): boolean {
  if (change.kind === "edit" || change.kind === "delete") return change.kind === "edit" && message.body === change.body;
  return Boolean(message.reactions) && overlaid(message, [change], change.user_id) === message;
}

/** What a change is about. */
function subject({ kind: what, emoji }: OutboxChange): string {
  return what === "edit" || what === "delete" ? what : `react ${kind(emoji ?? "")}`;
}

/** Whether an event tells that a change has been carried out. */
export function carriedOut(change: OutboxChange, { event, data }: EventFrame, me: string): boolean {
  if (event === "reaction.added" || event === "reaction.removed") {
    const told = data as { message_id: string; user_id: string; emoji: string };
    const same = told.message_id === change.message_id && told.user_id === me && kind(told.emoji) === kind(change.emoji ?? "");
    return same && change.kind === (event === "reaction.added" ? "react" : "unreact");
  }
  const told = data as Message;
  if (told?.id !== change.message_id) return false;
  if (event === "message.deleted") return change.kind === "delete";
  return (event === "message.edited" || event === "message.changed") && change.kind === "edit" && told.body === change.body;
}

export class Overlay {
  #changes = new Map<string, OutboxChange[]>();
  readonly #messages = new Map<string, { message: Message; changes: readonly OutboxChange[]; shown: Message }>();
  readonly #posts = new Map<string, { post: OutboxPost; body: string; shown: OutboxPost }>();

  /** Takes the outbox as it is now. Gives the messages that look different with it. */
  take(outbox: readonly OutboxEntry[]): string[] {
    const before = this.#changes;
    const now = new Map<string, OutboxChange[]>();
    for (const entry of outbox) if (!isPost(entry)) now.set(entry.message_id, [...(now.get(entry.message_id) ?? []), entry]);
    const other: string[] = [];
    for (const id of new Set([...before.keys(), ...now.keys()])) {
      const [was, is] = [before.get(id), now.get(id)];
      // The same list stays the same object: what is drawn of it is not drawn again.
      if (was && is && was.length === is.length && was.every((one, at) => one === is[at])) now.set(id, was);
      else other.push(id);
      if (!is) this.#messages.delete(id);
    }
    this.#changes = now;
    return other;
  }

  /** What is done to a message and not confirmed, in order. */
  of(id: string): readonly OutboxChange[] {
    return this.#changes.get(id) ?? NONE;
  }

  /** The same object as long as nothing of it changes. */
  message(message: Message, me: string): Message {
    const changes = this.of(message.id);
    if (changes.length === 0) return message;
    const held = this.#messages.get(message.id);
    if (held?.message === message && held.changes === changes) return held.shown;
    const shown = overlaid(message, changes, me);
    this.#messages.set(message.id, { message, changes, shown });
    return shown;
  }

  /** A message on its way with the text that was given to it while it was. */
  post(post: OutboxPost): OutboxPost {
    const body = this.of(post.client_id).findLast((change) => change.kind === "edit")?.body;
    if (body === undefined) {
      this.#posts.delete(post.client_id);
      return post;
    }
    const held = this.#posts.get(post.client_id);
    if (held?.post === post && held.body === body) return held.shown;
    const shown = { ...post, body };
    this.#posts.set(post.client_id, { post, body, shown });
    return shown;
  }
}
