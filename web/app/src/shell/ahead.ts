/** What will probably be wanted is fetched while nothing else is to be done: later it is there at once, and without a connection, too. */
import { client } from "../client.ts";
import { withTexts } from "../i18n.ts";
import { waiting } from "../waiting.ts";

/** Milliseconds after the first connection. */
const AFTER = 3_000;
/** Rooms with something unread that are read before they are opened. */
const ROOMS = 3;

const PARTS: (() => Promise<unknown>)[] = [
  () => import("../kit/emoji.tsx"), () => import("../kit/confirm.tsx"), () => import("./switcher.tsx"), () => import("../room/completion-list.tsx"), () => import("../room/message-menu.tsx"),
  () => import("../room/thread.tsx"), () => import("../room/tray.tsx"), () => import("../room/lightbox.tsx"), () => withTexts(import("./shortcuts.tsx"), "more"), () => import("../screens/inbox.tsx"),
];

function idle(work: () => void): void {
  if ("requestIdleCallback" in window) requestIdleCallback(work, { timeout: 5_000 });
  else setTimeout(work, 200);
}

/** The rooms that will probably be opened next. */
function rooms(): (() => Promise<unknown>)[] {
  const unread = client.store.get("rooms").filter((room) => waiting(room) > 0 && !client.store.get(`timeline:${room.id}`).loaded);
  return unread.slice(0, ROOMS).map((room) => async () => {
    if (client.spare) await client.open(room.id).finally(() => client.shut(room.id));
  });
}

/** Begins once there is a connection. Gives what ends it. */
export function ahead(): () => void {
  let stopped = false;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const begin = () => {
    if (timer || client.store.get("status").phase !== "live") return;
    timer = setTimeout(() => {
      const all = [...rooms(), ...PARTS];
      const next = () => {
        const one = all.shift();
        if (one && !stopped) idle(() => void one().catch(() => undefined).finally(next));
      };
      // Where every byte counts nothing is fetched on suspicion.
      if (!(navigator as { connection?: { saveData?: boolean } }).connection?.saveData) next();
    }, AFTER);
  };
  const stop = client.store.subscribe("status", begin);
  begin();
  return () => {
    stopped = true;
    clearTimeout(timer);
    stop();
  };
}
