/** Who sees which pages: what the server would refuse is not offered. */

const MODERATORS = ["reports", "rooms"] as const;
const ADMINS = ["reports", "people", "rooms", "figures", "events", "requests", "letters", "holds", "notify"] as const;

export type AdminPage = (typeof ADMINS)[number];

export function pagesOf(role: string | undefined): readonly AdminPage[] {
  return role === "admin" ? ADMINS : role === "moderator" ? MODERATORS : [];
}
