/** Where one writes. The textarea is not React's: a key draws nothing. */
import { Combobox } from "@ariakit/react";
import type { Message } from "@tidings/client";
import { Paperclip, SendHorizontal } from "lucide-react";
import { lazy, Suspense, useEffect, useImperativeHandle, useRef, useState, type ClipboardEvent, type ClipboardEventHandler, type KeyboardEvent, type Ref, type RefObject, type TextareaHTMLAttributes } from "react";
import { client, useKey } from "../client.ts";
import { t } from "../i18n.ts";
import { Button, IconButton, detail } from "../kit/kit.tsx";
import { has } from "../routes.ts";
import { draft, keepDraft } from "../settings.ts";
import { composing, control } from "../shell/keys.ts";
import { attach, filesOf, LONGEST, take, useTray } from "./attaching.ts";
import { Completion, useCompletion } from "./completion.tsx";
import { hasWritten, useSlow } from "./slow.ts";
import css from "./composer.module.css";

const Tray = lazy(() => import("./tray.tsx"));

/** Milliseconds after the last key until the draft is kept. */
const KEEP = 300;

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
  ref?: Ref<ComposerHandle>;
}

/** Types as the keyboard does, so that undo takes it back. */
function insert(area: HTMLTextAreaElement, text: string): void {
  area.focus();
  document.execCommand("insertText", false, text);
}

