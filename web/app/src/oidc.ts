/** Logging in through a provider (OpenID Connect): with a secret of this page's own (PKCE), and a code that comes back in the fragment. */
import type { Provider } from "@tidings/client";

const KEPT = "tidings.oidc";
/** Where a provider's way ends, here. */
const BACK = "/login";

/** What a provider's way has brought. */
export interface Returned {
  /** Good for 60 seconds, once. */
  code?: string;
  /** Why there is none. */
  error?: string;
  verifier: string;
  /** Where the user wanted to go. */
  after: string;
}

/** The digest that the secret is proved by wants HTTPS, or this very machine. */
export function isPossible(): boolean {
  return typeof crypto !== "undefined" && crypto.subtle !== undefined;
}

function base64url(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes)).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

/** Where a login begins, and the secret to be kept for its end. */
export async function way(startUrl: string, origin: string): Promise<{ url: string; verifier: string }> {
  const verifier = base64url(crypto.getRandomValues(new Uint8Array(32)));
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(verifier));
  const url = new URL(startUrl, origin);
  // A server that is known under several names comes back to the one at hand.
  url.searchParams.set("return_to", url.origin === origin ? BACK : origin + BACK);
  url.searchParams.set("code_challenge", base64url(new Uint8Array(digest)));
  return { url: url.href, verifier };
}

/** Leaves for the provider. */
export async function leave(provider: Provider, after: string): Promise<void> {
  const { url, verifier } = await way(provider.start_url, location.origin);
  sessionStorage.setItem(KEPT, JSON.stringify({ verifier, after }));
  location.assign(url);
}

/** What a fragment says of a login that was begun with `kept`. */
export function read(fragment: string, kept: string | null): Returned | undefined {
  const said = new URLSearchParams(fragment.replace(/^#/, ""));
  const [code, error] = [said.get("code"), said.get("error")];
  if (!code && !error) return undefined;
  const { verifier, after } = kept ? (JSON.parse(kept) as { verifier: string; after: string }) : { verifier: "", after: "/" };
  // Begun in another tab or another browser: the code is of no use here.
  if (error || !verifier) return { error: error ?? "gone", verifier, after };
  return { code: code ?? "", verifier, after };
}

let taken: Returned | undefined;

/** What the address of this page has brought: taken out of it at once, and given once. */
export function takeReturned(): Returned | undefined {
  if (location.pathname !== BACK || location.hash === "") return taken;
  taken = read(location.hash, sessionStorage.getItem(KEPT));
  if (!taken) return undefined;
  sessionStorage.removeItem(KEPT);
  history.replaceState(history.state, "", BACK);
  return taken;
}
