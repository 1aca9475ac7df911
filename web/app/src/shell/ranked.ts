import uFuzzy from "@leeoniya/ufuzzy";

const fuzzy = new uFuzzy({ intraMode: 1 });

/** The rooms a text finds, best first; `rooms` are by activity. */
export function ranked<T extends { name: string; archived: boolean; waits: number }>(rooms: T[], text: string): T[] {
  const fold = (one: string) => one.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();
  const typed = fold(text.trim().replace(/^[#@]/, ""));
  if (typed === "") return [...rooms].sort((a, b) => Number(a.archived) - Number(b.archived) || b.waits - a.waits);
  const loose = new Set(fuzzy.filter(rooms.map((room) => fold(room.name)), typed) ?? []);
  const score = (room: T, at: number): number => {
    const name = fold(room.name);
    if (name.startsWith(typed)) return 0;
    if (name.split(/[\s\-_.]+/u).some((word) => word.startsWith(typed))) return 1;
    return loose.has(at) ? 2 : 3;
  };
  const scored = rooms.map((room, at) => ({ room, score: score(room, at) })).filter((one) => one.score < 3);
  return scored.sort((a, b) => Number(a.room.archived) - Number(b.room.archived) || a.score - b.score).map((one) => one.room);
}
