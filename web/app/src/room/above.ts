/** What stands above a message: the day, the line above what is new, who wrote it. */
import type { Row } from "@tidings/client";
import { dayOf, zone } from "../i18n.ts";

/** Messages of one author within this time stand together, in milliseconds. */
const GROUP = 5 * 60_000;

/** What stands above a row. */
export interface Above {
  /** The beginning of the room. */
  start: boolean;
  day: boolean;
  fresh: boolean;
  head: boolean;
  /** In which zone its times are said. */
  zone: string;
}

const author = (row: Row) => row.message?.sender.id ?? row.pending?.user_id;
const time = (row: Row) => row.message?.created_at ?? new Date(row.pending?.submitted_at ?? 0).toISOString();

export function above(rows: Row[], index: number, first: string | undefined, atStart: boolean): Above {
  const row = rows[index] as Row;
  const before = rows[index - 1];
  const day = !before || dayOf(time(before)) !== dayOf(time(row));
  const fresh = row.message !== undefined && row.message.id === first;
  const near = before && author(before) === author(row) && Date.parse(time(row)) - Date.parse(time(before)) < GROUP;
  return { start: atStart && index === 0, day, fresh, head: day || fresh || !near, zone: zone() };
}
