/** A room that the reader is not in, or is not in any more: why, and the way in where there is one. */
import type { LostRoom, Room } from "@tidings/client";
import { useEffect, useRef, useState, type RefObject } from "react";
import { Link } from "wouter";
import { client, useKey } from "../client.ts";
import { t } from "../i18n.ts";
import { Button, Failed } from "../kit/kit.tsx";
import { problemOf } from "../refused.ts";
import css from "./room.module.css";

/** A focus that went with what stood here is in the sentence that says why. */
function useTaken(text: RefObject<HTMLElement | null>, because: unknown): void {
  useEffect(() => {
    if (because !== undefined && document.activeElement === document.body) text.current?.focus();
  }, [text, because]);
}

/** A room that only its members see. */
export function Lost({ lost: { name, how } }: { lost: LostRoom }) {
  const text = useRef<HTMLHeadingElement>(null);
  useTaken(text, how);
  const room = name === null ? t("room.direct") : `# ${name}`;
  return (
    <main className={css["gone"]}>
      <h1 ref={text} tabIndex={-1}>{t(`lost.${how}`, { room })}</h1>
      {how === "banned" ? null : <p>{t("lost.private")}</p>}
      <p><Link href="/">{t("lost.rooms")}</Link></p>
    </main>
  );
}

/** A public room. */
export function Outside({ room, name }: { room: Room; name: string }) {
  const lost = useKey(`lost:${room.id}`);
  const [error, setError] = useState<unknown>();
  const text = useRef<HTMLParagraphElement>(null);
  const join = () => void client.request("PUT", `/v1/rooms/${room.id}/members/me`).then(() => client.refresh(room.id)).catch(setError);
  const how = problemOf(error)?.reason === "banned" ? "banned" : lost?.how;
  useTaken(text, how);
  return (
    <div className={css["gone"]}>
      <p ref={text} tabIndex={-1}>{how ? t(`lost.${how}`, { room: name }) : t("room.outside", { room: name })}</p>
      {how === "banned" ? <p><Link href="/">{t("lost.rooms")}</Link></p> : (
        <>
          {how ? <p>{t("lost.public")}</p> : null}
          {error === undefined ? null : <Failed error={error} />}
          <Button server look="primary" onClick={join}>{t("room.join")}</Button>
        </>
      )}
    </div>
  );
}
