/** What an `@` or a `:` may mean, to choose from. Its parts are many: it comes with the first of them. */
import * as Ariakit from "@ariakit/react";
import { answer } from "@tidings/client";
import { useEffect, useId, useState, type ReactNode, type RefObject } from "react";
import { client, useKey } from "../client.ts";
import { t } from "../i18n.ts";
import { Avatar, css as kit } from "../kit/kit.tsx";
import { emojis, named, type Emoji } from "../kit/emojis.ts";
import type { Completing } from "./completion.tsx";
import { outdated } from "./outdated.ts";
import { ALL, mayCallAll, suggested, type Person } from "./suggested.ts";

const SHOWN = 8;
/** Members of a room that are all known here; of more than these the server finds those who are meant. */
const FEW = 200;
/** Milliseconds after a key until the server is asked. */
const PAUSE = 120;
/** The same for people who are not in the room, characters from which on, and how many are asked for. */
const PAUSE_OUTSIDE = 400;
const SHORTEST = 2;
const OUTSIDE = 10;

type Known = Person & { avatar_url?: string | null };

interface Entry {
  key: string;
  /** What is put in the place of the word. */
  text: string;
  shown: ReactNode;
}

interface Props {
  completing: Completing;
  word: string;
  area: RefObject<HTMLTextAreaElement | null>;
  room: string;
  /** The room, or the thread one answers in. */
  timeline: string;
}

export default function List(props: Props) {
  return props.word.startsWith("@") ? <People {...props} /> : <Signs {...props} />;
}

function People(props: Props) {
  const { room, timeline, word } = props;
  const typed = word.slice(1);
  const people = usePeople(room, typed);
  const outside = useOutside(room, typed);
  const held = useKey(`room:${room}`);
  const me = client.store.me?.id ?? "";
  // Who spoke in this thread, then in the room.
  const spoke = [...(timeline === room ? [] : senders(timeline)), ...senders(room)].map((person) => person.id);
  const found = suggested(people, typed, [...new Set(spoke)], me, written()).slice(0, SHOWN);
  const entries = found.map((person) => entry(person));
  const calls = mayCallAll(held) ? ALL.filter((one) => one.startsWith(typed.toLowerCase())) : [];
  for (const one of calls) entries.push({ key: one, text: `@${one} `, shown: <><span>@{one}</span><span className={kit["hint"]}>{t(`completion.${one}`)}</span></> });
  for (const person of outside) entries.push(entry(person, true));
  return <Shown {...props} label={t("completion.label")} entries={entries} />;
}

function entry(person: Known, outside = false): Entry {
  return {
    key: person.id, text: `@${person.username} `,
    shown: <><Avatar id={person.id} name={person.display_name} url={person.avatar_url} small /><span dir="auto">{person.display_name}</span><span className={kit["hint"]}>@{person.username}{outside ? ` · ${t("completion.outside")}` : ""}</span></>,
  };
}

/** Who one has direct rooms with, the newest message first. */
function written(): string[] {
  const rooms = client.store.get("rooms").filter((room) => room.kind === "direct");
  return rooms.flatMap((room) => (client.store.get(`members:${room.id}`)?.items ?? []).map((member) => member.user_id));
}

/** People who are not in the room and may be meant: they are named, but not told. */
function useOutside(room: string, typed: string): Known[] {
  const members = useKey(`members:${room}`);
  const [found, setFound] = useState<{ typed: string; people: Known[] }>({ typed: "", people: [] });
  // Who is a member is only known where all are.
  const wanted = members !== undefined && typed.length >= SHORTEST;
  useEffect(() => {
    if (!wanted) return;
    let gone = false;
    const ask = () => answer(client.api.GET("/v1/users", { params: { query: { query: typed, limit: OUTSIDE } } }));
    const timer = setTimeout(() => {
      if (client.spare) void ask().then((page) => gone || setFound({ typed, people: page.items.filter((user) => !user.deactivated) }), () => undefined);
    }, PAUSE_OUTSIDE);
    return () => {
      gone = true;
      clearTimeout(timer);
    };
  }, [wanted, typed]);
  if (!wanted || found.typed !== typed) return [];
  const inside = new Set((members?.items ?? []).map((member) => member.user_id));
  return found.people.filter((person) => !inside.has(person.id)).slice(0, 3);
}

