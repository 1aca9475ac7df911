/** Whom an `@` probably means. */
export interface Person {
  id: string;
  username: string;
  display_name: string;
}

const fold = (text: string) => text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();

/** Those whose username or a word of whose name begins with what was typed: the exact name first, then who spoke last, oneself last. */
export function suggested<P extends Person>(people: P[], typed: string, spoke: string[], me: string): P[] {
  const word = fold(typed);
  const begins = (person: P) => [person.username, ...person.display_name.split(/\s+/u)].some((one) => fold(one).startsWith(word));
  const rank = (person: P): number => {
    if (person.id === me) return Number.MAX_SAFE_INTEGER;
    if (word !== "" && person.username === word) return -1;
    const at = spoke.indexOf(person.id);
    return at < 0 ? spoke.length : at;
  };
  return people.filter(begins).sort((a, b) => rank(a) - rank(b) || a.display_name.localeCompare(b.display_name));
}
