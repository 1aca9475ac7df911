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

/** A list of the API. */
export interface Page<T> {
  items: T[];
  next_cursor?: string | null;
}

/** A message that was submitted and is not confirmed yet. */
export interface OutboxEntry {
  /** 128 random bits: the server stores one message for it, however often it is sent. */
  client_id: string;
  /** Who wrote it. */
  user_id: string;
  room_id: string;
  thread_root_id?: string;
  body: string;
  format: "plain" | "markdown";
  /** When it was submitted, in milliseconds; also the order of sending. */
  submitted_at: number;
  /** `waiting`: not sent yet. `unknown`: sent, no answer yet. `sent`: stored, its event is on the way. `failed`: refused for good, or dropped or repeated by the user. `old`: found more than a day after it was written; it goes out when the user repeats it. */
  state: "waiting" | "unknown" | "sent" | "failed" | "old";
  /** Why it failed. */
  problem?: Problem;
  /** Files that go with it: it is sent once all of them are on the server. */
  files?: OutboxFile[];
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
  | { phase: "waiting"; until: number; attempt: number }
  | { phase: "failed"; detail: string; code: number };
