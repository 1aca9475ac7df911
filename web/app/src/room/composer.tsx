/** Where one writes. The textarea is not React's: a key draws nothing. */
import { Combobox } from "@ariakit/react";
import type { Message } from "@tidings/client";
import { SendHorizontal } from "lucide-react";
import { useEffect, useImperativeHandle, useRef, useState, type KeyboardEvent, type Ref, type RefObject, type TextareaHTMLAttributes } from "react";
import { client, useKey } from "../client.ts";
import { t } from "../i18n.ts";
import { Button, IconButton, detail } from "../kit/kit.tsx";
import { draft, keepDraft } from "../settings.ts";
import { composing, control } from "../shell/keys.ts";
import { Completion, useCompletion } from "./completion.tsx";
import css from "./composer.module.css";

/** Milliseconds after the last key until the draft is kept. */
const KEEP = 300;

export interface ComposerHandle {
  /** Takes the focus and types. */
  type(text: string): void;
  edit(message: Message): void;
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
  const typing = useKey(`typing:${timeline}`);
  const completing = useCompletion(area);
  const place = `${client.store.me?.id}.${timeline}`;
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
    if (matchMedia("(pointer: fine)").matches) area.current?.focus();
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
  useImperativeHandle(ref, () => ({ type: (text) => area.current && insert(area.current, text), edit }));

  const send = () => {
    const element = area.current;
    const text = element?.value.trim() ?? "";
    if (!element || text === "") return;
    setError("");
    if (editing) {
      const { id, body } = editing;
      stop();
      if (text !== body) client.edit(id, text).catch((failure: unknown) => setError(detail(failure)));
      return;
    }
    clearTimeout(timer.current);
    element.value = "";
    // The draft goes when the message is written down: a page that is closed in between loses neither.
    void client.send(room, text, thread ? { thread } : {}).then(() => keepDraft(kept, area.current?.value ?? ""));
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
      <div className={css["box"]}>
        <Combobox
          store={completing.store} ref={area as unknown as RefObject<HTMLInputElement>} autoSelect="always" setValueOnChange={false} setValueOnClick={false} showOnChange={false} showOnClick={false} showOnKeyPress={false}
          className={css["area"]} aria-label={label} placeholder={label} onKeyDown={pressed} onInput={typed}
          // The text is the textarea's own: a key draws nothing. A text of several lines is no combobox to ARIA; what
          // of it a textbox may have stays: the list it controls, and the entry that is marked.
          render={({ value: _, role: _role, "aria-expanded": _expanded, ...props }: TextareaHTMLAttributes<HTMLTextAreaElement>) => <textarea {...props} rows={1} dir="auto" maxLength={8_000} enterKeyHint="send" />}
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