/** Who wrote what is shown, the newest first. */
function senders(room: string): Known[] {
  return client.store.get(`timeline:${room}`).rows.flatMap((row) => row.message?.sender ?? []).reverse();
}

/** The members of a room who may be meant. */
function usePeople(room: string, typed: string): Known[] {
  const members = useKey(`members:${room}`);
  const many = (useKey(`room:${room}`)?.member_count ?? 0) > FEW;
  const [found, setFound] = useState<Known[]>([]);
  useEffect(() => {
    if (!many && outdated(members)) void client.members(room).catch(() => undefined);
  }, [room, members, many]);
  useEffect(() => {
    if (!many || typed === "") return;
    let gone = false;
    const ask = () => answer(client.api.GET("/v1/rooms/{room_id}/members", { params: { path: { room_id: room }, query: { query: typed, limit: SHOWN } } }));
    const timer = setTimeout(() => void ask().then((page) => gone || setFound(page.items.map((member) => member.user)), () => undefined), PAUSE);
    return () => {
      gone = true;
      clearTimeout(timer);
    };
  }, [room, typed, many]);
  if (!many) return (members?.items ?? []).map((member) => member.user);
  return [...new Map([...senders(room), ...found].map((person) => [person.id, person])).values()];
}

function Signs(props: Props) {
  const [all, setAll] = useState<Emoji[]>([]);
  useEffect(() => {
    let gone = false;
    // Without them one writes on: the picker says that they cannot be had.
    emojis().then((data) => gone || setAll(data), () => undefined);
    return () => {
      gone = true;
    };
  }, []);
  const entries = named(all, props.word.slice(1)).slice(0, SHOWN).map((one): Entry => ({ key: one.emoji, text: `${one.emoji} `, shown: <><span aria-hidden>{one.emoji}</span><span>{one.label}</span></> }));
  return <Shown {...props} label={t("emoji.label")} entries={entries} />;
}

/** The list itself: the focus stays in the text, which says which entry is marked. */
function Shown({ completing, word, area, label, entries }: Props & { label: string; entries: Entry[] }) {
  const id = useId();
  const open = entries.length > 0;
  const popover = Ariakit.usePopoverStore({ open, placement: "top-start", setOpen: (next) => { if (!next) completing.close(); } });
  const [marked, setMarked] = useState({ word, at: 0 });
  // Another word: the first entry is what is meant.
  const at = marked.word === word ? Math.min(marked.at, Math.max(0, entries.length - 1)) : 0;
  const mark = (next: number) => setMarked({ word, at: next });
  useEffect(() => {
    if (!open) return;
    completing.list = (key) => {
      if (key === "ArrowDown" || key === "ArrowUp") mark((at + (key === "ArrowDown" ? 1 : entries.length - 1)) % entries.length);
      else if (key === "Enter" || key === "Tab") completing.take(entries[at]?.text ?? "");
      else return false;
      return true;
    };
    return () => {
      completing.list = undefined;
    };
  });
  useEffect(() => {
    const element = area.current;
    if (!element || !open) return;
    element.setAttribute("aria-controls", id);
    element.setAttribute("aria-activedescendant", `${id}-${at}`);
    document.getElementById(`${id}-${at}`)?.scrollIntoView({ block: "nearest" });
    return () => {
      element.removeAttribute("aria-controls");
      element.removeAttribute("aria-activedescendant");
    };
  }, [area, id, open, at]);
  if (!open) return null;
  return (
    <Ariakit.Popover
      store={popover} portal={false} fixed preserveTabOrder={false} gutter={8} modal={false} autoFocusOnShow={false} autoFocusOnHide={false} hideOnEscape={false} hideOnInteractOutside={(event) => event.target !== area.current}
      getAnchorRect={() => area.current?.getBoundingClientRect() ?? null} id={id} role="listbox" aria-label={label} className={kit["menu"]}
    >
      {entries.map((entry, index) => (
        // A press must not take the focus from the text.
        <div key={entry.key} id={`${id}-${index}`} role="option" aria-selected={index === at} data-active-item={index === at || undefined} className={kit["item"]} onPointerMove={() => { if (index !== at) mark(index); }} onMouseDown={(event) => event.preventDefault()} onClick={() => completing.take(entry.text)}>
          {entry.shown}
        </div>
      ))}
    </Ariakit.Popover>
  );
}
