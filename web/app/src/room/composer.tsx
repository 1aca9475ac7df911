/** Where one writes. The textarea is not React's: a key draws nothing. */
import type { Message } from "@tidings/client";
import { Bold, Code, Eye, Italic, Paperclip, SendHorizontal, Smile } from "lucide-react";
import { startTransition, useContext, useEffect, useImperativeHandle, useLayoutEffect, useRef, useState, type ClipboardEvent, type KeyboardEvent, type Ref } from "react";
import { client, useKey } from "../client.ts";
import { t } from "../i18n.ts";
import { composing } from "../kit/composing.ts";
import { Button, IconButton, detail } from "../kit/kit.tsx";
import { Later } from "../kit/later.tsx";
import { part } from "../kit/part.tsx";
import { has } from "../routes.ts";
import { enterSends, onDraft } from "../settings.ts";
import { control } from "../shell/keys.ts";
import { attach, filesOf, LONGEST, take, useTray } from "./attaching.ts";
import { Body } from "./body.tsx";
import { Replaces } from "./closed.tsx";
import { Completion, useCompletion } from "./completion.tsx";
import { keepSent, keepTyped, typed as drafted } from "./draft.ts";
import { hasWritten, useSlow } from "./slow.ts";
import { table } from "./table.ts";
import css from "./composer.module.css";

const Tray = part(() => import("./tray.tsx"));
const Confirm = part(() => import("../kit/confirm.tsx"));
const Emoji = part(() => import("../kit/emoji.tsx"));

const icon = { size: 18, strokeWidth: 1.5, "aria-hidden": true } as const;
const FORMATS = [
  { sign: "**", label: "format.bold", icon: <Bold {...icon} /> }, { sign: "_", label: "format.italic", icon: <Italic {...icon} /> }, { sign: "`", label: "format.code", icon: <Code {...icon} /> },
];

/** Milliseconds after the last key until the draft is kept. */
const KEEP = 300;

/** Whether the text's field grows by itself; else it is as high as its lines, up to so many. */
const GROWS = typeof CSS !== "undefined" && CSS.supports("field-sizing", "content");
const MOST_LINES = 10;

let warmed = false;

/** What the picker needs is fetched with the first key that is typed here: it opens at once then. */
function warm(): void {
  if (warmed) return;
  warmed = true;
  setTimeout(() => void import("../kit/emojis.ts").then(({ emojis }) => emojis()).catch(() => undefined), 1_000);
}

/** Makes the text's field as high as its lines, where it does not grow by itself. */
function fit(area: HTMLTextAreaElement): void {
  if (GROWS) return;
  area.rows = 1;
  const { lineHeight, paddingTop, paddingBottom } = getComputedStyle(area);
  const lines = Math.round((area.scrollHeight - parseFloat(paddingTop) - parseFloat(paddingBottom)) / parseFloat(lineHeight));
  area.rows = Math.min(MOST_LINES, Math.max(1, lines));
}

export interface ComposerHandle {
  /** Takes the focus and types. */
  type(text: string): void;
  edit(message: Message): void;
  /** Takes what was dropped. */
  drop(data: DataTransfer): void;
}

interface Props {
  timeline: string;
  room: string;
  thread?: string;
  label: string;
  /** Esc, and there is nothing in the composer that it would end. */
  onEscape?: () => void;
  /** A message was sent. */
  onSent?: () => void;
  /** What had the focus when the room was opened. */
  from?: Element | null;
  ref?: Ref<ComposerHandle>;
}

/** What is being edited: a message, or one on its way, by its `client_id`. */
interface Edited {
  id: string;
  body: string;
  /** Files that go with it: it may be without a text then. */
  attachments?: readonly unknown[] | undefined;
}

/** One's newest message of a timeline that can be changed. */
function newestOwn(timeline: string): Edited | undefined {
  const row = client.store.get(`timeline:${timeline}`).rows.findLast((one) => one.pending || (one.message?.sender.id === client.store.me?.id && !one.message?.deleted_at));
  return row?.pending ? { id: row.pending.client_id, body: row.pending.body, attachments: row.pending.files } : row?.message;
}

/** Types as the keyboard does, so that undo takes it back. */
function insert(area: HTMLTextAreaElement, text: string): void {
  area.focus();
  document.execCommand("insertText", false, text);
}

