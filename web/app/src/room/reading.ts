/** Read means seen: the page is visible, the window has the focus, and the message was in view for a second. */
import type { Room, Row } from "@tidings/client";
import type { Virtualizer } from "@tanstack/react-virtual";
import { useEffect, useRef, type RefObject } from "react";
import { client } from "../client.ts";
import { has } from "../routes.ts";

const SEEN = 1_000;

export function useReading(room: string, own: Room["membership"], root: string | undefined, rows: Row[], virtual: Virtualizer<HTMLDivElement, Element>, scroller: RefObject<HTMLDivElement | null>): void {
  const unread = own?.unread_count ?? 0;
  const marker = own?.last_read_message_id;
  const marked = useRef(-1);
  useEffect(() => {
    const element = scroller.current;
    // The marker of a thread is its own.
    if (!element || (root ? !has("/v1/messages/{message_id}/thread/read") : unread === 0)) return;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const seen = () => document.visibilityState === "visible" && document.hasFocus();
    const look = () => {
      clearTimeout(timer);
      if (seen()) timer = setTimeout(mark, SEEN);
    };
    const mark = () => {
      if (!seen()) return;
      const bottom = element.scrollTop + element.clientHeight;
      const inView = virtual.getVirtualItems().filter((item) => item.start + item.size / 2 <= bottom);
      const at = Math.max(-1, ...inView.map((item) => item.index));
      const before = root ? marked.current : rows.findIndex((row) => row.message?.id === marker);
      const newest = rows.slice(0, at + 1).findLast((row) => row.message)?.message;
      if (!newest || at <= before) return;
      marked.current = at;
      client.read(room, newest.id, root);
    };
    look();
    element.addEventListener("scroll", look, { passive: true });
    window.addEventListener("focus", look);
    document.addEventListener("visibilitychange", look);
    return () => {
      clearTimeout(timer);
      element.removeEventListener("scroll", look);
      window.removeEventListener("focus", look);
      document.removeEventListener("visibilitychange", look);
    };
  }, [room, root, rows, unread, marker, virtual, scroller]);
}
