/** Keys that act anywhere. */
import { client } from "../client.ts";
import { composing } from "../kit/composing.ts";
import { has } from "../routes.ts";
import { waiting } from "../waiting.ts";
import { mac } from "./key-names.ts";
import type { Overlay } from "./shell.tsx";

interface Ways {
  go: (path: string) => void;
  open: (overlay: Overlay) => void;
  search: () => void;
}

export function control(event: { ctrlKey: boolean; metaKey: boolean; altKey: boolean }): boolean {
  return (mac ? event.metaKey : event.ctrlKey) && !event.altKey;
}

export function typing(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName));
}

export function steer(event: KeyboardEvent, { go, open, search }: Ways): void {
  if (composing(event) || event.defaultPrevented) return;
  if (control(event) && event.key.toLowerCase() === "k") {
    event.preventDefault();
    open("switcher");
  } else if ((control(event) && event.key === "/") || (event.key === "?" && !typing(event.target))) {
    event.preventDefault();
    open("shortcuts");
  } else if (has("/v1/search/messages") && ((control(event) && event.shiftKey && event.key.toLowerCase() === "f") || (event.key === "/" && !control(event) && !event.altKey && !typing(event.target)))) {
    event.preventDefault();
    search();
  } else if (event.altKey && !event.ctrlKey && !event.metaKey && (event.key === "ArrowUp" || event.key === "ArrowDown")) {
    event.preventDefault();
    step(event.key === "ArrowDown" ? 1 : -1, event.shiftKey, go);
  } else if (control(event) && event.key === ".") {
    event.preventDefault();
    (document.querySelector<HTMLElement>("[data-region=panel] [data-close]") ?? document.querySelector<HTMLElement>("[data-members]"))?.click();
  } else if (event.key === "F6") {
    event.preventDefault();
    nextRegion(event.shiftKey ? -1 : 1);
  }
}

/** Goes to the room before or after the present one, or to the next one with something unread. */
function step(by: number, unread: boolean, go: (path: string) => void): void {
  const links = [...document.querySelectorAll<HTMLAnchorElement>("[data-room]")];
  const ids = links.map((link) => link.dataset["room"] ?? "");
  const at = links.findIndex((link) => link.getAttribute("aria-current") === "page");
  const around = ids.map((_, i) => ids[(((at + by * (i + 1)) % ids.length) + ids.length) % ids.length] as string);
  const next = around.find((id) => !unread || waiting(client.store.get(`room:${id}`)) > 0);
  if (next) go(`/r/${next}`);
}

/** Where one writes, or what stands there for a while. */
export const WRITES = "textarea:not([hidden] textarea), [data-focus]";

function nextRegion(by: number): void {
  const regions = [...document.querySelectorAll<HTMLElement>("[data-region]")].filter(seen);
  // One within another comes behind it: the innermost is where one is.
  const found = regions.findLastIndex((one) => one.contains(document.activeElement));
  const at = found < 0 && by < 0 ? 0 : found;
  // An empty list has nothing that could take the focus.
  for (let step = 1; step <= regions.length; step++) {
    const next = regions[(((at + by * step) % regions.length) + regions.length) % regions.length];
    const writes = next?.dataset["region"] === "composer" ? next.querySelector<HTMLElement>(WRITES) : null;
    // What Tab does not reach is none: pictures of people in messages are pressed by the pointer, their message by the keyboard.
    const inside = writes ?? next?.querySelector<HTMLElement>("[data-focus], :is(a[href], button):not([tabindex='-1']), [tabindex='0']");
    if (inside) return inside.focus();
  }
}

function seen(one: HTMLElement): boolean {
  return one.offsetParent !== null;
}
