/** A room's messages: a virtual list that is anchored at its end, so that nothing above moves what is read. */
import type { Message, Room, Row as StoreRow } from "@tidings/client";
import { defaultRangeExtractor, useVirtualizer, type Range, type VirtualItem, type Virtualizer } from "@tanstack/react-virtual";
import { useCallback, useEffect, useLayoutEffect, useRef, useState, type RefObject } from "react";
import { client, useKey } from "../client.ts";
import { t } from "../i18n.ts";
import { composing } from "../kit/composing.ts";
import { Button, detail, Failed } from "../kit/kit.tsx";
import { hopeless } from "../refused.ts";
import { announced, keepPlace, letters, place, reactions } from "../settings.ts";
import { useAnnounce } from "../shell/announcer.tsx";
import { above } from "./above.ts";
import { useKeptRow } from "./kept-row.ts";
import { useNewLine } from "./new-line.ts";
import { Row } from "./row.tsx";
import { useReading } from "./reading.ts";
import { Start } from "./start.tsx";
import { useToday } from "./today.ts";
import css from "./timeline.module.css";

/** Pixels from the end within which it is followed. */
const NEAR = 80;
/** The next page is asked for while so many viewports remain. */
const AHEAD = 1.5;

/** Messages that are new from which on one begins where one stopped reading, and not at the end. */
const FAR = 20;

/** Milliseconds for which the message that one has jumped to is marked. */
const MARKED = 2_000;

/** Frames in which a message that one has jumped to must be drawn. */
const FRAMES = 60;

/** Rows from which on those far above are let go of, while the end is read. */
const TRIM = 2_200;
const NONE: StoreRow[] = [];

/** The ways to the end. */
export interface Ends {
  /** Leads there, and takes the line above what is new away. */
  leave: () => void;
  /** One has written: it stands at the end, wherever one reads. */
  follow: () => void;
}

/**
 * Whether the view goes with a row whose height is another than was thought, so that what is read stays. The list's own rule leaves that out
 * while one scrolls up: but the row above which a page comes loses its day and its name just then.
 */
function goesWith(item: VirtualItem, _change: number, list: Virtualizer<HTMLDivElement, Element>): boolean {
  const [at, known] = [list.scrollOffset ?? 0, list.itemSizeCache.get(item.key)];
  return known === undefined ? item.start < at : item.start + known <= at;
}

/** Where the list is still on its way to. It tells in no other way. */
const underWay = (list: object) => (list as { scrollState?: { index: number | null; align?: "center" | "start" | "end" | "auto"; toEnd?: boolean } | null }).scrollState;

interface Props {
  room: Room;
  /** The message whose thread it is; none: the room's main timeline. */
  root?: string | undefined;
  /** Of a thread: how many answers were unread when it was opened; undefined: not known yet. */
  unread?: number | undefined;
  jump: string | undefined;
  onType: (text: string) => void;
  onEdit: (message: Message) => void;
  onThread?: ((message: Message) => void) | undefined;
  ends?: RefObject<Ends | null>;
  /** Esc; without it the way to the end is all there is to it. */
  onEscape?: () => void;
}