export function Composer({ timeline, room, thread, label, ref }: Props) {
  const area = useRef<HTMLTextAreaElement>(null);
  const timer = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  const [editing, setEditing] = useState<Message>();
  const [error, setError] = useState("");
  /** Pictures of a paste that had a text, too. */
  const [offered, setOffered] = useState<File[]>([]);
  const chooser = useRef<HTMLInputElement>(null);
  const typing = useKey(`typing:${timeline}`);
  const completing = useCompletion(area);
  const slow = useSlow(room);
  const place = `${client.store.me?.id}.${timeline}`;
  const tray = useTray(place);
  const kept = editing ? `${place}.edit.${editing.id}` : place;

  useEffect(() => {
    const element = area.current;
    if (!element) return;
    element.value = draft(kept) || (editing?.body ?? "");
    element.setSelectionRange(element.value.length, element.value.length);
    const leave = () => keepDraft(kept, element.value);
    window.addEventListener("pagehide", leave);
    return () => {
      clearTimeout(timer.current);
      window.removeEventListener("pagehide", leave);
      if (!finished.current) leave();
      finished.current = false;
    };
  }, [kept, editing]);
  /** The text was sent or given up: it is no draft. */
  const finished = useRef(false);

  useEffect(() => {
    // A dialog that is open already keeps the focus: losing it would close it.
    if (matchMedia("(pointer: fine)").matches && !document.querySelector("[role=dialog]")) area.current?.focus();
  }, []);

  const edit = (message: Message) => {
    setEditing(message);
    area.current?.focus();
  };
  const stop = () => {
    if (!editing) return;
    keepDraft(kept, "");
    finished.current = true;
    setEditing(undefined);
  };
  const add = (files: readonly File[]) => {
    setOffered([]);
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
    }
  };

  const send = () => {
    const element = area.current;
    const text = element?.value.trim() ?? "";
    if (!element || (text === "" && (editing || tray.length === 0))) return;
    if (!editing && tray.some((id) => client.store.get(`upload:${id}`)?.state === "failed")) return setError(t("attach.refused"));
    if (!editing && slow.left > 0) return setError(t("slow.wait", { seconds: slow.left }));
    setError("");
    setOffered([]);
    if (editing) {
      const { id, body } = editing;
      stop();
      if (text !== body) client.edit(id, text).catch((failure: unknown) => setError(detail(failure)));
      return;
    }
    clearTimeout(timer.current);
    element.value = "";
    hasWritten(room);
    slow.look();
    // The draft goes when the message is written down: a page that is closed in between loses neither.
    void client.send(room, text, { ...(thread ? { thread } : {}), files: take(place) }).then(() => keepDraft(kept, area.current?.value ?? ""));
  };

  const typed = () => {
    clearTimeout(timer.current);
    timer.current = setTimeout(() => keepDraft(kept, area.current?.value ?? ""), KEEP);
    if (!editing && area.current?.value) client.typing(room, thread);
    completing.look();
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
    if (composing(event.nativeEvent) || event.defaultPrevented) return;
    if (completing.takes(event.key)) {
      if (event.key === "Escape" || event.key === "Tab") event.preventDefault();
      if (event.key === "Escape") event.stopPropagation();
      return;
    }
    const plain = !event.shiftKey && !event.ctrlKey && !event.altKey && !event.metaKey;
    const fine = matchMedia("(pointer: fine)").matches;
    if (event.key === "Enter" && ((plain && fine) || control(event))) {
      event.preventDefault();
      send();
    } else if (event.key === "ArrowUp" && plain && area.current?.value === "" && !editing) {
      const last = client.store.get(`timeline:${timeline}`).rows.findLast((row) => row.message?.sender.id === client.store.me?.id && !row.message?.deleted_at);
      if (!last?.message) return;
      event.preventDefault();
      edit(last.message);
    } else if (event.key === "Escape" && editing) {
      event.preventDefault();
      event.stopPropagation();
      stop();
    } else if (control(event) && !event.shiftKey && ["b", "i", "e"].includes(event.key)) {
      event.preventDefault();
      wrap({ b: "**", i: "_", e: "`" }[event.key] ?? "");
    }
  };

  return (
    <form className={css["composer"]} aria-label={thread ? t("thread.write") : t("composer.form")} data-region="composer" onSubmit={(event) => { event.preventDefault(); send(); }}>
      <Typing users={typing} />
      {editing ? <div className={css["editing"]}><span>{t("composer.editing")}</span><Button look="plain" onClick={stop}>{t("action.cancel")}</Button></div> : null}
      {error ? <div className={css["error"]} role="alert">{error}</div> : null}
      {slow.pause > 0 && !error ? <div className={css["editing"]}><span>{slow.left > 0 ? t("slow.wait", { seconds: slow.left }) : t("slow.on", { seconds: slow.pause })}</span></div> : null}
      {offered.length > 0 ? (
        <div className={css["editing"]} role="status"><span>{t("attach.also")}</span><span><Button look="plain" onClick={() => add(offered)}>{t("attach.also_take")}</Button><Button look="plain" onClick={() => setOffered([])}>{t("action.close")}</Button></span></div>
      ) : null}
      {tray.length > 0 && !editing ? <Suspense fallback={null}><Tray place={place} ids={tray} onGone={() => area.current?.focus()} /></Suspense> : null}
      <div className={css["box"]}>
        {has("/v1/media") && !editing ? (
          <>
            <IconButton label={t("attach.add")} onClick={() => chooser.current?.click()}><Paperclip size={18} strokeWidth={1.5} aria-hidden /></IconButton>
            <input ref={chooser} type="file" multiple hidden data-files onChange={(event) => { add([...(event.target.files ?? [])]); event.target.value = ""; }} />
          </>
        ) : null}
        <Combobox
          store={completing.store} ref={area as unknown as RefObject<HTMLInputElement>} autoSelect="always" setValueOnChange={false} setValueOnClick={false} showOnChange={false} showOnClick={false} showOnKeyPress={false}
          className={css["area"]} aria-label={label} placeholder={label} onKeyDown={pressed} onInput={typed} onPaste={pasted as unknown as ClipboardEventHandler<HTMLInputElement>}
          // The text is the textarea's own: a key draws nothing. A text of several lines is no combobox to ARIA; what
          // of it a textbox may have stays: the list it controls, and the entry that is marked.
          render={({ value: _, role: _role, "aria-expanded": _expanded, ...props }: TextareaHTMLAttributes<HTMLTextAreaElement>) => <textarea {...props} rows={1} dir="auto" maxLength={LONGEST} enterKeyHint="send" />}
        />
        <Completion completing={completing} area={area} room={room} />
        <IconButton type="submit" label={t("action.send")}><SendHorizontal size={18} strokeWidth={1.5} aria-hidden /></IconButton>
      </div>
    </form>
  );
}

function Typing({ users }: { users: string[] }) {
  const names = users.filter((id) => id !== client.store.me?.id).map((id) => client.store.get(`user:${id}`)?.display_name ?? t("typing.unknown"));
  const text = names.length === 0 ? "" : names.length === 1 ? t("typing.one", { name: names[0] ?? "" }) : names.length === 2 ? t("typing.two", { one: names[0] ?? "", two: names[1] ?? "" }) : t("typing.many");
  return <div className={css["typing"]}>{text}</div>;
}
