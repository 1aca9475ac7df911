/** What this browser remembers: the theme, drafts, places. */
export type Theme = "system" | "light" | "dark";

const THEME = "tidings.theme";
const DRAFT = "tidings.draft.";

export function theme(): Theme {
  const kept = localStorage.getItem(THEME);
  return kept === "light" || kept === "dark" ? kept : "system";
}

export function applyTheme(next?: Theme): void {
  if (next) localStorage.setItem(THEME, next);
  const now = theme();
  if (now === "system") delete document.documentElement.dataset["theme"];
  else document.documentElement.dataset["theme"] = now;
}

/** What was typed and not sent. `place` names the user and the timeline. */
export function draft(place: string): string {
  return localStorage.getItem(DRAFT + place) ?? "";
}

/** The places of what was typed in a timeline and not sent: its draft, and edits of its messages. */
export function drafts(place: string): string[] {
  return Object.keys(localStorage).map((key) => key.slice(DRAFT.length)).filter((one) => (one === place || one.startsWith(`${place}.edit.`)) && draft(one) !== "").sort();
}

export function keepDraft(place: string, text: string): void {
  if (text.trim() === "") localStorage.removeItem(DRAFT + place);
  else localStorage.setItem(DRAFT + place, text);
}

/** Calls back when another tab has kept another draft of a place, with what it was before. Gives what ends it. */
export function onDraft(place: string, changed: (before: string) => void): () => void {
  const heard = (event: StorageEvent) => {
    if (event.storageArea === localStorage && event.key === DRAFT + place) changed(event.oldValue ?? "");
  };
  window.addEventListener("storage", heard);
  return () => window.removeEventListener("storage", heard);
}

const EXPORT = "tidings.export.";

/** The export that a user has asked for, of which a later visit wants to know. */
export function exported(user: string): string | undefined {
  return localStorage.getItem(EXPORT + user) ?? undefined;
}

export function keepExport(user: string, id: string | undefined): void {
  if (id) localStorage.setItem(EXPORT + user, id);
  else localStorage.removeItem(EXPORT + user);
}

/** What one can be to others; that a device is not in use is found out. */
export const PRESENCES = ["online", "dnd", "invisible"] as const;

export interface ChosenPresence {
  status: (typeof PRESENCES)[number];
  /** A line beside it; may be empty. */
  text: string;
}

const PRESENCE = "tidings.presence";

/** What the user wants to be to others. */
export function chosenPresence(): ChosenPresence {
  const [status, ...text] = (localStorage.getItem(PRESENCE) ?? "").split(" ");
  return { status: PRESENCES.find((one) => one === status) ?? "online", text: text.join(" ") };
}

export function keepPresence({ status, text }: ChosenPresence): void {
  localStorage.setItem(PRESENCE, `${status} ${text}`);
}

const RECENT = "tidings.recent";
/** Rooms that are remembered as visited. */
const REMEMBERED = 30;

/** The rooms that were left last, the latest first. */
export function recentRooms(): string[] {
  return (sessionStorage.getItem(RECENT) ?? "").split(" ").filter(Boolean);
}

export function keepVisit(room: string): void {
  sessionStorage.setItem(RECENT, [room, ...recentRooms().filter((one) => one !== room)].slice(0, REMEMBERED).join(" "));
}

/** The user has signed out: nothing of theirs is left here. */
export function forgetDrafts(): void {
  for (const key of Object.keys(localStorage)) if (key.startsWith(DRAFT) || key.startsWith(EXPORT) || key === PRESENCE) localStorage.removeItem(key);
  sessionStorage.removeItem(RECENT);
  for (const key of Object.keys(sessionStorage)) if (key.startsWith(PLACE)) sessionStorage.removeItem(key);
  places.clear();
}

/** Which new messages are said to screen readers. */
export const HEARD = ["all", "mentions", "none"] as const;
export type Heard = (typeof HEARD)[number];

const ANNOUNCED = "tidings.announce";
const LETTERS = "tidings.letters";
const ENTER = "tidings.enter";

export function announced(): Heard {
  const kept = localStorage.getItem(ANNOUNCED);
  return HEARD.find((one) => one === kept) ?? "all";
}

export function keepAnnounced(heard: Heard): void {
  localStorage.setItem(ANNOUNCED, heard);
}

/** Whether single letters do something with a message that has the focus. */
export function letters(): boolean {
  return localStorage.getItem(LETTERS) !== "off";
}

export function keepLetters(on: boolean): void {
  localStorage.setItem(LETTERS, on ? "on" : "off");
}

/** Whether Enter sends; otherwise it begins a new line, and Ctrl Enter sends. */
export function enterSends(): boolean {
  return localStorage.getItem(ENTER) !== "line";
}

export function keepEnter(sends: boolean): void {
  localStorage.setItem(ENTER, sends ? "send" : "line");
}

const REACTIONS = "tidings.reactions";
/** What most people react with, until they have ways of their own; as the picker writes them, or they would count apart. */
const USUAL = ["\u{1F44D}\uFE0F", "\u{2764}\uFE0F", "\u{1F602}", "\u{1F389}", "\u{1F440}"];

/** The five reactions that were used last, for the keys 1 to 5. */
export function reactions(): string[] {
  const kept = (localStorage.getItem(REACTIONS) ?? "").split(" ").filter(Boolean);
  return [...new Set([...kept, ...USUAL])].slice(0, USUAL.length);
}

export function keepReaction(emoji: string): void {
  localStorage.setItem(REACTIONS, [...new Set([emoji, ...reactions()])].slice(0, USUAL.length).join(" "));
}

/** Where the reader of a timeline stopped. */
export interface Place {
  message: string;
  /** Pixels of the message's top below that of the view. */
  offset: number;
}

const PLACE = "tidings.place.";
const places = new Map<string, Place | undefined>();

export function place(timeline: string): Place | undefined {
  if (!places.has(timeline)) {
    const kept = sessionStorage.getItem(PLACE + timeline);
    places.set(timeline, kept ? (JSON.parse(kept) as Place) : undefined);
  }
  return places.get(timeline);
}

/** Undefined: at the end. */
export function keepPlace(timeline: string, at: Place | undefined): void {
  places.set(timeline, at);
  if (at) sessionStorage.setItem(PLACE + timeline, JSON.stringify(at));
  else sessionStorage.removeItem(PLACE + timeline);
}

const SIGNED_IN = "tidings.signed-in";

/** Whether this browser may hold the cookie of a session. */
export function signedIn(): boolean {
  return localStorage.getItem(SIGNED_IN) !== null;
}

const OWED = "tidings.owed";

/** The session that was left without a connection: the server has still to be told. */
export function owed(): string | undefined {
  return localStorage.getItem(OWED) ?? undefined;
}

export function keepOwed(session: string | undefined): void {
  if (session) localStorage.setItem(OWED, session);
  else localStorage.removeItem(OWED);
}

/** Who is signed in. What another person has left here goes before anything of it is shown. */
export function keepSignedIn(user: string | undefined): void {
  const before = localStorage.getItem(SIGNED_IN);
  // It was not kept by name always.
  if (user && before && before !== "1" && before !== user) forgetDrafts();
  if (user) keepOwed(undefined);
  if (user) localStorage.setItem(SIGNED_IN, user);
  else localStorage.removeItem(SIGNED_IN);
}
