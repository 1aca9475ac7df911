/** What the user submits, carried out: messages, and what is done to them. */
import { putMessage, reactedBy } from "./apply.ts";
import { deleted, isPost } from "./overlay.ts";
import type { Platform } from "./platform.ts";
import type { Server } from "./server.ts";
import type { Store } from "./store.ts";
import type { EventFrame, Message, OutboxChange, OutboxEntry } from "./types.ts";

export class Commands {
  readonly #platform: Platform;
  readonly #store: Store;
  readonly #server: Server;
  readonly #apply: (frame: EventFrame) => void;

  /** `apply` takes an event that is not told of yet. */
  constructor(platform: Platform, store: Store, server: Server, apply: (frame: EventFrame) => void) {
    this.#platform = platform;
    this.#store = store;
    this.#server = server;
    this.#apply = apply;
  }

  /** Sends what stands in the outbox. Gives the message that was posted. */
  async deliver(entry: OutboxEntry): Promise<Message | undefined> {
    if (!isPost(entry)) return this.#carryOut(entry);
    const { room_id, client_id, body, format, thread_root_id } = entry;
    const attachments = entry.files?.flatMap((file) => file.media?.id ?? []);
    const content = { client_id, body, format, ...(thread_root_id ? { thread_root_id } : {}), ...(attachments ? { attachments } : {}) };
    const byRest = () => this.#server.api.POST("/v1/rooms/{room_id}/messages", { params: { path: { room_id } }, body: content });
    return (await this.#server.ask({ type: "post", room_id, ...content }, byRest)) as Message;
  }

  /** Does what was done to a message, and puts it in its place: its event may come much later. */
  async #carryOut({ kind, message_id, body = "", emoji = "" }: OutboxChange): Promise<undefined> {
    const path = { message_id };
    if (kind === "edit") {
      const changed = (await this.#server.ask({ type: "edit", message_id, body }, () => this.#server.api.PATCH("/v1/messages/{message_id}", { params: { path }, body: { body } }))) as Message | null;
      const held = this.#store.messages.get(message_id);
      if (changed && held && !held.deleted_at) putMessage(this.#store, { ...held, body: changed.body, edited_at: changed.edited_at });
    } else if (kind === "delete") {
      await this.#server.ask({ type: "delete", message_id }, () => this.#server.api.DELETE("/v1/messages/{message_id}", { params: { path } }));
      const held = this.#store.messages.get(message_id);
      if (held && !held.deleted_at) this.#apply({ type: "event", event: "message.deleted", room_id: held.room_id, position: held.position, data: deleted(held, new Date(this.#platform.now()).toISOString()) } as EventFrame);
    } else {
      const on = kind === "react";
      await this.#server.ask({ type: kind, message_id, emoji }, () => this.#server.request(on ? "PUT" : "DELETE", `/v1/messages/${message_id}/reactions/${encodeURIComponent(emoji)}`));
      reactedBy(this.#store, message_id, emoji, on);
    }
  }
}
