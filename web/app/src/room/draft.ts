/** The draft of a place: what is being written down as a message stays in it until it is. */
import { draft, keepDraft } from "../settings.ts";

/** What was sent and is not written down yet, by place. It stands before what was typed since. */
const leaving = new Map<string, string[]>();

const joined = (texts: readonly string[]) => texts.filter((text) => text !== "").join("\n");
const before = (place: string) => leaving.get(place) ?? [];

/** What was typed in a place and not sent. */
export function typed(place: string): string {
  const [kept, sent] = [draft(place), joined(before(place))];
  return sent !== "" && kept.startsWith(sent) ? kept.slice(sent.length).replace(/^\n/, "") : kept;
}

/** Keeps what is typed in a place. */
export function keepTyped(place: string, text: string): void {
  keepDraft(place, joined([...before(place), text]));
}

/** A text is sent from a place, which is empty then: a page that is closed before it is written down does not lose it. Gives what is called when it is written down. */
export function keepSent(place: string, text: string): () => void {
  leaving.set(place, [...before(place), text]);
  keepTyped(place, "");
  return () => {
    const rest = typed(place);
    const others = [...before(place)];
    others.splice(others.indexOf(text), 1);
    if (others.length > 0) leaving.set(place, others);
    else leaving.delete(place);
    keepTyped(place, rest);
  };
}
