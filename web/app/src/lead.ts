/** Links to a place in a room. */
import type { MouseEvent } from "react";
import { useLocation } from "wouter";

/** For the click on a link to a message or a thread: one who was led there before, and has gone on from it, is led there again. */
export function useLead(): (href: string) => (event: MouseEvent) => void {
  const [path, go] = useLocation();
  return (href) => (event) => {
    if (path !== href) return;
    event.preventDefault();
    go(href.replace(/\/[mt]\/[^/]+$/, ""), { replace: true });
    requestAnimationFrame(() => go(href, { replace: true }));
  };
}
