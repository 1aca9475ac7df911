/** What the user is to others: what they have chosen, on all of their devices, and whether this one is in use. */
import { client } from "../client.ts";
import { chosenPresence } from "../settings.ts";

/** Milliseconds without a sign of the user after which this device does not count as in use. */
const IDLE = 5 * 60_000;
const SIGNS = ["pointerdown", "pointermove", "keydown", "wheel", "focus"] as const;

/** Tells it, and again with each connection: a server keeps it for as long as the user has one. Gives what ends it. */
export function tellPresence(): () => void {
  let used = Date.now();
  let away = false;
  let live = false;
  let timer: ReturnType<typeof setTimeout>;
  const look = () => {
    const rest = used + IDLE - Date.now();
    if (rest > 0) timer = setTimeout(look, rest);
    else if (!away) {
      away = true;
      client.setPresence("away");
    }
  };
  const sign = () => {
    used = Date.now();
    if (!away) return;
    away = false;
    client.setPresence("online");
    look();
  };
  const connected = () => {
    const before = live;
    live = client.store.get("status").phase === "live";
    if (before || !live) return;
    const { status, text } = chosenPresence();
    if (status !== "online" || text !== "") client.setPresence(status, text);
    if (away) client.setPresence("away");
  };
  const stop = client.store.subscribe("status", connected);
  for (const name of SIGNS) window.addEventListener(name, sign, { passive: true, capture: true });
  connected();
  look();
  return () => {
    stop();
    clearTimeout(timer);
    for (const name of SIGNS) window.removeEventListener(name, sign, { capture: true });
  };
}
