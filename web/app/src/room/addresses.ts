/** Where links lead, and what is to be said of it. */

/** Addresses that may be followed. */
export function safe(href: string): URL | undefined {
  try {
    const url = new URL(href);
    return url.protocol === "https:" || url.protocol === "http:" ? url : undefined;
  } catch {
    return undefined;
  }
}

/** What readers take for an address: with a scheme, or a name with dots that ends like one. The rest of it is no second one. */
const ADDRESS = /(?:[a-z][a-z0-9+.-]{0,20}:\/\/(?<authority>[^\s/?#]+)|(?<name>[\p{L}\p{N}-]{1,63}(?:\.[\p{L}\p{N}-]{1,63}){0,9}\.\p{L}{2,63})(?![\p{L}\p{N}-]))\S*/giu;

const bare = (host: string) => host.replace(/^www\./, "");

/** The host of what a text shows as an address; what has a user's name before its host is meant to be taken for another. */
function host(shown: string): string | undefined {
  return shown.includes("@") ? undefined : safe(`https://${shown}`)?.hostname;
}

/** What is to be shown beside a link whose text is an address other than the one it leads to. */
export function elsewhere(text: string, target: URL, written: boolean): string | undefined {
  const read = text.normalize("NFKC").replace(/[\p{Cf}\p{Default_Ignorable_Code_Point}]/gu, "").trim();
  for (const { groups } of read.matchAll(ADDRESS)) {
    if (bare(host(groups?.["authority"] ?? groups?.["name"] ?? "") ?? "") !== bare(target.hostname)) return target.hostname;
  }
  const whole = written && !/\s/.test(read) ? safe(read) : undefined;
  return whole && whole.href !== target.href ? target.href : undefined;
}
