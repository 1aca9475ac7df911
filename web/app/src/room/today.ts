import { useEffect, useState } from "react";
import { lookForZone, zone } from "../i18n.ts";

/** Draws the days anew at midnight, and when the page wakes in another zone. */
export function useToday(): void {
  const [, look] = useState("");
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout>;
    const again = () => {
      clearTimeout(timer);
      const now = new Date();
      lookForZone();
      look(`${now.toDateString()} ${zone()}`);
      timer = setTimeout(again, new Date(now.getFullYear(), now.getMonth(), now.getDate() + 1).getTime() - now.getTime() + 1_000);
    };
    again();
    document.addEventListener("visibilitychange", again);
    return () => {
      clearTimeout(timer);
      document.removeEventListener("visibilitychange", again);
    };
  }, []);
}
