/** The quick switcher: empty it offers what waits; typed it finds by the start of names, of words, then loosely. */
import * as Ariakit from "@ariakit/react";
import type { Room } from "@tidings/client";
import { ChevronRight, Search } from "lucide-react";
import { useEffect, useMemo, useState, type KeyboardEvent } from "react";
import { flushSync } from "react-dom";
import { useLocation } from "wouter";
import { useKey } from "../client.ts";
import { t } from "../i18n.ts";
import { composing } from "../kit/composing.ts";
import { Dismiss } from "../kit/dialog.tsx";
import { Avatar, Count, css, detail } from "../kit/kit.tsx";
import { roomName } from "../names.ts";
import { conversation } from "../people.ts";
import { has } from "../routes.ts";
import { recentRooms } from "../settings.ts";
import { waiting } from "../waiting.ts";
import { commands, matching, type Command } from "./commands.ts";
import { release } from "./early.ts";
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
  const role = useKey("me")?.role;
  const moderates = role === "admin" || role === "moderator";
  const all = useMemo(() => rooms.map((room) => ({ id: room.id, room, name: roomName(room), archived: room.archived, waits: waits(room) })), [rooms]);
  const [left] = useState(recentRooms);
  const open = path.startsWith("/r/") ? path.split("/")[2] : undefined;
  const commanding = text.startsWith(">");
  // They are what there was to press when the switcher opened.
  const acts = useMemo(() => commands(go, onOpen, () => onSearch(""), moderates), [go, onOpen, onSearch, moderates]);
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
  const enter = (id: string) => {
    go(`/r/${id}`);
    onClose();
  };
  const act = (command: Command) => {
    onClose();
    requestAnimationFrame(command.run);
  };
  // What was pressed before this was here to take it: the text is typed, and Enter waits until it has found something.
  const [hurried, setHurried] = useState<string>();
  const taken = () => {
    const early = release();
    if (early.text) document.execCommand("insertText", false, early.text);
    if (early.enter) setHurried(early.text);
  };
  useEffect(() => {
    if (hurried === undefined || text !== hurried) return;
    setHurried(undefined);
    const [room, command] = [found[0], named[0]];
    const follow = () => (room ? enter(room.id) : command && act(command));
    // At once, as with a key: a room that came before the switcher is gone would not take the focus.
    queueMicrotask(() => flushSync(follow));
  }, [hurried, text]);
  const write = (id: string) => conversation(id).then((room) => {
    go(`/r/${room}`);
    onClose();
  }, (failure: unknown) => setError(detail(failure)));
  // Before the list, which takes Enter for the entry that is marked.
  const pressed = (event: KeyboardEvent) => {
    // Keys of an input method are not the list's.
    if (composing(event)) return event.stopPropagation();
    if (!searches || event.key !== "Enter" || !control(event)) return;
    event.preventDefault();
    event.stopPropagation();
    search();
  };
  return (
    <Ariakit.Dialog open onClose={onClose} hideOnEscape={(event) => !composing(event)} onKeyDownCapture={pressed} className={css["dialog"]} aria-label={t("switcher.label")} backdrop={<div className={css["backdrop"]} />}>
      <Ariakit.ComboboxProvider open setOpen={(open) => { if (!open) onClose(); }} setValue={setText} focusLoop>
        <Ariakit.Combobox autoSelect="always" autoFocus onFocus={taken} className={css["input"]} placeholder={t("switcher.placeholder")} aria-label={t("switcher.placeholder")} />
        <Ariakit.ComboboxList alwaysVisible className={own["list"]} aria-label={t("rail.label")}>
          {found.map(({ room, name }) => (
            <Ariakit.ComboboxItem key={room.id} value={room.id} setValueOnClick={false} className={css["item"]} onClick={() => enter(room.id)}>
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
            <Ariakit.ComboboxItem key={room.id} value={room.id} setValueOnClick={false} className={css["item"]} onClick={() => enter(room.id)}>
              <RoomSign room={room} name={room.name ?? ""} />
              <span className={own["name"]} dir="auto">{room.name}</span>
              <span className={css["hint"]}>{t("switcher.outside")}</span>
            </Ariakit.ComboboxItem>
          ))}
          {named.map((one) => (
            <Ariakit.ComboboxItem key={one.id} value={`>${one.id}`} setValueOnClick={false} className={css["item"]} onClick={() => act(one)}>
              <ChevronRight size={18} strokeWidth={1.5} aria-hidden /><span className={own["name"]}>{one.label}</span>
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
