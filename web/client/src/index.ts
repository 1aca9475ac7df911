/** The client library of Tidings. docs/WEB.md has examples. */
export { connect, Client, type Options } from "./client.ts";
export { ProblemError } from "./problem.ts";
export { answer, type Api } from "./rest.ts";
export { memoryStorage, platform, type Channel, type Platform, type Put, type Socket, type Storage } from "./platform.ts";
export { indexedDbStorage } from "./storage.ts";
export { isAfter } from "./position.ts";
export type { Key, MembersView, PresenceView, Store } from "./store.ts";
export type { Row, TimelineView } from "./timeline.ts";
export type { Sessions } from "./session.ts";
export type { Uploads } from "./uploads.ts";
export type * from "./types.ts";
export type { components, paths } from "./generated.ts";
