/** What was not sent, or not accepted, and stands where one does not look. */
import { Link } from "wouter";
import { useSyncExternalStore } from "react";
import type { OutboxEntry } from "@tidings/client";
import { client, useKey } from "../client.ts";
import { t } from "../i18n.ts";
import { Button } from "../kit/kit.tsx";
import { useLead } from "../lead.ts";
import css from "./room.module.css";

const subscribe = (changed: () => void) => client.store.subscribe("outbox", changed);
const stuck = (entry: OutboxEntry) => entry.state === "failed" || entry.state === "old";

/** Whether something of a room wants its writer. Only that draws anew. */
export function useStuck(room: string): boolean {
  return useSyncExternalStore(subscribe, () => client.store.get("outbox").some((entry) => entry.room_id === room && stuck(entry)));
}

/** Rows at the end of a room in which one does see it. */
const IN_SIGHT = 20;

/** In a room: leads to what is in a thread, or further up. */
export function Refused({ room }: { room: string }) {
  const lead = useLead();
  const outbox = useKey("outbox");
  const { rows } = useKey(`timeline:${room}`);
  const entry = outbox.find((one) => one.room_id === room && stuck(one) && (one.kind ? !rows.slice(-IN_SIGHT).some((row) => row.message?.id === one.message_id) : one.thread_root_id !== undefined));
  if (!entry) return null;
  const href = entry.kind ? `/r/${room}/m/${entry.message_id}` : `/r/${room}/t/${entry.thread_root_id}`;
  return (
    <div className={css["refused"]} role="status">
      <span>{t("outbox.elsewhere")}</span>
      <Link href={href} onClick={lead(href)}>{t("pins.jump")}</Link>
      <Button look="plain" onClick={() => void client.outbox.drop(entry.client_id)}>{t("action.drop")}</Button>
    </div>
  );
}
