/** Files that are dragged over a room and dropped into it. */
import { useState, type DragEvent, type HTMLAttributes } from "react";

interface Zone extends Pick<HTMLAttributes<HTMLElement>, "onDragEnter" | "onDragOver" | "onDragLeave" | "onDrop"> {
  "data-dropping": boolean | undefined;
}

function has(event: DragEvent): boolean {
  return event.dataTransfer.types.includes("Files");
}

/** What makes an element a place to drop files on; `taken` gets them. None: nothing may be dropped here. */
export function useDrop(taken: ((data: DataTransfer) => void) | undefined): Zone {
  // Each element within it is entered and left as well.
  const [depth, setDepth] = useState(0);
  if (!taken) return { "data-dropping": undefined };
  return {
    "data-dropping": depth > 0 || undefined,
    onDragEnter: (event) => has(event) && setDepth((now) => now + 1),
    onDragLeave: (event) => has(event) && setDepth((now) => Math.max(0, now - 1)),
    onDragOver: (event) => {
      if (!has(event)) return;
      event.preventDefault();
      event.dataTransfer.dropEffect = "copy";
    },
    onDrop: (event) => {
      if (!has(event)) return;
      event.preventDefault();
      event.stopPropagation();
      setDepth(0);
      taken(event.dataTransfer);
    },
  };
}

/** A file that is dropped beside such a place is not opened instead of the page. */
export function guard(): () => void {
  const refuse = (event: globalThis.DragEvent) => {
    if (event.defaultPrevented || !event.dataTransfer?.types.includes("Files")) return;
    event.preventDefault();
    event.dataTransfer.dropEffect = "none";
  };
  window.addEventListener("dragover", refuse);
  window.addEventListener("drop", refuse);
  return () => {
    window.removeEventListener("dragover", refuse);
    window.removeEventListener("drop", refuse);
  };
}
