/** Notifications of the browser: one for all tabs, and none of what is seen. */
import type { Notification as Entry } from "@tidings/client";
import { client } from "../client.ts";
import { worded } from "../notices.ts";
import { chosenPresence } from "../settings.ts";

/** Milliseconds in which reading elsewhere cancels one. */
const PATIENCE = 700;
const SEEN = "tidings-seen";
const KINDS = ["mention", "direct_message", "thread_reply", "invite"];

const shown = new Map<string, Notification>();
/** What another tab has on show, where its reader looks, or has told already. */
const seenElsewhere = new Set<string>();
let asked = localStorage.getItem("tidings.asked") !== null;

/** Whether it is time to ask: the user was named while they were not looking. */
let wanted = false;
const listeners = new Set<() => void>();

export const asking = {
  get: () => wanted && !asked && "Notification" in window && Notification.permission === "default",
  subscribe: (changed: () => void) => {
    listeners.add(changed);
    return () => void listeners.delete(changed);
  },
  /** The user has answered the bar: with the browser's question, or with "not now". */
  answer: (allow: boolean) => {
    asked = true;
    localStorage.setItem("tidings.asked", "1");
    listeners.forEach((one) => one());
    if (allow) void Notification.requestPermission();
  },
};

function seen(entry: Entry): boolean {
  return document.visibilityState === "visible" && document.hasFocus() && location.pathname.startsWith(`/r/${entry.room_id}`);
}

/** Shows one, and says so to the other tabs: one that was frozen, or late, has nothing to add. */
function show(entry: Entry, go: (path: string) => void, others: BroadcastChannel): void {
  const now = client.store.notifications.get(entry.id);
  // Another tab may have taken the watch meanwhile.
  if (!client.leads || !now || now.read || seen(entry) || seenElsewhere.has(entry.id) || chosenPresence().status === "dnd" || Notification.permission !== "granted") return;
  const { title, body } = worded(entry);
  const one = new Notification(title, { body, tag: entry.id });
  one.onclick = () => {
    window.focus();
    go(entry.message_id ? `/r/${entry.room_id}/m/${entry.message_id}` : "/inbox");
    one.close();
  };
  shown.set(entry.id, one);
  others.postMessage(entry.id);
}

/** Watches the inbox. Every tab calls it; the one that keeps watch shows, or another one when that is frozen. Gives what ends it. */
export function watch(go: (path: string) => void): () => void {
  const known = new Set(client.store.notifications.keys());
  let first = client.store.status.phase !== "live";
  let over = false;
  const others = new BroadcastChannel(SEEN);
  others.onmessage = (event) => seenElsewhere.add(String(event.data));
  const stop = client.store.subscribe("notifications", () => {
    const all = client.store.get("notifications");
    for (const entry of all) {
      if (entry.read) {
        shown.get(entry.id)?.close();
        shown.delete(entry.id);
        seenElsewhere.delete(entry.id);
      }
      if (known.has(entry.id)) continue;
      known.add(entry.id);
      if (entry.read || !KINDS.includes(entry.kind)) continue;
      if (seen(entry)) {
        others.postMessage(entry.id);
        continue;
      }
      // What was there when the page came is not news.
      if (first) continue;
      wanted = true;
      listeners.forEach((one) => one());
      if ("Notification" in window && Notification.permission === "granted") void client.keepsWatch().then((own) => own && setTimeout(() => over || show(entry, go, others), PATIENCE));
    }
    first = false;
  });
  return () => {
    over = true;
    wanted = false;
    stop();
    others.close();
  };
}
