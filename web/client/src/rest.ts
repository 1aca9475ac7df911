/** REST, typed by the OpenAPI document. */
import createClient, { type Client as Typed } from "openapi-fetch";
import type { paths } from "./generated.ts";
import type { Platform } from "./platform.ts";
import { ProblemError } from "./problem.ts";
import type { Sessions } from "./session.ts";

export type Api = Typed<paths>;

/** The part of a limit that is left, and of what is to be spared for what people do. */
const SPARE = 0.4;

/** Whether a `RateLimit` header, read with its `RateLimit-Policy`, leaves enough for what is fetched on suspicion. */
export function isSpare(limit: string | null, policy: string | null): boolean {
  const numbers = (text: string | null, name: string) => new Map([...(text ?? "").matchAll(new RegExp(`(?:^|,\\s*)"([^"]*)"[^,]*?;${name}=(\\d+)`, "g"))].map((found) => [found[1], Number(found[2])]));
  const quotas = numbers(policy, "q");
  return [...numbers(limit, "r")].every(([name, left]) => left >= SPARE * (quotas.get(name) ?? 0));
}

/** A client of REST that authenticates itself: a token that has expired is refreshed, and the request sent again. */
export function rest(base: string, sessions: Sessions, platform: Platform, heard: (spare: boolean) => void = () => undefined): Api {
  const send = async (request: Request): Promise<Response> => {
    const again = request.clone();
    const response = await attempt(request, await sessions.token());
    if (response.status !== 401) return response;
    const problem = (await response.clone().json().catch(() => null)) as { code?: string } | null;
    if (problem?.code !== "token_expired" && problem?.code !== "unauthenticated") return response;
    return attempt(again, await sessions.token(true));
  };
  const attempt = (request: Request, token: string) => {
    request.headers.set("authorization", `Bearer ${token}`);
    return platform.fetch(request).then((response) => {
      const left = response.headers.get("ratelimit");
      if (left) heard(isSpare(left, response.headers.get("ratelimit-policy")));
      return response;
    }, (error: unknown) => {
      throw ProblemError.unreachable(String(error));
    });
  };
  return createClient<paths>({ baseUrl: base, fetch: send });
}

/** What a request answered, or its refusal as an error. */
export async function answer<T>(asked: Promise<{ data?: T; error?: unknown; response: Response }>): Promise<T> {
  const { data, error, response } = await asked;
  if (!response.ok) throw await ProblemError.of(response, error);
  return data as T;
}
