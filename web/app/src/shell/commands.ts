/** Everything one can do without a pointer, by name: the quick switcher lists it after a `>`. */
import { t } from "../i18n.ts";
import { fold } from "../kit/fold.ts";
import { has } from "../routes.ts";
import type { Overlay } from "./shell.tsx";

export interface Command {
  id: string;
  label: string;
  run: () => void;
}

/** Presses what is there. A command runs once the switcher is gone. */
function press(selector: string): (() => void) | undefined {
  const there = () => document.querySelector<HTMLElement>(selector);
  return there() ? () => void setTimeout(() => there()?.click()) : undefined;
}

export function commands(go: (path: string) => void, open: (overlay: Overlay) => void, search: () => void, moderates: boolean): Command[] {
  const all: [string, string, (() => void) | undefined][] = [
    ["inbox", t("inbox.title"), () => go("/inbox")],
    ["threads", t("threads.title"), has("/v1/rooms/{room_id}/threads") ? () => go("/threads") : undefined],
    ["browse", t("browse.title"), () => go("/browse")],
    ["search", t("search.title"), has("/v1/search/messages") ? search : undefined],
    ["room", t("rooms.create"), press("[data-create]")],
    ["attach", t("attach.add"), press("[data-files]")],
    // Not while a sentence stands in the place of the text.
    ["preview", t("composer.preview"), press("[data-preview]:not([hidden] *)")],
    ["emoji", t("emoji.label"), press("[data-emoji]:not([hidden] *)")],
    ["members", t("members.title"), press("[data-members]")],
    ["pins", t("pins.title"), press("[data-pins]")],
    ["more", t("action.more"), press("[data-room-menu]")],
    ["account", t("account.label"), press("[data-own]")],
    ["settings", t("settings.title"), () => go("/settings/profile")],
    ["admin", t("rail.admin"), moderates ? () => go("/admin/reports") : undefined],
    ["keys", t("keys.title"), () => open("shortcuts")],
  ];
  return all.flatMap(([id, label, run]) => (run ? { id, label, run } : []));
}

/** The commands that a text names, those that begin with it first. */
export function matching(all: Command[], text: string): Command[] {
  const typed = fold(text.trim());
  const at = ({ label }: Command) => fold(label).indexOf(typed);
  return all.filter((one) => at(one) >= 0).sort((a, b) => at(a) - at(b));
}
