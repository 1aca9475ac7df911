/** The documents of the API, as the generated types name them. */
import type { components } from "./generated.ts";

type Schemas = components["schemas"];

export type Account = Schemas["Account"];
export type Media = Schemas["Media"];
export type Member = Schemas["Member"];
export type Message = Schemas["Message"];
export type Notification = Schemas["Notification"];
export type Problem = Schemas["Problem"];
export type Room = Schemas["Room"];
export type ServerFrame = Schemas["ServerFrame"];
export type ClientFrame = Schemas["ClientFrame"];
export type Session = Schemas["Session"];
export type SessionTokens = Schemas["SessionTokens"];
export type Provider = Schemas["Provider"];
export type Thread = Schemas["Thread"];
export type Unread = Schemas["UnreadSummary"];
export type User = Schemas["User"];
export type EventFrame = Extract<ServerFrame, { type: "event" }>;

/** A room that was the user's until a while ago, as it was called then. */
export interface LostRoom {
  name: string | null;
  /** The server does not tell who is removed from who leaves: `removed` may be a leaving on another device. */
  how: "removed" | "banned" | "left";
}

/** A list of the API. */
export interface Page<T> {
  items: T[];
  next_cursor?: string | null;
}

/** What was submitted and is not confirmed yet: a message, or a change of one. */
export type OutboxEntry = OutboxPost | OutboxChange;

interface Submitted {
  /** 128 random bits. */
  client_id: string;
  /** Who wrote it. */
  user_id: string;
  room_id: string;
  /** When it was submitted, in milliseconds; also the order of sending. */
  submitted_at: number;
  /** `waiting`: not sent yet. `unknown`: sent, no answer yet. `sent`: stored, its event is on the way. `failed`: refused for good, or dropped or repeated by the user. `old`: found more than a day after it was written; it goes out when the user repeats it. */
  state: "waiting" | "unknown" | "sent" | "failed" | "old";
  /** Why it failed. */
  problem?: Problem;
}

/** A message that was submitted: the server stores one for its `client_id`, however often it is sent. */
export interface OutboxPost extends Submitted {
  kind?: undefined;
  thread_root_id?: string;
  body: string;
  format: "plain" | "markdown";
  /** Files that go with it: it is sent once all of them are on the server. */
  files?: OutboxFile[];
}

/** Something that was done to a message. */
export interface OutboxChange extends Submitted {
  kind: "edit" | "delete" | "react" | "unreact";
  /** The message; the `client_id` of one that is on its way, until the server has it. */
  message_id: string;
  /** The text that an edit gives it. */
  body?: string;
  /** The reaction that is added or taken back. */
  emoji?: string;
}

/** A file on its way. */
export interface OutboxFile {
  /** 128 random bits: it is asked for under this name, so that a repeat goes on with the same upload. */
  id: string;
  filename: string;
  content_type: string;
  /** In bytes. */
  size: number;
  /** Its bytes, until the server has them. */
  data?: Blob;
  /** What the server has. */
  media?: Media;
}

/** How far a file is. */
export interface UploadView {
  file: OutboxFile;
  /** `waiting`: for its turn, or for the server. `sending`: `sent` bytes are. `checking`: the server looks at it. `failed`: refused for good. */
  state: "waiting" | "sending" | "checking" | "done" | "failed";
  sent: number;
  /** Why it failed. */
  problem?: Problem;
}

/** What the connection is doing. */
export type Status =
  | { phase: "signedOut"; reason?: "ended" | "left" }
  | { phase: "connecting" | "syncing" | "live" }
  /** The page was hidden for long, and another one listens: its connection was given back until it is looked at. */
  | { phase: "parked" }
  /** `code`: why, where the server has said so: 4409 is "too many tabs and devices". */
  | { phase: "waiting"; until: number; attempt: number; code?: number }
  | { phase: "failed"; detail: string; code: number };
