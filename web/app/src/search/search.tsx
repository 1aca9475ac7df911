/** Messages by their words. It stands in a panel beside what is shown, or is a page of its own. */
import { answer, type Message } from "@tidings/client";
import { X } from "lucide-react";
import { useEffect, useMemo, useRef, useState, type MouseEvent } from "react";
import { Link, useLocation, useSearch } from "wouter";
import { client, useKey } from "../client.ts";
import { moment, t, useLanguage } from "../i18n.ts";
import { composing } from "../kit/composing.ts";
import { Button, Failed, Field, IconButton, SelectField } from "../kit/kit.tsx";
import { useRoving } from "../kit/roving.ts";
import { useLead } from "../lead.ts";
import { roomName } from "../names.ts";
import { Face } from "../faces.tsx";
import { Page } from "../screens/page.tsx";
import { beside, closeSearch, leaveSearch, type Opening } from "../shell/searching.ts";
import { asked, filtered, FILTERS, type Asked, type Filter, type Named, type Question } from "./asked.ts";
import { parts } from "./snippet.ts";
import css from "./search.module.css";

/** Milliseconds after the last key until it is asked. */
const PAUSE = 400;
/** Pages without a hit that are passed over at once. */
const EMPTY_PAGES = 5;
const PAGE = 30;
/** Characters of a search at most. */
const LONGEST = 500;

interface Found {
  message: Message;
  snippet: string;
}

interface Results {
  items: Found[];
  cursor: string | undefined;
  /** What was asked. */
  question: string;
}

async function find(question: Question, cursor?: string): Promise<Omit<Results, "question">> {
  for (let pages = 1; ; pages++) {
    const page = await answer(client.api.GET("/v1/search/messages", { params: { query: { ...question, limit: PAGE, ...(cursor ? { cursor } : {}) } } }));
    cursor = page.next_cursor ?? undefined;
    if (page.items.length > 0 || !cursor || pages >= EMPTY_PAGES) return { items: page.items as Found[], cursor };
  }
}

/** Where a message is read: an answer in its thread. */
export function placeOf({ id, room_id, thread_root_id }: Message): string {
  return thread_root_id ? `/r/${room_id}/t/${thread_root_id}/m/${id}` : `/r/${room_id}/m/${id}`;
}

export function SearchPanel({ opening }: { opening: Opening }) {
  useLanguage();
  const leave = () => {
    // It covers what it leads to.
    if (!beside()) leaveSearch();
  };
  return (
    <aside className={css["panel"]} aria-label={t("search.title")} data-region="search" onKeyDown={(event) => { if (event.key === "Escape" && !event.defaultPrevented && !composing(event)) closeSearch(); }}>
      <div className={css["head"]}>
        <h2>{t("search.title")}</h2>
        <IconButton label={t("action.close")} onClick={closeSearch}><X size={18} strokeWidth={1.5} aria-hidden /></IconButton>
      </div>
      <div className={css["inside"]}><Search key={opening.nth} first={opening.text} onLeave={leave} /></div>
    </aside>
  );
}

export function SearchPage() {
  useLanguage();
  const [, go] = useLocation();
  const query = useSearch();
  const [first] = useState(() => new URLSearchParams(query).get("q") ?? "");
  const keep = (text: string) => go(text ? `/search?q=${encodeURIComponent(text)}` : "/search", { replace: true });
  return <Page title={t("search.title")}><Search first={first} onText={keep} /></Page>;
}

function Search({ first, onText, onLeave }: { first: string; onText?: (text: string) => void; onLeave?: () => void }) {
  const [text, setText] = useState(first);
  const [results, setResults] = useState<Results>();
  const [error, setError] = useState<unknown>();
  const [busy, setBusy] = useState(false);
  const run = useRef(0);
  const timer = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  const list = useRef<HTMLOListElement>(null);
  const all = useKey("rooms");
  const rooms = useMemo(() => all.map((room): Named => ({ id: room.id, name: roomName(room) })), [all]);
  const read = asked(text, rooms, client.store.me?.username ?? "");
  const question = JSON.stringify(read.question);
  const may = read.question.q !== "" && read.wrong.length === 0 && !long(read.question);

  const ask = (more?: Results) => {
    clearTimeout(timer.current);
    const mine = ++run.current;
    if (!may) return;
    setBusy(true);
    setError(undefined);
    find(JSON.parse(question) as Question, more?.cursor).then(
      (page) => mine === run.current && setResults({ ...page, question, items: [...(more?.items ?? []), ...page.items] }),
      (failure: unknown) => mine === run.current && setError(failure),
    ).finally(() => mine === run.current && setBusy(false));
  };
  const asking = useRef(ask);
  asking.current = ask;
  useEffect(() => {
    if (!may) {
      run.current += 1;
      setResults(undefined);
      setError(undefined);
      setBusy(false);
      return;
    }
    timer.current = setTimeout(() => asking.current(), PAUSE);
    return () => clearTimeout(timer.current);
  }, [question, may]);
  // What was found for another question stays in sight until this one is answered, and is no answer to it.
  const current = results?.question === question ? results : undefined;
  const type = (next: string) => {
    setText(next);
    onText?.(next);
  };
  const roving = useRoving(list, "a");
  return (
    <>
      <form role="search" className={css["form"]} action={() => ask()}>
        <Field label={t("search.label")} type="search" value={text} onChange={(event) => type(event.target.value)} maxLength={LONGEST} autoFocus data-focus />
        <Filters read={read} rooms={rooms} onSet={(filter, value) => type(filtered(text, filter, value))} />
      </form>
      {error === undefined ? null : <Failed error={error} retry={() => ask()} />}
      <p className={css["count"]} role="status">{rooms.length === 0 && read.filters.in ? "" : said(read, current)}</p>
      {current?.items.length === 0 ? <Without read={read} onDrop={(filter) => type(filtered(text, filter, ""))} /> : null}
      <ol ref={list} className={css["list"]} aria-busy={busy} {...roving}>
        {results?.items.map((found) => <li key={found.message.id}><Result found={found} onLeave={onLeave} /></li>)}
      </ol>
      {current?.cursor ? <div><Button disabled={busy} onClick={() => ask(current)}>{t("search.earlier")}</Button></div> : null}
    </>
  );
}

