/** The names that an `@` may mean, to choose from. Its parts are many: it comes with the first `@`. */
import * as Ariakit from "@ariakit/react";
import type { User } from "@tidings/client";
import { useEffect, type RefObject } from "react";
import { client, useKey } from "../client.ts";
import { t } from "../i18n.ts";
import { Avatar, css as kit } from "../kit/kit.tsx";
import type { Completing } from "./completion.tsx";
import { suggested } from "./suggested.ts";

const SHOWN = 8;

export default function List({ completing: { store }, area, room }: { completing: Completing; area: RefObject<HTMLTextAreaElement | null>; room: string }) {
  const typed = Ariakit.useStoreState(store, "inputValue").slice(1);
  const members = useKey(`members:${room}`);
  useEffect(() => {
    if (!members || members.stale) void client.members(room).catch(() => undefined);
  }, [room, members]);
  const people: User[] = (members?.items ?? []).map((member) => member.user);
  const spoke = client.store.get(`timeline:${room}`).rows.map((row) => row.message?.sender.id ?? "").reverse();
  const found = suggested(people, typed, spoke, client.store.me?.id ?? "").slice(0, SHOWN);
  const take = (person: User) => {
    const element = area.current;
    if (!element) return;
    const end = element.selectionStart;
    element.focus();
    element.setSelectionRange(end - typed.length - 1, end);
    // As the keyboard does it, so that undo takes it back.
    document.execCommand("insertText", false, `@${person.username} `);
  };
  return (
    <Ariakit.ComboboxPopover store={store} portal gutter={8} hidden={found.length === 0} className={kit["menu"]} aria-label={t("completion.label")}>
      {found.map((person) => (
        <Ariakit.ComboboxItem key={person.id} value={person.username} setValueOnClick={false} hideOnClick focusOnHover className={kit["item"]} onClick={() => take(person)}>
          <Avatar id={person.id} name={person.display_name} url={person.avatar_url} small />
          <span dir="auto">{person.display_name}</span>
          <span className={kit["hint"]}>@{person.username}</span>
        </Ariakit.ComboboxItem>
      ))}
    </Ariakit.ComboboxPopover>
  );
}
