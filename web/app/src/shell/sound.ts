/** A short sound with the messages of rooms of which their reader wants to hear everything: from one tab, and not of what is on show. */
import type { Message, Room } from "@tidings/client";
import { client } from "../client.ts";
import { chosenPresence } from "../settings.ts";

const CHANNEL = "tidings-heard";
/** Milliseconds in which another tab may say that its reader looks at it. */
const PATIENCE = 300;
/** Milliseconds between two sounds. */
const EVERY = 3_000;
/** Messages that another tab has told of, at most. */
const KEPT = 200;
/** Two tones, in hertz, and how long each is, in seconds. */
const TONES = [660, 880];
const LENGTH = 0.09;

let audio: AudioContext | undefined;

function play(): void {
  audio ??= new AudioContext();
  // A page that was never touched may not make a sound.
  if (audio.state === "suspended") void audio.resume().catch(() => undefined);
  const volume = audio.createGain();
  volume.gain.value = 0.06;
  volume.connect(audio.destination);
  for (const [n, tone] of TONES.entries()) {
    const one = audio.createOscillator();
    one.frequency.value = tone;
    one.connect(volume);
    one.start(audio.currentTime + n * LENGTH);
    one.stop(audio.currentTime + (n + 1) * LENGTH);
  }
}

/** Whether the user does not want to be disturbed, in this browser or at all. */
function quiet(now: number): boolean {
  const until = client.store.me?.preferences?.do_not_disturb_until;
  return chosenPresence().status === "dnd" || (until ? Date.parse(until) > now : false);
}

/** The message that came to a room since `before`, where it is to be heard. */
export function heardOf(room: Pick<Room, "membership" | "last_message">, before: Pick<Message, "id" | "created_at"> | undefined, me: string | undefined): Message | undefined {
  const last = room.last_message;
  // Where the newest was deleted, the one before it is no news.
  const news = last && before && last.id !== before.id && last.created_at >= before.created_at;
  return news && room.membership?.notify === "all" && last.sender.id !== me ? last : undefined;
}

/** Every tab calls it; the one that keeps watch makes the sounds. Gives what ends it. */
export function watchSounds(): () => void {
  const known = new Map<string, Pick<Message, "id" | "created_at">>();
  const seenElsewhere = new Set<string>();
  const others = new BroadcastChannel(CHANNEL);
  others.onmessage = (event) => {
    seenElsewhere.add(String(event.data));
    // A tab that makes no sounds never asks.
    const oldest = seenElsewhere.size > KEPT ? seenElsewhere.values().next().value : undefined;
    if (oldest !== undefined) seenElsewhere.delete(oldest);
  };
  let played = -Infinity;
  let over = false;
  const sound = (id: string) => {
    const now = Date.now();
    if (over || seenElsewhere.delete(id) || quiet(now) || now - played < EVERY) return;
    played = now;
    play();
    // A tab that was frozen, or late, has nothing to add.
    others.postMessage(id);
  };
  const look = () => {
    for (const room of client.store.get("rooms")) {
      // A room that is seen for the first time is no news.
      const message = heardOf(room, known.get(room.id), client.store.me?.id);
      known.set(room.id, room.last_message ?? BEGINNING);
      if (!message) continue;
      const seen = document.visibilityState === "visible" && document.hasFocus() && location.pathname.startsWith(`/r/${room.id}`);
      if (seen) others.postMessage(message.id);
      else void client.keepsWatch().then((own) => own && setTimeout(() => sound(message.id), PATIENCE));
    }
  };
  const stop = client.store.subscribe("rooms", look);
  return () => {
    over = true;
    stop();
    others.close();
  };
}

/** Of a room in which there was nothing. */
const BEGINNING = { id: "", created_at: "" };
