/** The quick switcher: empty it offers what waits; typed it finds by the start of names, of words, then loosely. */
import * as Ariakit from "@ariakit/react";
import type { Room } from "@tidings/client";
import { ChevronRight, Search } from "lucide-react";
import { useMemo, useState, type KeyboardEvent } from "react";
import { useLocation } from "wouter";
import { useKey } from "../client.ts";
import { t } from "../i18n.ts";
import { Dismiss } from "../kit/dialog.tsx";
import { Avatar, Count, css, detail } from "../kit/kit.tsx";
import { roomName } from "../names.ts";
import { conversation } from "../people.ts";
import { has } from "../routes.ts";
import { recentRooms } from "../settings.ts";
import { waiting } from "../waiting.ts";
import { commands, matching } from "./commands.ts";
import { useFound } from "./found.ts";
import { control } from "./keys.ts";
import { RoomSign } from "./rail.tsx";
import { ranked } from "./ranked.ts";
import type { Overlay } from "./shell.tsx";
import own from "./switcher.module.css";

const SHOWN = 12;

function waits(room: Room): number {
  return (room.membership?.mention_count ?? 0) > 0 ? 2 : waiting(room) > 0 ? 1 : 0;
}

export default function Switcher({ onClose, onSearch, onOpen }: { onClose: () => void; onSearch: (text: string) => void; onOpen: (overlay: Overlay) => void }) {
  const [path, go] = useLocation();
  const [text, setText] = useState("");
  const rooms = useKey("rooms");
  const all = useMemo(() => rooms.map((room) => ({ id: room.id, room, name: roomName(room), archived: room.archived, waits: waits(room) })), [rooms]);
  const [left] = useState(recentRooms);
  const open = path.startsWith("/r/") ? path.split("/")[2] : undefined;
  const commanding = text.startsWith(">");
  // They are what there was to press when the switcher opened.
  const acts = useMemo(() => commands(go, onOpen, () => onSearch("")), [go, onOpen, onSearch]);
  const named = commanding ? matching(acts, text.slice(1)) : [];
  const found = useMemo(() => (commanding ? [] : ranked(all, text, left, open).slice(0, SHOWN)), [all, text, commanding, left, open]);
  const query = text.trim();
  const others = useFound(commanding ? "" : query.replace(/^[#@]/, ""));
  const [error, setError] = useState("");
  // Who is written to already is among the rooms.
  const people = others.people.filter((user) => !found.some(({ room, name }) => room.kind === "direct" && name === user.display_name));
  const searches = query !== "" && !commanding && has("/v1/search/messages");
  const search = () => {
    onClose();
    onSearch(query);
  };
  const write = (id: string) => conversation(id).then((room) => {
    go(`/r/${room}`);
    onClose();
  }, (failure: unknown) => setError(detail(failure)));
  // Before the list, which takes Enter for the entry that is marked.
  const pressed = (event: KeyboardEvent) => {
    if (!searches || event.key !== "Enter" || !control(event)) return;
    event.preventDefault();
    event.stopPropagation();
    search();
  };
  return (
    <Ariakit.Dialog open onClose={onClose} onKeyDownCapture={pressed} className={css["dialog"]} aria-label={t("switcher.label")} backdrop={<div className={css["backdrop"]} />}>
      <Ariakit.ComboboxProvider open setOpen={(open) => { if (!open) onClose(); }} setValue={setText} focusLoop>
        <Ariakit.Combobox autoSelect="always" autoFocus className={css["input"]} placeholder={t("switcher.placeholder")} aria-label={t("switcher.placeholder")} />
        <Ariakit.ComboboxList alwaysVisible className={own["list"]} aria-label={t("rail.label")}>
          {found.map(({ room, name }) => (
            <Ariakit.ComboboxItem key={room.id} value={room.id} setValueOnClick={false} className={css["item"]} onClick={() => { go(`/r/${room.id}`); onClose(); }}>
              <RoomSign room={room} name={name} />
              <span className={own["name"]} dir="auto">{name}</span>
              {room.archived ? <span className={css["hint"]}>{t("room.archived")}</span> : null}
              {waits(room) === 2 ? <Count value={room.membership?.mention_count ?? 0} mention /> : waits(room) === 1 ? <Count value={waiting(room)} /> : null}
            </Ariakit.ComboboxItem>
          ))}
          {people.map((user) => (
            <Ariakit.ComboboxItem key={user.id} value={user.id} setValueOnClick={false} className={css["item"]} onClick={() => void write(user.id)}>
              <Avatar id={user.id} name={user.display_name} url={user.avatar_url} small />
              <span className={own["name"]} dir="auto">{user.display_name}</span>
              <span className={css["hint"]}>@{user.username}</span>
            </Ariakit.ComboboxItem>
          ))}
          {others.rooms.map((room) => (
            <Ariakit.ComboboxItem key={room.id} value={room.id} setValueOnClick={false} className={css["item"]} onClick={() => { go(`/r/${room.id}`); onClose(); }}>
              <RoomSign room={room} name={room.name ?? ""} />
              <span className={own["name"]} dir="auto">{room.name}</span>
              <span className={css["hint"]}>{t("switcher.outside")}</span>
            </Ariakit.ComboboxItem>
          ))}
          {named.map((act) => (
            <Ariakit.ComboboxItem key={act.id} value={`>${act.id}`} setValueOnClick={false} className={css["item"]} onClick={() => { onClose(); requestAnimationFrame(act.run); }}>
              <ChevronRight size={18} strokeWidth={1.5} aria-hidden /><span className={own["name"]}>{act.label}</span>
            </Ariakit.ComboboxItem>
          ))}
          {searches ? (
            <Ariakit.ComboboxItem value="search" setValueOnClick={false} className={css["item"]} onClick={search}>
              <Search size={18} strokeWidth={1.5} aria-hidden /><span className={own["name"]} dir="auto">{t("switcher.search", { text: query })}</span>
            </Ariakit.ComboboxItem>
          ) : null}
        </Ariakit.ComboboxList>
        {error ? <p className={css["wrong"]} role="alert">{error}</p> : null}
        {found.length + named.length + people.length + others.rooms.length === 0 ? <p className={css["hint"]} role="status">{t("switcher.nothing", { text })}</p> : null}
        <p className={css["hint"]}>{t("switcher.help")}</p>
        <Dismiss onClose={onClose} />
      </Ariakit.ComboboxProvider>
    </Ariakit.Dialog>
  );
}