export function Composer({ timeline, room, thread, label, onEscape, onSent, from, ref }: Props) {
  const replaces = useContext(Replaces);
  const area = useRef<HTMLTextAreaElement>(null);
  const timer = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  const [editing, setEditing] = useState<Edited>();
  /** What the text will look like; undefined: it is not shown. */
  const [preview, setPreview] = useState<string>();
  const [picking, setPicking] = useState(false);
  /** An edit has left nothing: whether the message is to be deleted is asked. */
  const [emptied, setEmptied] = useState(false);
  const picked = useRef("");
  const [error, setError] = useState("");
  /** Pictures of a paste that had a text, too. */
  const [offered, setOffered] = useState<File[]>([]);
  /** Cells of a table that were pasted, as they stand in the text. */
  const [cells, setCells] = useState("");
  const chooser = useRef<HTMLInputElement>(null);
  const typing = useKey(`typing:${timeline}`);
  const completing = useCompletion(area);
  const slow = useSlow(room);
  const place = `${client.store.me?.id}.${timeline}`;
  const tray = useTray(place);
  /** Slow mode: a sentence stands in the place of the text's field. What was written can be changed all the same. */
  const resting = slow.left > 0 && !editing;
  const rest = useRef<HTMLParagraphElement>(null);
  const kept = editing ? `${place}.edit.${editing.id}` : place;

  useEffect(() => {
    const element = area.current;
    if (!element) return;
    const begin = () => {
      element.value = drafted(kept) || (editing?.body ?? "");
      element.setSelectionRange(element.value.length, element.value.length);
      fit(element);
    };
    begin();
    // Sent or written on in another tab: it goes here, too, unless it is another text here.
    const unfollow = onDraft(kept, (before) => {
      if (element.value.trim() !== (before || (editing?.body ?? "")).trim()) return;
      clearTimeout(timer.current);
      begin();
      setPreview((shown) => (shown === undefined ? undefined : element.value));
    });
    const leave = () => keepTyped(kept, element.value);
    window.addEventListener("pagehide", leave);
    return () => {
      clearTimeout(timer.current);
      window.removeEventListener("pagehide", leave);
      unfollow();
      if (!finished.current) leave();
      finished.current = false;
    };
  }, [kept, editing]);
  /** The text was sent or given up: it is no draft. */
  const finished = useRef(false);

  useEffect(() => {
    const active = document.activeElement;
    // What was pressed has led here. One who has gone on to something else while the room came, or before one may write again, is not called away.
    const led = !replaces && (thread !== undefined || (active?.matches("a[href]") && (active === from || !from?.isConnected)));
    const free = led || active === null || active === document.body;
    if (matchMedia("(pointer: fine)").matches && free && !document.querySelector("[role=dialog]")) area.current?.focus();
  }, []);

  // The focus goes with what stands there. What is hidden loses it while React changes the page, and tells of nothing: where it was is known still.
  const inside = useRef(false);
  const held = useRef(false);
  useLayoutEffect(() => {
    const active = document.activeElement;
    // Only from what goes: a file that waits may have it, too.
    const lost = active === null || active === document.body || active.closest("[hidden]") !== null;
    if (editing || (held.current && lost)) (resting ? rest : area).current?.focus();
    return () => {
      held.current = inside.current;
    };
  }, [resting, editing]);

  const edit = (message: Edited) => {
    setEditing(message);
    area.current?.focus();
  };
  const stop = () => {
    if (!editing) return;
    keepTyped(kept, "");
    leave();
  };
  const leave = () => {
    finished.current = true;
    setEditing(undefined);
  };
  const remove = () => {
    if (editing) client.remove(editing.id).catch((failure: unknown) => setError(detail(failure)));
    stop();
  };
  const add = (files: readonly File[]) => {
    setOffered([]);
    setCells("");
    setError(attach(place, files));
    area.current?.focus();
  };
  const drop = (data: DataTransfer) => {
    const { files, folders } = filesOf(data);
    if (files.length > 0) add(files);
    if (folders) setError(t("attach.folder"));
  };
  useImperativeHandle(ref, () => ({ type: (text) => area.current && insert(area.current, text), edit, drop }));

  const pasted = (event: ClipboardEvent<HTMLTextAreaElement>) => {
    if (!has("/v1/media") || editing) return;
    const text = event.clipboardData.getData("text/plain");
    const { files } = filesOf(event.clipboardData);
    const { value, selectionStart, selectionEnd } = event.currentTarget;
    if (text === "" && files.length > 0) {
      event.preventDefault();
      add(files);
    } else if (value.length - (selectionEnd - selectionStart) + text.length > LONGEST) {
      event.preventDefault();
      add([new File([text], t("attach.text_name"), { type: "text/plain" })]);
      setError(t("attach.text"));
    } else {
      // Tables and the like come as a picture as well: the text is what is meant, mostly.
      setOffered(files);
      setCells(table(text) ? text.replace(/\r\n?/g, "\n") : "");
    }
  };
  /** Puts a table in the place of the cells that were pasted. */
  const tabulate = () => {
    const element = area.current;
    const at = element?.value.lastIndexOf(cells) ?? -1;
    setCells("");
    setOffered([]);
    if (!element || at < 0) return;
    element.focus();
    element.setSelectionRange(at, at + cells.length);
    insert(element, table(cells) ?? cells);
  };

  const send = () => {
    const element = area.current;
    const text = element?.value.trim() ?? "";
    if (!element) return;
    // An edit that leaves nothing is a deletion, mostly.
    if (text === "" && editing && !editing.attachments?.length) return setEmptied(true);
    if (text === "" && !editing && tray.length === 0) return;
    if (!editing && tray.some((id) => client.store.get(`upload:${id}`)?.state === "failed")) return setError(t("attach.refused"));
    if (resting) return;
    setError("");
    setOffered([]);
    setCells("");
    setPreview(undefined);
    if (editing) {
      const { id, body } = editing;
      if (text === body) return stop();
      // As with a message: the draft goes when the change is written down.
      const written = keepSent(kept, text);
      client.edit(id, text).then(written, (failure: unknown) => {
        written();
        keepTyped(kept, text);
        setError(detail(failure));
      });
      return leave();
    }
    clearTimeout(timer.current);
    element.value = "";
    fit(element);
    hasWritten(room);
    // The draft goes when the message is written down: a page that is closed in between loses neither.
    const written = keepSent(kept, text);
    void client.send(room, text, { ...(thread ? { thread } : {}), files: take(place) }).then((entry) => {
      hasWritten(room, entry.client_id);
      written();
    });
    onSent?.();
  };

  const typed = () => {
    warm();
    if (area.current) fit(area.current);
    clearTimeout(timer.current);
    timer.current = setTimeout(() => keepTyped(kept, area.current?.value ?? ""), KEEP);
    if (!editing && area.current?.value) client.typing(room, thread);
    completing.look();
    if (preview !== undefined) startTransition(() => setPreview(area.current?.value ?? ""));
  };

  // The picker has the focus until it is gone: then the emoji is typed.
  useEffect(() => {
    if (picking || !picked.current) return;
    const emoji = picked.current;
    picked.current = "";
    const frame = requestAnimationFrame(() => area.current && insert(area.current, emoji));
    return () => cancelAnimationFrame(frame);
  }, [picking]);

  const look = () => {
    setPreview(preview === undefined ? (area.current?.value ?? "") : undefined);
    area.current?.focus();
  };

  const wrap = (sign: string) => {
    const element = area.current;
    if (!element) return;
    const { selectionStart: from, selectionEnd: to, value } = element;
    insert(element, `${sign}${value.slice(from, to)}${sign}`);
    if (from === to) element.setSelectionRange(from + sign.length, from + sign.length);
  };

  const pressed = (event: KeyboardEvent<HTMLElement>) => {
    // A key that the list has taken already is prevented.
    if (composing(event) || event.defaultPrevented) return;
    const plain = !event.shiftKey && !event.ctrlKey && !event.altKey && !event.metaKey;
    if (plain && completing.takes(event.key)) {
      event.preventDefault();
      event.stopPropagation();
      return;
    }
    const fine = matchMedia("(pointer: fine)").matches;
    if (event.key === "Enter" && ((plain && fine && enterSends()) || control(event))) {
      event.preventDefault();
      send();
    } else if (event.key === "ArrowUp" && plain && area.current?.value === "" && !editing) {
      const last = newestOwn(timeline);
      if (!last) return;
      event.preventDefault();
      edit(last);
    } else if (event.key === "Escape" && editing) {
      event.preventDefault();
      event.stopPropagation();
      stop();
    } else if (event.key === "Escape" && plain && onEscape) {
      event.preventDefault();
      if (preview === undefined) onEscape();
      else setPreview(undefined);
    } else if (control(event) && !event.shiftKey && ["b", "i", "e"].includes(event.key)) {
      event.preventDefault();
      wrap({ b: "**", i: "_", e: "`" }[event.key] ?? "");
    }
  };

  return (
    <form className={css["composer"]} aria-label={thread ? t("thread.write") : t("composer.form")} data-region="composer" onFocus={(event) => { inside.current = event.currentTarget.contains(event.target); }} onBlur={() => { inside.current = false; }} onSubmit={(event) => { event.preventDefault(); send(); }}>
      <Typing users={typing} />
      {editing ? <div className={css["editing"]}><span>{t("composer.editing")}</span><Button look="plain" onClick={stop}>{t("action.cancel")}</Button></div> : null}
      {error ? <div className={css["error"]} role="alert">{error}</div> : null}
      {slow.pause > 0 && !error && !resting ? <div className={css["editing"]}><span>{t("slow.on", { seconds: slow.pause })}</span></div> : null}
      {offered.length > 0 || cells ? (
        <div className={css["editing"]} role="status">
          <span>{offered.length > 0 ? t("attach.also") : t("table.pasted")}</span>
          <span>
            {offered.length > 0 ? <Button look="plain" onClick={() => add(offered)}>{t("attach.also_take")}</Button> : null}
            {cells ? <Button look="plain" onClick={tabulate}>{t("table.make")}</Button> : null}
            <Button look="plain" onClick={() => { setOffered([]); setCells(""); }}>{t("action.close")}</Button>
          </span>
        </div>
      ) : null}
      {preview === undefined ? null : <section className={css["preview"]} aria-label={t("composer.preview")}>{preview.trim() ? <Body text={preview} format="markdown" /> : <p>{t("composer.nothing")}</p>}</section>}
      <Later>{picking ? <Emoji back={area} onPick={(emoji) => { picked.current = emoji; }} onClose={() => setPicking(false)} /> : null}</Later>
      <Later>{emptied ? <Confirm title={t("message.delete_title")} text={t("message.delete_text")} action={t("message.delete")} onClose={() => setEmptied(false)} onConfirm={remove} /> : null}</Later>
      {tray.length > 0 && !editing ? <Later><Tray place={place} ids={tray} onGone={() => (resting ? rest : area).current?.focus()} /></Later> : null}
      <p ref={rest} tabIndex={-1} hidden={!resting} className={css["rest"]} data-focus={resting || undefined} onKeyDown={(event) => { if (event.key === "Escape" || event.key === "ArrowUp") pressed(event); }}>{resting ? t("slow.wait", { seconds: slow.left }) : null}</p>
      <div className={css["box"]} hidden={resting}>
        {has("/v1/media") && !editing ? (
          <>
            <IconButton label={t("attach.add")} onClick={() => chooser.current?.click()}><Paperclip size={18} strokeWidth={1.5} aria-hidden /></IconButton>
            <input ref={chooser} type="file" multiple hidden data-files onChange={(event) => { add([...(event.target.files ?? [])]); event.target.value = ""; }} />
          </>
        ) : null}
        {/* The text is the textarea's own: a key draws nothing. A text of several lines is no combobox to ARIA; what of it a
            textbox may have is there while a list is: the list it controls, and the entry that is marked. */}
        <textarea ref={area} className={css["area"]} aria-label={label} placeholder={label} aria-autocomplete="list" rows={1} dir="auto" maxLength={LONGEST} enterKeyHint="send" onKeyDown={pressed} onInput={typed} onPaste={pasted} />
        {FORMATS.map(({ sign, label, icon }) => <IconButton key={sign} label={t(label)} className={css["format"]} onClick={() => wrap(sign)}>{icon}</IconButton>)}
        <IconButton label={t("composer.preview")} aria-pressed={preview !== undefined} className={css["wide"]} data-preview onClick={look}><Eye size={18} strokeWidth={1.5} aria-hidden /></IconButton>
        <IconButton label={t("emoji.label")} aria-haspopup="dialog" data-emoji onClick={() => setPicking(true)}><Smile size={18} strokeWidth={1.5} aria-hidden /></IconButton>
        <IconButton type="submit" label={t("action.send")}><SendHorizontal size={18} strokeWidth={1.5} aria-hidden /></IconButton>
      </div>
      <Completion completing={completing} area={area} room={room} timeline={timeline} />
    </form>
  );
}

function Typing({ users }: { users: string[] }) {
  const names = users.filter((id) => id !== client.store.me?.id).map((id) => client.store.get(`user:${id}`)?.display_name ?? t("typing.unknown"));
  const text = names.length === 0 ? "" : names.length === 1 ? t("typing.one", { name: names[0] ?? "" }) : names.length === 2 ? t("typing.two", { one: names[0] ?? "", two: names[1] ?? "" }) : t("typing.many");
  return <div className={css["typing"]}>{text}</div>;
}
