/** Users by the names that people type. */
import { answer, type Room, type User } from "@tidings/client";
import { client } from "./client.ts";
import { t } from "./i18n.ts";

/** A name as it is typed, without the sign before it. */
export function bare(name: string): string {
  return name.trim().replace(/^@/, "").toLowerCase();
}

/** The user of a username. */
export async function userCalled(name: string): Promise<User> {
  const username = bare(name);
  const page = await answer(client.api.GET("/v1/users", { params: { query: { username } } }));
  const found = page.items.find((one) => one.username === username);
  if (!found) throw new Error(t("people.unknown", { name: username }));
  return found;
}

/** The conversation with a user, made if there is none yet. Gives its id. */
export async function conversation(user: string): Promise<string> {
  const { data } = await client.request<Room>("POST", "/v1/direct", { members: [user] });
  await client.refresh(data.id);
  return data.id;
}
