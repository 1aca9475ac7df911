/** Read means seen: the page is visible, the window has the focus, and the message was in view for a second. */
import type { Room, Row } from "@tidings/client";
import type { Virtualizer } from "@tanstack/react-virtual";
import { useEffect, type RefObject } from "react";
import { client } from "../client.ts";

const SEEN = 1_000;

export function useReading(room: Room, rows: Row[], virtual: Virtualizer<HTMLDivElement, Element>, scroller: RefObject<HTMLDivElement | null>): void {
  const unread = room.membership?.unread_count ?? 0;
  const marker = room.membership?.last_read_message_id;
  useEffect(() => {
    const element = scroller.current;
    if (!element || unread === 0) return;
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
      const before = rows.findIndex((row) => row.message?.id === marker);
      const newest = rows.slice(0, at + 1).findLast((row) => row.message)?.message;
      if (newest && at > before) client.read(room.id, newest.id);
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
  }, [room.id, rows, unread, marker, virtual, scroller]);
}
