/** What an entry of the inbox says, in the reader's language. What the operators wrote is in theirs. */
import type { Notification } from "@tidings/client";
import { client } from "./client.ts";
import { t } from "./i18n.ts";
import { roomName } from "./names.ts";

/** Milliseconds after the beginning of an account within which it is welcomed, not welcomed back. */
const NEW = 60_000;

export interface Worded {
  title: string;
  body: string;
}

function roomOf(entry: Notification): string {
  const room = client.store.get(`room:${entry.room_id ?? ""}`);
  return room && room.kind !== "direct" ? roomName(room) : "";
}

/** Who registers also logs in, which is told in an entry of its own. */
function isFirst(entry: Notification): boolean {
  return !client.store.get("notifications").some((one) => one.kind === "welcome" && one.created_at < entry.created_at);
}

export function worded(entry: Notification): Worded {
  const me = client.store.get("me");
  const name = entry.actor?.display_name ?? t("notice.someone");
  const room = roomOf(entry);
  switch (entry.kind) {
    case "welcome": {
      const fresh = isFirst(entry) && Date.parse(entry.created_at) - Date.parse(me?.created_at ?? "") < NEW;
      return { title: t(fresh ? "notice.welcome" : "notice.welcome_back", { name: me?.display_name ?? "" }), body: t(fresh ? "notice.ready" : "notice.logged_in") };
    }
    case "mention": return { title: room ? t("notice.mention", { name, room }) : t("notice.mention_only", { name }), body: t("notice.read") };
    case "direct_message": return { title: t("notice.direct", { name }), body: t("notice.read") };
    case "thread_reply": return { title: t("notice.answer", { name }), body: t("notice.read") };
    case "invite": return { title: room ? t("notice.invite", { name, room }) : t("notice.invite_only", { name }), body: t("notice.look") };
    default: return { title: entry.title, body: entry.body };
  }
}
