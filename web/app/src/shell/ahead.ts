/** What will probably be wanted is fetched while nothing else is to be done: later it is there at once, and without a connection, too. */
import { client } from "../client.ts";
import { withTexts } from "../i18n.ts";
import { waiting } from "../waiting.ts";

/** Milliseconds after the first connection. */
const AFTER = 3_000;
/** Rooms with something unread that are read before they are opened. */
const ROOMS = 3;

/** What one presses most comes first. */
const PARTS: (() => Promise<unknown>)[] = [
  () => import("../kit/emoji.tsx"), () => import("../kit/confirm.tsx"), () => import("./switcher.tsx"), () => import("../room/completion-list.tsx"), () => import("../room/message-menu.tsx"),
  () => import("../room/thread.tsx"), () => import("../room/tray.tsx"), () => import("../room/lightbox.tsx"), () => withTexts(import("./shortcuts.tsx"), "more"), () => import("../screens/inbox.tsx"),
  () => import("./account.tsx"), () => withTexts(import("../room/menu.tsx"), "more"), () => withTexts(import("../room/members.tsx"), "more"), () => withTexts(import("../room/person-card.tsx"), "more"),
  () => import("../room/pins.tsx"), () => import("../room/threads.tsx"), () => import("../search/panel.ts"), () => import("../screens/threads.tsx"), () => import("../screens/browse.tsx"),
  () => import("../screens/create-room.tsx"), () => import("../screens/invite.tsx"), () => import("./status-text.tsx"), () => import("../screens/settings.tsx"),
  async () => (await import("../kit/emoji.tsx")).shown(),
];

function idle(work: () => void): void {
  if ("requestIdleCallback" in window) requestIdleCallback(work, { timeout: 5_000 });
  else setTimeout(work, 200);
}

/** The rooms that will probably be opened next. */
function rooms(): (() => Promise<unknown>)[] {
  const unread = client.store.get("rooms").filter((room) => waiting(room) > 0 && !client.store.get(`timeline:${room.id}`).loaded);
  return unread.slice(0, ROOMS).map((room) => async () => {
    if (client.spare) await client.prefetch(room.id);
  });
}

/** Begins once there is a connection, and goes on with each that comes after one was lost. Gives what ends it. */
export function ahead(): () => void {
  let stopped = false;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let left: (() => Promise<unknown>)[] | undefined;
  let under = false;
  const next = () => {
    const one = left?.[0];
    under = Boolean(one) && !stopped;
    if (!one || stopped) return;
    idle(() => void one().then(() => {
      left?.shift();
      next();
    }, () => {
      under = false;
      // What fails although the server is there is not asked for again.
      if (client.store.get("status").phase !== "live") return;
      left?.shift();
      next();
    }));
  };
  const begin = () => {
    if (client.store.get("status").phase !== "live") return;
    if (left && !under) next();
    timer ??= setTimeout(() => {
      left = [...rooms(), ...PARTS];
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
