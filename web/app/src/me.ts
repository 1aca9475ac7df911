/** The user's own account, where no event tells of a change. */
import { answer, type Account } from "@tidings/client";
import { client } from "./client.ts";

/** Keeps an account as an answer told it. */
export function keepMe(account: Account): void {
  if (client.store.me && client.store.me.id !== account.id) return;
  client.store.me = account;
  client.store.touch("me");
}

export async function readMe(): Promise<void> {
  keepMe(await answer(client.api.GET("/v1/users/me", {})));
}
