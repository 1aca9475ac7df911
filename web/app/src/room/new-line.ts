/** The line above what is new: set once, when a room or a thread is entered. */
import type { Room, Row } from "@tidings/client";
import { useMemo, useRef, useState } from "react";
import { client } from "../client.ts";

const byOther = (row: Row, me: string | undefined) => row.message !== undefined && row.message.sender.id !== me;

/** The first message after a marker that is by another person. None when the marker is not among the rows. */
export function afterMarker(rows: Row[], marker: string | undefined, me: string | undefined): string | undefined {
  const at = rows.findIndex((row) => row.message?.id === marker);
  if (at < 0 && marker) return undefined;
  return rows.slice(at + 1).find((row) => byOther(row, me))?.message?.id;
}

/** The first of so many unread answers, as the server counts them: by others, and not deleted. `newest` is the last row that was counted. None when it is not among the rows. */
export function amongNewest(rows: Row[], unread: number, newest: string | undefined, me: string | undefined): string | undefined {
  if (unread <= 0) return undefined;
  const counted = rows.slice(0, rows.findIndex((row) => row.key === newest) + 1);
  return counted.filter((row) => byOther(row, me) && !row.message?.deleted_at).at(-unread)?.message?.id;
}

/** What stands under the line, and what takes it away. `answers`: of a thread, how many were unread when it was opened; undefined: not known yet. A thread has no marker that could be read. */
export function useNewLine(own: Room["membership"], root: string | undefined, rows: Row[], answers: number | undefined): [string | undefined, () => void] {
  const marker = useRef(own?.last_read_message_id ?? undefined);
  const had = useRef((own?.unread_count ?? 0) > 0);
  const counted = useRef<string>(undefined);
  const found = useRef<string>(undefined);
  const [gone, setGone] = useState(false);
  const line = useMemo(() => {
    const me = client.store.me?.id;
    if (gone) return undefined;
    if (!root) return had.current ? afterMarker(rows, marker.current, me) : undefined;
    if (answers === undefined || rows.length === 0) return undefined;
    // What comes later is not among those that were counted.
    counted.current ??= rows.at(-1)?.key;
    return (found.current ??= amongNewest(rows, answers, counted.current, me));
  }, [rows, gone, root, answers]);
  return [line, () => setGone(true)];
}