/** Whether there is more of it than the server takes, as an address may have. */
function long({ q }: Question): boolean {
  return [...q].length > LONGEST;
}

const WRONG: Record<Filter, string> = { from: "search.none", in: "search.wrong_in", after: "search.wrong_after", before: "search.wrong_before", has: "search.wrong_has" };

/** How it went, in words. */
function said({ question, wrong }: Asked, results: Results | undefined): string {
  if (wrong[0]) return t(WRONG[wrong[0]]);
  if (question.q === "") return t("search.help");
  if (long(question)) return t("search.long", { count: LONGEST });
  if (!results) return "";
  if (results.items.length === 0) return t("search.none", { text: question.q });
  return results.cursor ? t("search.found_more", { count: results.items.length }) : t("search.found", { count: results.items.length });
}

/** Nothing was found: it may be a filter's doing. */
function Without({ read, onDrop }: { read: Asked; onDrop: (filter: Filter) => void }) {
  const set = FILTERS.filter((filter) => read.filters[filter]);
  if (set.length === 0) return null;
  return <div className={css["row"]}>{set.map((filter) => <Button key={filter} onClick={() => onDrop(filter)}>{t("search.without", { filter: `${filter}:${read.filters[filter]}` })}</Button>)}</div>;
}

/** The same filters as they can be typed, to choose. */
function Filters({ read, rooms, onSet }: { read: Asked; rooms: Named[]; onSet: (filter: Filter, value: string) => void }) {
  const { filters, question } = read;
  const [first] = useState(Object.keys(filters).length > 0);
  const once = (room: Named) => rooms.filter((one) => one.name === room.name).length === 1;
  const room = rooms.find((one) => one.id === question.room);
  return (
    <details className={css["filters"]} open={first || undefined}>
      <summary>{t("search.filters")}</summary>
      <div className={css["fields"]}>
        <Field label={t("search.from")} hint={t("search.from_hint")} value={filters.from ?? ""} onChange={(event) => onSet("from", event.target.value)} autoCapitalize="none" spellCheck={false} />
        <SelectField label={t("search.in")} value={room?.id ?? ""} onChange={(id) => {
          const chosen = rooms.find((one) => one.id === id);
          onSet("in", chosen ? (once(chosen) && chosen.name !== "" ? chosen.name : chosen.id) : "");
        }}>
          <option value="">{t("search.everywhere")}</option>
          {rooms.map((one) => <option key={one.id} value={one.id}>{one.name}</option>)}
        </SelectField>
        <Field label={t("search.after")} type="date" value={filters.after ?? ""} onChange={(event) => onSet("after", event.target.value)} />
        <Field label={t("search.before")} type="date" value={filters.before ?? ""} onChange={(event) => onSet("before", event.target.value)} />
        <SelectField label={t("search.has")} value={question.has ?? ""} onChange={(value) => onSet("has", value)}>
          <option value="">{t("search.anything")}</option>
          <option value="file">{t("search.file")}</option>
          <option value="link">{t("search.link")}</option>
        </SelectField>
      </div>
    </details>
  );
}

function Result({ found: { message, snippet }, onLeave }: { found: Found; onLeave: (() => void) | undefined }) {
  const room = useKey(`room:${message.room_id}`);
  useKey(`members:${message.room_id}`);
  const name = room ? `${room.kind === "direct" ? "" : "# "}${roomName(room)}` : "";
  const lead = useLead();
  const follow = (event: MouseEvent) => {
    onLeave?.();
    lead(placeOf(message))(event);
  };
  return (
    <Link href={placeOf(message)} className={css["result"]} onClick={follow}>
      <Face person={message.sender} small />
      <span className={css["what"]}>
        <span className={css["about"]}><strong dir="auto">{message.sender.display_name}</strong><span dir="auto">{name}</span>{message.thread_root_id ? <span>{t("search.answer")}</span> : null}<time dateTime={message.created_at}>{moment(message.created_at)}</time></span>
        <span dir="auto">{parts(snippet).map((part, at) => (part.marked ? <mark key={at} className={css["mark"]}>{part.text}</mark> : part.text))}</span>
        {message.attachments.length > 0 ? <span className={css["about"]} dir="auto">{message.attachments.map((file) => file.filename).join(", ")}</span> : null}
      </span>
    </Link>
  );
}
