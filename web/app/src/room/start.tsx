/** What stands above the first message of a room: what it is, and the way to bring others in. */
import type { Room } from "@tidings/client";
import { useState } from "react";
import { t, withTexts } from "../i18n.ts";
import { Button } from "../kit/kit.tsx";
import { Later } from "../kit/later.tsx";
import { part } from "../kit/part.tsx";
import { useRoomName } from "../names.ts";
import { has } from "../routes.ts";
import { invites } from "./powers.ts";
import css from "./row.module.css";

const Invite = part(() => withTexts(import("../screens/invite.tsx"), "more"));

/** `first`: nothing has been written yet. Among messages there is nothing to press that is no message's. */
export function Start({ room, first }: { room: Room; first?: boolean }) {
  const name = useRoomName(room);
  const [asked, setAsked] = useState(false);
  const direct = room.kind === "direct";
  return (
    <div className={css["start"]}>
      <p className={css["title"]} dir="auto">{direct ? name : `# ${name}`}</p>
      <p>{direct && name === t("room.notes") ? t("timeline.start_notes") : direct ? t("timeline.start_direct", { name }) : t("timeline.start_room", { room: name })}</p>
      {room.topic ? <p dir="auto">{room.topic}</p> : null}
      {first && has("/v1/rooms/{room_id}/invites") && invites(room) ? <p><Button onClick={() => setAsked(true)}>{t("room.invite")}</Button></p> : null}
      <Later>{asked ? <Invite room={room} onClose={() => setAsked(false)} /> : null}</Later>
    </div>
  );
}
