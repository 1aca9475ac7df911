/** What can be done with a room. */
import * as Ariakit from "@ariakit/react";
import type { Room } from "@tidings/client";
import { MoreVertical } from "lucide-react";
import { useEffect, useRef, useState } from "react";
import { useLocation } from "wouter";
import { client } from "../client.ts";
import { t } from "../i18n.ts";
import { css, detail, landmark } from "../kit/kit.tsx";
import { Later } from "../kit/later.tsx";
import { part } from "../kit/part.tsx";
import { MenuItem, useNeeding } from "../kit/menu-item.tsx";
import { has } from "../routes.ts";
import { invites, rights } from "./powers.ts";
import own from "./menu.module.css";

const Confirm = part(() => import("../kit/confirm.tsx"));
const EditRoom = part(() => import("../screens/edit-room.tsx"));
const Invite = part(() => import("../screens/invite.tsx"));
const AddMember = part(() => import("../screens/add-member.tsx"));
const Bans = part(() => import("./bans.tsx"));

/** Of what in a room one hears. */
const NOTIFY = ["all", "mentions", "none"];

type Asked = "invite" | "leave" | "archive" | "edit" | "add" | "bans" | undefined;

export default function RoomMenu({ room, onSearch, onThreads }: { room: Room; onSearch: () => void; onThreads: () => void }) {
  const [, go] = useLocation();
  const [asked, setAsked] = useState<Asked>();
  const [error, setError] = useState("");
  const button = useRef<HTMLButtonElement>(null);
  const pressed = useRef(false);
  // It stands in the place of the button that was pressed, and takes over the focus and the press.
  useEffect(() => {
    if (pressed.current) return;
    pressed.current = true;
    button.current?.focus();
    button.current?.click();
  }, []);
  const { manages } = rights(room);
  const group = room.kind !== "direct";
  const act = (work: Promise<unknown>, then?: () => void) => void work.then(then, (failure: unknown) => setError(detail(failure)));
  const leave = () => act(client.leave(room.id), () => go("/"));
  const archive = () => act(client.request("DELETE", `/v1/rooms/${room.id}`));
  const restore = () => act(client.request("PATCH", `/v1/rooms/${room.id}`, { archived: false }));
  const close = () => setAsked(undefined);
  const needing = useNeeding(true);
  const settings = has("/v1/rooms/{room_id}/members/me") && "notify" in (room.membership ?? {});
  const mine = (room.membership ?? {}) as { pinned?: boolean; notify?: string };
  const change = (changes: object) => client.request("PATCH", `/v1/rooms/${room.id}/members/me`, changes).then(() => client.refresh(room.id));
  if (!room.membership) return null;
  return (
    <>
      <Ariakit.MenuProvider values={{ notify: mine.notify ?? "" }} setValues={(values) => act(change({ notify: values.notify }))}>
        <Ariakit.MenuButton ref={button} className={`${css["button"]} ${css["plain"]}`} data-room-menu aria-label={t("action.more")} title={t("action.more")}><MoreVertical size={18} strokeWidth={1.5} aria-hidden /></Ariakit.MenuButton>
        <Ariakit.Menu className={css["menu"]} gutter={4} portal portalElement={landmark} preserveTabOrder={false}>
          {has("/v1/search/messages") ? <MenuItem onClick={onSearch}>{t("search.here")}</MenuItem> : null}
          {has("/v1/rooms/{room_id}/threads") ? <MenuItem onClick={onThreads}>{t("threads.title")}</MenuItem> : null}
          {group && !room.archived ? <MenuItem onClick={() => setAsked("add")}>{t("room.add")}</MenuItem> : null}
          {has("/v1/rooms/{room_id}/invites") && invites(room) ? <MenuItem onClick={() => setAsked("invite")}>{t("room.invite")}</MenuItem> : null}
          {settings ? <MenuItem server onClick={() => act(change({ pinned: !mine.pinned }))}>{mine.pinned ? t("room.unpin") : t("room.pin")}</MenuItem> : null}
          {group && manages && !room.archived ? <MenuItem onClick={() => setAsked("edit")}>{t("room.settings")}</MenuItem> : null}
          {group && manages ? <MenuItem server onClick={() => setAsked("bans")}>{t("bans.title")}</MenuItem> : null}
          {group && manages ? <MenuItem server onClick={() => (room.archived ? restore() : setAsked("archive"))}>{room.archived ? t("room.restore") : t("room.archive")}</MenuItem> : null}
          <MenuItem server onClick={() => setAsked("leave")}>{t("room.leave")}</MenuItem>
          {settings ? (
            <Ariakit.MenuGroup>
              <Ariakit.MenuGroupLabel className={own["label"]}>{t("hear.label")}</Ariakit.MenuGroupLabel>
              {NOTIFY.map((one) => <Ariakit.MenuItemRadio key={one} name="notify" value={one} hideOnClick className={css["item"]} {...needing}><Ariakit.MenuItemCheck />{t(`hear.${one}`)}</Ariakit.MenuItemRadio>)}
            </Ariakit.MenuGroup>
          ) : null}
        </Ariakit.Menu>
      </Ariakit.MenuProvider>
      {error ? <span className={own["error"]} role="alert">{error}</span> : null}
      <Later>
        {asked === "leave" ? <Confirm title={t("room.leave_title")} text={t("room.leave_text")} action={t("room.leave")} onClose={close} onConfirm={leave} /> : null}
        {asked === "archive" ? <Confirm title={t("room.archive_title")} text={t("room.archive_text")} action={t("room.archive")} onClose={close} onConfirm={archive} /> : null}
        {asked === "edit" ? <EditRoom room={room} onClose={close} /> : null}
        {asked === "invite" ? <Invite room={room} onClose={close} /> : null}
        {asked === "bans" ? <Bans room={room} onClose={close} /> : null}
        {asked === "add" ? <AddMember room={room} onClose={close} /> : null}
      </Later>
    </>
  );
}
