/** Why the reader may not write in a room. */
import type { Room } from "@tidings/client";
import { moment, t } from "../i18n.ts";

/** What is to be said in place of the composer, if anything. Where only admins post, others answer in threads. */
export function closed(room: Room, inThread = false): string | undefined {
  const own = room.membership;
  if (room.archived) return t("closed.archived");
  if (own?.muted_until && Date.parse(own.muted_until) > Date.now()) return t("closed.muted", { time: moment(own.muted_until) });
  if (!inThread && room.posting === "admins" && own?.role === "member") return t("closed.posting");
  return undefined;
}
