import uFuzzy from "@leeoniya/ufuzzy";
import { fold } from "../kit/fold.ts";

const fuzzy = new uFuzzy({ intraMode: 1 });

interface Room {
  id?: string;
  name: string;
  archived: boolean;
  waits: number;
}

/** The rooms a text finds, best first. `rooms` are by activity, `left` are the ids of those that were left last, the latest first; where the reader is already comes last. */
export function ranked<T extends Room>(rooms: T[], text: string, left: string[] = [], open?: string): T[] {
  const recency = ({ id }: T) => {
    const at = left.indexOf(id ?? "");
    return at < 0 ? left.length : at;
  };
  const typed = fold(text.trim().replace(/^[#@]/, ""));
  const here = ({ id }: T) => Number(id !== undefined && id === open);
  if (typed === "") return [...rooms].sort((a, b) => Number(a.archived) - Number(b.archived) || here(a) - here(b) || b.waits - a.waits || recency(a) - recency(b));
  const loose = new Set(fuzzy.filter(rooms.map((room) => fold(room.name)), typed) ?? []);
  const score = (room: T, at: number): number => {
    const name = fold(room.name);
    if (name.startsWith(typed)) return 0;
    if (name.split(/[\s\-_.]+/u).some((word) => word.startsWith(typed))) return 1;
    return loose.has(at) ? 2 : 3;
  };
  const scored = rooms.map((room, at) => ({ room, score: score(room, at) })).filter((one) => one.score < 3);
  return scored.sort((a, b) => Number(a.room.archived) - Number(b.room.archived) || a.score - b.score || recency(a.room) - recency(b.room)).map((one) => one.room);
}
