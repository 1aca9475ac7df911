/** What a refusal says to people: in their own language, by its stable code and reason. The server's words, which are English, come last. */
import type { Problem } from "@tidings/client";
import { has, language, t } from "./i18n.ts";

type Code = Problem["code"];
type FieldError = NonNullable<Problem["errors"]>[number];

/** The language of the server's own words. */
const SERVER = "en";

/**
 * For each code whether the server's words can say more than the code does: those who read the server's language are told
 * these, and everybody else finds them under the details.
 */
const SAYS_MORE: Record<Code, boolean> = {
  validation_failed: true,
  invalid_code: false,
  unauthenticated: false,
  invalid_credentials: false,
  second_factor_required: false,
  reauthentication_required: false,
  token_expired: false,
  forbidden: true,
  not_verified: false,
  suspended: false,
  blocked: true,
  not_found: true,
  method_not_allowed: false,
  conflict: true,
  already_exists: true,
  gone: true,
  precondition_failed: false,
  payload_too_large: true,
  unsupported_media_type: false,
  idempotency_mismatch: false,
  rate_limited: false,
  internal: false,
  unavailable: false,
  projection_lagging: false,
};

/** Codes of fields that say all there is to say, whichever field it is. */
const PLAIN = new Set(["required", "reserved", "too_common", "domain_not_allowed", "already_exists", "invalid_code", "unknown_user", "suspended", "lost"]);

/** How fields are called where they are filled in. */
const NAMES: Record<string, string> = {
  bio: "field.bio",
  display_name: "field.display_name",
  email: "field.email",
  login: "field.login",
  password: "field.password",
  username: "field.username",
};

/** Problems of one answer that are said; with more of them a message is no help. */
const MOST = 3;

/** The name of the field: of `/members/1` it is `members`. */
function named(pointer: string): string {
  return pointer.split(/[/?]/).filter((part) => part !== "" && !/^\d+$/.test(part)).at(-1) ?? "";
}

/** What is wrong with one field. */
export function wrongWith({ pointer, code, detail }: FieldError): string {
  const own = `${named(pointer)}_${code}`;
  if (has(`wrong.${own}`)) return t(`wrong.${own}`);
  const more = language() === SERVER && detail !== "" && !PLAIN.has(code);
  return has(`wrong.${code}`) && !more ? t(`wrong.${code}`) : detail || t("error.unknown");
}

/** What a refusal says. */
export function says(problem: Problem): string {
  const wrong = (problem.errors ?? []).filter((one) => has(`wrong.${one.code}`) || has(`wrong.${named(one.pointer)}_${one.code}`));
  if (wrong.length > 0) return [...new Set(wrong.slice(0, MOST).map(placed))].join(" ");
  // A reason tells the cause where the code leaves it open; one of a later server has no words here.
  if (problem.reason && has(`because.${problem.reason}`)) return t(`because.${problem.reason}`);
  const more = language() === SERVER && problem.detail !== "" && SAYS_MORE[problem.code];
  return has(`refused.${problem.code}`) && !more ? t(`refused.${problem.code}`) : problem.detail || problem.title || t("error.unknown");
}

/** With the name of the field, unless the words have it. */
function placed(error: FieldError): string {
  const field = named(error.pointer);
  const label = has(`wrong.${field}_${error.code}`) ? undefined : NAMES[field];
  const text = wrongWith(error);
  // The server's words begin with its own name of the field.
  return label ? t("wrong.of", { field: t(label), text: text.startsWith(`${field} `) ? text.slice(field.length + 1) : text }) : text;
}

/** The problem that an error brings with it. */
export function problemOf(error: unknown): Problem | undefined {
  return (error as { problem?: Problem } | null | undefined)?.problem;
}

/** Statuses of what cannot be, or is not there: to ask once more is no help. */
const HOPELESS = [400, 404, 410, 422];

export function hopeless(error: unknown): boolean {
  return HOPELESS.includes(problemOf(error)?.status ?? 0);
}
