/** The title of the page and its icon say what waits. */
import { useEffect } from "react";
import { useLocation } from "wouter";
import { useKey } from "../client.ts";
import { t } from "../i18n.ts";
import quiet from "../icon.svg";
import loud from "../icon-unread.svg";
import { roomName } from "../names.ts";
import { useShown } from "./titled.ts";

export function Title() {
  const [path] = useLocation();
  const unread = useKey("unread");
  const room = useKey(`room:${path.startsWith("/r/") ? (path.split("/")[2] ?? "") : ""}`);
  useKey(`members:${room?.id ?? ""}`);
  const waits = unread.rooms + unread.threads;
  const page = useShown();
  const name = room ? `${room.kind === "direct" ? "" : "# "}${roomName(room)} - ` : page && `${page} - `;
  useEffect(() => {
    document.title = `${waits > 0 ? `(${waits}) ` : ""}${name}${t("app.name")}`;
    document.querySelector<HTMLLinkElement>("link[rel=icon]")?.setAttribute("href", waits > 0 ? loud : quiet);
  }, [waits, name]);
  return null;
}
