/** Files that stand in a composer and are not sent yet. They stay when another room is opened. */
import type { Problem } from "@tidings/client";
import { useSyncExternalStore } from "react";
import { client } from "../client.ts";
import { bytes, t } from "../i18n.ts";
import { says } from "../refused.ts";
import { forget } from "./pictures.ts";

/** Files of one message. */
const MOST = 10;
/** Characters of a message; a longer text is offered as a file. */
export const LONGEST = 8_000;

const NONE: string[] = [];
const trays = new Map<string, string[]>();
const listeners = new Set<() => void>();

function put(place: string, ids: string[]): void {
  if (ids.length > 0) trays.set(place, ids);
  else trays.delete(place);
  listeners.forEach((changed) => changed());
}

function subscribe(changed: () => void): () => void {
  listeners.add(changed);
  return () => void listeners.delete(changed);
}

/** The uploads that stand in a composer. */
export function useTray(place: string): string[] {
  return useSyncExternalStore(subscribe, () => trays.get(place) ?? NONE);
}

/** Whether a file stands in any composer. */
export function holdsFiles(): boolean {
  return trays.size > 0;
}

/** Begins to upload files. Gives what is to be said of those that were not taken. */
export function attach(place: string, files: readonly File[]): string {
  // A user who signed out in between has no uploads any more.
  const before = (trays.get(place) ?? NONE).filter((id) => client.store.get(`upload:${id}`));
  const full = files.filter((file) => file.size > 0);
  const taken = full.slice(0, Math.max(0, MOST - before.length));
  put(place, [...before, ...taken.map((file) => client.upload(file))]);
  if (taken.length < full.length) return t("attach.most", { count: MOST });
  const empty = files.find((file) => file.size === 0);
  return empty ? t("attach.empty", { name: empty.name }) : "";
}

/** Gives a file up. */
export function detach(place: string, id: string): void {
  client.uploads.cancel(id);
  forget(id);
  put(place, (trays.get(place) ?? NONE).filter((one) => one !== id));
}

/** The files go with a message: the outbox has them now. */
export function take(place: string): string[] {
  const ids = (trays.get(place) ?? NONE).filter((id) => client.store.get(`upload:${id}`));
  put(place, []);
  return ids;
}

/** What a refusal of a file says to people. */
export function refusal(problem: Problem | undefined): string {
  const code = problem?.errors?.[0]?.code;
  const limit = bytes(Number(/\d+/.exec(problem?.detail ?? "")?.[0] ?? 0));
  if (code === "too_large" && problem?.status === 413) return t("attach.too_large", { limit });
  if (code === "over_quota") return /\d/.test(problem?.detail ?? "") ? t("attach.over_quota", { limit }) : t("attach.no_room");
  return problem ? says(problem) : t("error.unknown");
}

/** Files of a drop or a paste, and whether folders were among them. */
export function filesOf(data: DataTransfer | null): { files: File[]; folders: boolean } {
  const files: File[] = [];
  let folders = false;
  for (const item of data?.items ?? []) {
    if (item.kind !== "file") continue;
    const file = item.getAsFile();
    if (item.webkitGetAsEntry?.()?.isDirectory) folders = true;
    else if (file) files.push(file);
  }
  return { files, folders };
}
