/** Reactions to a message, and the way to add one. */
import type { Message } from "@tidings/client";
import { useState } from "react";
import { client } from "../client.ts";
import { t } from "../i18n.ts";
import { detail } from "../kit/kit.tsx";
import css from "./reactions.module.css";

const NAMED = 8;

/** Who reacted, in words. */
function who(users: string[], count: number): string {
  const names = users.slice(0, NAMED).map((id) => (id === client.store.me?.id ? t("members.you") : (client.store.get(`user:${id}`)?.display_name ?? "")));
  const known = names.filter(Boolean);
  const more = count - known.length;
  return more > 0 ? t("reactions.more", { names: known.join(", "), count: more }) : known.join(", ");
}

export function Reactions({ message, closed }: { message: Message; closed: boolean }) {
  const [error, setError] = useState("");
  const all = message.reactions ?? [];
  const me = client.store.me?.id ?? "";
  if (all.length === 0) return null;
  const toggle = (emoji: string, on: boolean) => client.react(message.id, emoji, on).then(() => setError(""), (failure: unknown) => setError(detail(failure)));
  return (
    <div className={css["reactions"]}>
      {all.map(({ emoji, count, users, me: said }) => {
        // A live frame is the same for everybody: then the names decide.
        const mine = said ?? users.includes(me);
        const names = who(users, count);
        return (
          <button key={emoji} type="button" className={css["one"]} aria-pressed={mine} disabled={closed} title={names} aria-label={t("reactions.one", { emoji, count, names })} onClick={() => void toggle(emoji, !mine)}>
            <span aria-hidden>{emoji}</span><span aria-hidden>{count}</span>
          </button>
        );
      })}
      {error ? <span className={css["error"]} role="alert">{error}</span> : null}
    </div>
  );
}
