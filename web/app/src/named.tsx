/** A user by their id: the API says who did something, not what they are called. */
import { useEffect } from "react";
import { client, useKey } from "./client.ts";
import { t } from "./i18n.ts";

const asked = new Set<string>();

export function Named({ id }: { id: string }) {
  const user = useKey(`user:${id}`);
  const known = user !== undefined;
  useEffect(() => {
    if (known || !id.startsWith("usr_") || asked.has(id)) return;
    asked.add(id);
    client.user(id).catch(() => undefined);
  }, [id, known]);
  if (user) return <span dir="auto" title={`@${user.username}`}>{user.deleted ? t("people.deleted") : user.display_name}</span>;
  return <code>{id}</code>;
}