export function Timeline({ room, root, unread, jump, onType, onEdit, onThread, ends, onEscape }: Props) {
  const key = root ? `${room.id}/${root}` : room.id;
  const view = useKey(`timeline:${key}`);
  const { rows } = view;
  // The one that is given is the same for all that is drawn of it: what is counted is asked for here.
  const membership = useKey(`room:${room.id}`)?.membership;
  const scroller = useRef<HTMLDivElement>(null);
  const [error, setError] = useState<unknown>();
  const [notice, setNotice] = useState("");
  const [marked, setMarked] = useState<string>();
  const [focused, setFocused] = useState<string>();
  const [line, removeLine] = useNewLine(membership, root, rows, unread);
  const [news, setNews] = useState(0);
  const [atEnd, setAtEnd] = useState(true);
  const say = useAnnounce();

  const [offset] = useState(() => (jump ? 0 : (place(key)?.offset ?? 0)));
  // Read means seen: what does not fit into the view is not left above it.
  const [stopped] = useState(() => (!root && (membership?.unread_count ?? 0) > FAR ? (membership?.last_read_message_id ?? undefined) : undefined));

  // The row that has the focus stays, wherever the reader scrolls: else the focus would be lost.
  const extract = useCallback((range: Range) => {
    const all = defaultRangeExtractor(range);
    const active = document.activeElement;
    const own = active instanceof HTMLElement && scroller.current?.contains(active) ? active.closest<HTMLElement>("[data-row]")?.dataset["row"] : undefined;
    const kept = own === undefined ? -1 : rows.findIndex((row) => row.key === own);
    return kept < 0 || kept >= range.count || all.includes(kept) ? all : [...all, kept].sort((a, b) => a - b);
  }, [rows]);

  const virtual = useVirtualizer({
    count: rows.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => 44,
    getItemKey: (index) => rows[index]?.key ?? index,
    overscan: 10,
    rangeExtractor: extract,
    anchorTo: "end",
    followOnAppend: view.atEnd,
    scrollEndThreshold: NEAR,
    paddingStart: 12,
    // A reader who comes back sees the message where it stood.
    scrollPaddingStart: offset,
    paddingEnd: 12,
  });
  virtual.shouldAdjustScrollPositionOnItemSizeChange = goesWith;
  const items = virtual.getVirtualItems();

  useToday();
  const settled = useRef(false);
  /** How often a place was asked for, or left: what comes of an earlier one changes nothing. */
  const asked = useRef(0);
  /** What was to be shown is not there: no place is sought. */
  const lost = useRef(false);
  /** The rows of the end are on their way. */
  const leading = useRef<{ focus: boolean }>(undefined);
  // It is shut as often as it was opened: else it would be held for ever.
  const opens = useRef(0);
  const open = useCallback((at?: string) => {
    opens.current += 1;
    return client.open(key, at);
  }, [key]);
  const load = useCallback(() => {
    const mine = ++asked.current;
    lost.current = false;
    leading.current = undefined;
    setError(undefined);
    const kept = place(key);
    const target = jump ?? kept?.message ?? stopped;
    settled.current = false;
    open(target).catch((failure: { status?: number }) => {
      if (mine !== asked.current) return;
      if (!target || !hopeless(failure)) return setError(failure);
      // What can be no message's id comes of a link that was cut off.
      setNotice(jump ? t(failure.status === 404 ? "jump.gone" : "jump.cut") : "");
      lost.current = true;
      // What is on show stays where it is.
      if (client.store.get(`timeline:${key}`).loaded) settled.current = true;
      else return open().catch(setError);
    });
  }, [key, jump, stopped, open]);
  useEffect(() => {
    load();
    return () => {
      asked.current += 1;
      for (; opens.current > 0; opens.current -= 1) client.shut(key);
    };
  }, [key, load]);

  // A way to a message is the list's by its number until it has landed: what comes above meanwhile makes that another message's.
  const way = useRef<{ key: string; index: number; align: "center" | "start" }>(undefined);
  useLayoutEffect(() => {
    const to = way.current;
    const under = underWay(virtual);
    const index = to && !under?.toEnd && to.index === under?.index ? rows.findIndex((row) => row.key === to.key) : -1;
    if (to && index >= 0 && index !== to.index) lead(index, to.align);
  }, [rows]);
  const lead = (index: number, align: "center" | "start") => {
    way.current = { key: rows[index]?.key ?? "", index, align };
    virtual.scrollToIndex(index, { align });
  };

  // A frame can be long in coming, and with it the news of a scroll, and the next step of a way: till then the rows of another place would be drawn, and none
  // be seen. The list is told at once; where the reader stands is kept when the way is done.
  const here = () => scroller.current?.dispatchEvent(new Event("scroll"));
  const total = virtual.getTotalSize();
  useLayoutEffect(() => {
    const to = underWay(virtual);
    if (to?.toEnd) virtual.scrollToEnd();
    else if (to && to.index !== null) virtual.scrollToIndex(to.index, { align: to.align });
    else return;
    here();
  }, [total]);

  /** The row is drawn some frames after the list has begun to go there. */
  const focusOn = (message: string, mine = asked.current, frames = FRAMES) => {
    requestAnimationFrame(() => {
      const row = scroller.current?.querySelector<HTMLElement>(`[data-message="${CSS.escape(message)}"]`);
      if (mine === asked.current && row) row.focus({ preventScroll: true });
      else if (mine === asked.current && frames > 0) focusOn(message, mine, frames - 1);
    });
  };

  // Once what was asked for is there: to the message, to the place that was left, or to the end.
  const loaded = view.loaded;
  useLayoutEffect(() => {
    if (!loaded || settled.current) return;
    const target = lost.current ? undefined : (jump ?? place(key)?.message ?? stopped);
    const index = target ? rows.findIndex((row) => row.message?.id === target) : -1;
    if (target && index < 0) return;
    settled.current = true;
    if (index < 0) {
      virtual.scrollToEnd();
      here();
      requestAnimationFrame(() => {
        const [element, at] = [scroller.current, rows.findIndex((row) => line !== undefined && row.message?.id === line)];
        const first = element?.querySelector(`[data-message="${CSS.escape(line ?? "")}"]`);
        if (element && at >= 0 && !(first && first.getBoundingClientRect().top >= element.getBoundingClientRect().top)) lead(at, "start");
      });
      return;
    }
    lead(index, jump ? "center" : "start");
    here();
    if (!jump) return;
    setMarked(target);
    setFocused(rows[index]?.key);
    focusOn(jump);
  }, [loaded, rows, jump, key, virtual]);
  // Whatever comes meanwhile.
  useEffect(() => {
    if (marked === undefined) return;
    const timer = setTimeout(() => setMarked(undefined), MARKED);
    return () => clearTimeout(timer);
  }, [marked]);

  // Pages before and behind, in time.
  const loading = useRef(false);
  const [busy, setBusy] = useState(false);
  const fetch = useCallback((which: "older" | "newer") => {
    if (loading.current) return;
    loading.current = true;
    setBusy(true);
    client[which](key).catch(setError).finally(() => {
      loading.current = false;
      setBusy(false);
    });
  }, [key]);
  const scrolled = () => {
    const element = scroller.current;
    if (!element || !settled.current) return;
    const { scrollTop, scrollHeight, clientHeight } = element;
    const below = scrollHeight - scrollTop - clientHeight;
    if (scrollTop < clientHeight * AHEAD && !view.atStart) fetch("older");
    if (below < clientHeight * AHEAD && !view.atEnd) fetch("newer");
    const end = view.atEnd && below <= NEAR;
    setAtEnd(end);
    if (end) {
      setNews(0);
      // A day of talk is let go of now and then, not with every message.
      if (rows.length > TRIM) client.trim(key);
    }
    const first = virtual.getVirtualItems().find((item) => item.start >= scrollTop);
    const message = first && rows[first.index]?.message?.id;
    keepPlace(key, end || !message ? undefined : { message, offset: first.start - scrollTop });
  };
  useEffect(scrolled, [rows.length, view.atStart]);

  // What is new is counted and said; one's own brings the end back.
  const newest = rows.at(-1);
  const last = useRef<string | undefined>(undefined);
  const live = useRef(false);
  useEffect(() => {
    const [before, ended] = [last.current, live.current];
    last.current = newest?.key;
    live.current = view.atEnd;
    // The page that leads to the end is none of what has just come.
    if (!newest || before === undefined || before === newest.key || !view.atEnd || !ended) return;
    const at = rows.findIndex((row) => row.key === before);
    if (at < 0) return;
    const fresh = rows.slice(at + 1);
    if (fresh.some((row) => row.pending)) virtual.scrollToEnd();
    const others = fresh.filter((row) => row.message && row.message.sender.id !== client.store.me?.id);
    if (!atEnd && others.length > 0) setNews((count) => count + others.length);
    const heard = announced();
    const named = (row: StoreRow) => row.message?.mentions.includes(client.store.me?.id ?? "") || Boolean(row.message?.mentions_room);
    if (document.visibilityState === "visible" && heard !== "none") for (const row of others) if (heard === "all" || named(row)) say(`${row.message?.sender.display_name}: ${row.message?.body || row.message?.attachments.map((file) => file.filename).join(", ")}`);
  }, [newest, rows, view.atEnd, atEnd, virtual, say]);

  // With pages between it is not among the rows: the server counts it. It stays counted when the last of these pages comes.
  const unseen = root ? 0 : (membership?.unread_count ?? 0);
  const apart = useRef(false);
  useLayoutEffect(() => {
    // A reader at the end has none: `scrolled` sees that next.
    if (apart.current && view.atEnd) setNews((count) => Math.max(count, unseen));
    apart.current = !view.atEnd;
  }, [view.atEnd]);
  const behind = view.atEnd ? news : Math.max(news, unseen);

  // Before it is known what was new nothing is marked as read.
  useReading(room.id, membership, root, root && unread === undefined ? NONE : rows, virtual, scroller);

  const land = (focus: boolean) => {
    virtual.scrollToEnd();
    const newest = () => [...(scroller.current?.querySelectorAll<HTMLElement>("[data-row]") ?? [])].at(-1)?.focus({ preventScroll: true });
    if (focus) requestAnimationFrame(() => requestAnimationFrame(newest));
  };
  useLayoutEffect(() => {
    if (!leading.current || !view.atEnd) return;
    land(leading.current.focus);
    leading.current = undefined;
  }, [rows, view.atEnd]);
  /** `focus`: the newest message takes it. */
  const back = (focus = false) => {
    const mine = ++asked.current;
    // A jump that is still to be answered is given up.
    lost.current = true;
    if (loaded) settled.current = true;
    setNews(0);
    keepPlace(key, undefined);
    if (!view.atEnd) leading.current = { focus };
    const there = () => void (mine !== asked.current || (leading.current ?? land(focus)));
    open().then(() => requestAnimationFrame(there), (failure: unknown) => {
      if (mine !== asked.current) return;
      leading.current = undefined;
      setError(failure);
    });
  };
  /** `focus`: it was in what goes when the end is there. */
  const toEnd = (focus = false) => {
    removeLine();
    // The message that has the focus may be none of those at the end.
    back(focus || (!view.atEnd && scroller.current?.contains(document.activeElement) === true));
  };

  useEffect(() => {
    if (ends) ends.current = { leave: () => toEnd(), follow: () => view.atEnd || back() };
  });
  const kept = useKeptRow(rows, scroller, setFocused);

  const pressed = (event: React.KeyboardEvent) => {
    // A menu or a dialog of a message is elsewhere, and its keys are its own.
    if (composing(event) || !event.currentTarget.contains(event.target as Node)) return;
    if (event.key === "Escape") return onEscape ? onEscape() : toEnd();
    const row = (event.target as HTMLElement).closest<HTMLElement>("[data-row]");
    // A sign that wants AltGr is a sign like any other, though both keys it stands for are told of.
    if (event.target !== row || ((event.ctrlKey || event.metaKey || event.altKey) && !event.getModifierState("AltGraph"))) return;
    const index = rows.findIndex((one) => one.key === row?.dataset["row"]);
    const go = (next: number) => {
      const to = Math.max(0, Math.min(rows.length - 1, next));
      event.preventDefault();
      setFocused(rows[to]?.key);
      virtual.scrollToIndex(to, { align: "auto" });
      requestAnimationFrame(() => scroller.current?.querySelector<HTMLElement>(`[data-row="${CSS.escape(rows[to]?.key ?? "")}"]`)?.focus({ preventScroll: true }));
    };
    if (event.key === "ArrowUp") go(index - 1);
    else if (event.key === "ArrowDown") go(index + 1);
    else if (event.key === "Home") go(0);
    else if (event.key === "End" && view.atEnd) go(rows.length - 1);
    else if (event.key === "End") {
      event.preventDefault();
      back(true);
    }
    else if (event.key === "Enter") row?.querySelector<HTMLElement>('[data-key="r"]')?.click();
    else if (event.key === "PageUp" || event.key === "PageDown") go(index + page(event.key === "PageDown" ? 1 : -1));
    else if (event.key === "Delete" || (letters() && ["e", "c", "p", "r", "i", "m", "u", "+", "!"].includes(event.key))) {
      // What it opens takes the focus: the letter must not be typed there.
      event.preventDefault();
      row?.querySelector<HTMLElement>(`[data-key="${event.key}"]`)?.click();
    }
    else if (letters() && /^[1-5]$/.test(event.key)) {
      const message = row?.querySelector('[data-key="+"]') ? rows[index]?.message : undefined;
      if (message) client.react(message.id, reactions()[Number(event.key) - 1] ?? "", true).catch((failure: unknown) => setNotice(detail(failure)));
    }
    else if (event.key.length === 1 && event.key !== " " && event.key !== "?" && event.key !== "/") {
      event.preventDefault();
      onType(event.key);
    }
  };

  /** As many messages as fit on the screen. */
  const page = (way: number) => way * Math.max(1, virtual.getVirtualItems().filter((item) => item.end > (scroller.current?.scrollTop ?? 0) && item.start < (scroller.current?.scrollTop ?? 0) + (scroller.current?.clientHeight ?? 0)).length - 1);

  const tabStop = focused && items.some((item) => item.key === focused) ? focused : items.at(-1)?.key;
  return (
    <div className={css["frame"]} data-region={root ? "thread" : "timeline"}>
      {notice ? <p className={css["notice"]} role="status">{notice}<Button look="plain" onClick={() => setNotice("")}>{t("action.close")}</Button></p> : null}
      <div ref={scroller} className={css["scroller"]} onScroll={(event) => void (event.isTrusted && scrolled())} onKeyDown={pressed} {...kept}>
        {view.atStart && loaded && rows.length === 0 ? (root ? <p className={css["start"]}>{t("thread.empty")}</p> : <div className={css["first"]}><Start room={room} first /></div>) : null}
        {error === undefined ? null : <Failed error={error} retry={load} />}
        {loaded || error !== undefined ? null : <div className={css["waiting"]} aria-hidden><span /><span /><span /><span /></div>}
        <div role={rows.length > 0 ? "feed" : undefined} aria-label={rows.length > 0 ? (root ? t("thread.label") : t("timeline.label")) : undefined} aria-busy={!loaded || busy} className={css["list"]} style={{ blockSize: virtual.getTotalSize() }}>
          {items.map((item) => {
            const row = rows[item.index];
            return row ? (
              <div key={item.key} ref={virtual.measureElement} data-index={item.index} className={css["item"]} style={{ transform: `translateY(${item.start}px)` }}>
                <Row row={row} room={room} above={above(rows, item.index, line, view.atStart && !root)} marked={row.message?.id === marked && marked !== undefined} tabStop={item.key === tabStop} onEdit={onEdit} onThread={onThread} />
              </div>
            ) : null;
          })}
        </div>
      </div>
      {!atEnd || !view.atEnd ? (
        <div className={css["news"]}><Button onClick={(event) => toEnd(event.detail === 0)} className={css["newsButton"]}>{behind > 0 ? t("timeline.new", { count: behind }) : t("timeline.end")}</Button></div>
      ) : null}
    </div>
  );
}
