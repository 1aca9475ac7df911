/** What is typed into the search, read: words, and filters among them like `from:bo in:#harbour after:2026-11-01 has:file`. */

export const FILTERS = ["from", "in", "after", "before", "has"] as const;
export type Filter = (typeof FILTERS)[number];

/** A room as the search knows it. */
export interface Named {
  id: string;
  name: string;
}

/** A question to the server. */
export interface Question {
  q: string;
  from?: string;
  room?: string;
  after?: string;
  before?: string;
  has?: "file" | "link";
}

export interface Asked {
  question: Question;
  /** The filters as they were typed. */
  filters: Partial<Record<Filter, string>>;
  /** Filters that mean nothing: a room there is not, a day there never was. */
  wrong: Filter[];
}

const PIECE = /\b(from|in|after|before|has):("[^"]*"?|\S*)|"[^"]*"?|\S+/giy;

interface Piece {
  text: string;
  filter?: Filter;
  value?: string;
}

function pieces(text: string): Piece[] {
  const all: Piece[] = [];
  for (let at = 0; at < text.length; ) {
    if (/\s/u.test(text[at] ?? "")) {
      at += 1;
      continue;
    }
    PIECE.lastIndex = at;
    const found = PIECE.exec(text);
    if (!found) break;
    at = PIECE.lastIndex;
    const [whole, filter, value] = found;
    all.push(filter ? { text: whole, filter: filter.toLowerCase() as Filter, value: (value ?? "").replace(/^"|"$/g, "") } : { text: whole });
  }
  return all;
}

/** The beginning of a day in the reader's zone, in milliseconds; none for what is no day. */
function day(text: string, later = 0): number | undefined {
  const found = /^(\d{4})-(\d{2})-(\d{2})$/.exec(text);
  if (!found) return undefined;
  const [year, month, date] = found.slice(1).map(Number) as [number, number, number];
  const is = new Date(year, month - 1, date);
  if (is.getMonth() !== month - 1) return undefined;
  return new Date(year, month - 1, date + later).getTime();
}

const fold = (text: string) => text.normalize("NFKC").toLowerCase().replace(/^#\s*/u, "");

/** Reads what was typed. `rooms` are by activity: of two with one name the livelier is meant. `me` is the reader's username. */
export function asked(text: string, rooms: Named[], me: string): Asked {
  const read: Asked = { question: { q: "" }, filters: {}, wrong: [] };
  const words: string[] = [];
  for (const { text: piece, filter, value = "" } of pieces(text)) {
    if (!filter) words.push(piece);
    else if (value !== "") read.filters[filter] = value;
  }
  const { question, filters, wrong } = read;
  question.q = words.join(" ");
  const { from, after, before, has } = filters;
  const name = from?.replace(/^@/, "");
  if (from && name) question.from = /^usr_/.test(from) ? from : `@${name.toLowerCase() === "me" ? me : name}`;
  if (filters.in) {
    const called = fold(filters.in);
    const room = rooms.find((one) => one.id === filters.in || fold(one.name) === called);
    if (room) question.room = room.id;
    else wrong.push("in");
  }
  // Both leave out the day itself.
  const since = after ? day(after, 1) : undefined;
  if (since !== undefined) question.after = new Date(since - 1).toISOString();
  else if (after) wrong.push("after");
  const until = before ? day(before) : undefined;
  if (until !== undefined) question.before = new Date(until).toISOString();
  else if (before) wrong.push("before");
  if (has === "file" || has === "link") question.has = has;
  else if (has) wrong.push("has");
  return read;
}

/** The text with a filter set, or without it. */
export function filtered(text: string, filter: Filter, value: string): string {
  const others = pieces(text).filter((piece) => piece.filter !== filter).map((piece) => piece.text);
  const bare = value.replaceAll('"', "");
  if (bare.trim() !== "") others.push(`${filter}:${/\s/u.test(bare) ? `"${bare}"` : bare}`);
  return others.join(" ");
}
