import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import { ProblemError, type Problem } from "@tidings/client";

// What a browser has and Node has not.
vi.stubGlobal("localStorage", { getItem: () => null, setItem: () => undefined });
vi.stubGlobal("document", { documentElement: { lang: "" } });
Object.defineProperty(navigator, "languages", { value: ["en-GB", "de"], configurable: true });

const { has, LANGUAGES, speak, t } = await import("../src/i18n.ts");
const { problemOf, says, wrongWith } = await import("../src/refused.ts");

const root = join(import.meta.dirname, "../../..");
interface Listed {
  enum?: string[];
  oneOf?: { const?: string; enum?: string[] }[];
}

const openapi = JSON.parse(readFileSync(join(root, "gateway/openapi.json"), "utf8")) as { components: { schemas: { Code: Listed; RefusalReason: Listed } } };
const listed = (schema: Listed) => schema.enum ?? (schema.oneOf ?? []).flatMap((one) => one.enum ?? [one.const ?? ""]);
const CODES = listed(openapi.components.schemas.Code);
const REASONS = listed(openapi.components.schemas.RefusalReason);

/** The codes of fields that the server's sources name. */
function fieldCodes(): string[] {
  const found = new Set<string>();
  for (const part of ["schemas", "auth-svc", "chat-svc", "gateway", "notifier"]) {
    const folder = join(root, part, "src");
    for (const name of readdirSync(folder, { recursive: true, encoding: "utf8" })) {
      if (!name.endsWith(".rs") || /(^|\/)tests?(\.rs$|\/)/.test(name)) continue;
      const source = readFileSync(join(folder, name), "utf8").split("#[cfg(test)]")[0] ?? "";
      const made = source.matchAll(/(?:\.refuse(?:::<[^>]*>)?|::field(?:_because)?|\b(?<!\.)(?:invalid|error))\(\s*(?:[\w:.&]+,\s*)?(?:"[/?]?[^"]*",\s*|&?[\w.]+,\s*|&format!\([^)]*\),\s*)?"([a-z_]+)"\s*,?/g);
      for (const [, code] of [...made, ...source.matchAll(/\bcode: "([a-z_]+)"/g)]) found.add(code ?? "");
    }
  }
  return [...found].sort();
}

function problem(code: string, more: Partial<Problem> = {}): Problem {
  return { type: `/problems/${code}`, title: "Title", status: 400, detail: "the server's own words", code: code as Problem["code"], retryable: false, trace_id: "t", ...more };
}

const field = (pointer: string, code: string) => ({ pointer, code, detail: "the server's own words" });

describe("refusals", () => {
  beforeAll(() => speak("en"));
  afterEach(() => speak("en"));

  test("every code of the API has words in every language, and no language but the server's is told the server's", async () => {
    expect(CODES.length).toBeGreaterThan(20);
    for (const language of LANGUAGES) {
      await speak(language);
      for (const code of [...CODES, "unreachable"]) {
        expect(has(`refused.${code}`), `${code} in ${language}`).toBe(true);
        const own = t(`refused.${code}`);
        // Words that say the same in two languages are a text that was not translated.
        if (language !== "en") expect(says(problem(code)), `${code} in ${language}`).toBe(own);
        expect(says(problem(code, { detail: "" })), `${code} in ${language}`).toBe(own);
      }
    }
    const [en, de] = LANGUAGES.map((language) => JSON.parse(readFileSync(join(root, `web/app/src/locales/${language}.json`), "utf8")) as Record<string, string>);
    for (const id of Object.keys(en ?? {}).filter((one) => /^(because|refused|wrong)\./.test(one) && one !== "wrong.of")) expect(de?.[id], id).not.toBe(en?.[id]);
  });

  test("every reason of the API has words in every language, and they are what is said", async () => {
    expect(REASONS.length).toBeGreaterThan(40);
    expect(REASONS).toEqual(expect.arrayContaining(["room_archived", "muted", "only_admins_post", "not_a_member", "last_owner", "slow_mode"]));
    for (const language of LANGUAGES) {
      await speak(language);
      for (const reason of REASONS) {
        expect(has(`because.${reason}`), `${reason} in ${language}`).toBe(true);
        const refused = problem("conflict", { reason: reason as NonNullable<Problem["reason"]> });
        expect(says(refused), `${reason} in ${language}`).toBe(t(`because.${reason}`));
        expect(says(refused), `${reason} in ${language}`).not.toBe(t("refused.conflict"));
      }
    }
    // What no reason of the API is has no words to go stale.
    const catalogue = JSON.parse(readFileSync(join(root, "web/app/src/locales/en.json"), "utf8")) as Record<string, string>;
    expect(Object.keys(catalogue).filter((id) => id.startsWith("because.")).sort()).toEqual(REASONS.map((reason) => `because.${reason}`).sort());
  });

  test("a reason of a later server is as none, and a field says more than a reason", async () => {
    await speak("de");
    const later = problem("conflict", { reason: "out_of_tea" as NonNullable<Problem["reason"]> });
    expect(says(later)).toBe(t("refused.conflict"));
    const closed = problem("forbidden", { reason: "domain_not_allowed", errors: [field("/email", "domain_not_allowed")] });
    expect(says(closed)).toBe(`${t("field.email")}: ${t("wrong.domain_not_allowed")}`);
  });

  test("every code of a field that the server's sources name has words in every language", async () => {
    const codes = fieldCodes();
    expect(codes).toEqual(expect.arrayContaining(["already_exists", "domain_not_allowed", "invalid_format", "mismatch", "not_found", "over_quota", "required", "reserved", "too_common", "too_long", "unknown_field", "unknown_user", "wrong_type"]));
    for (const language of LANGUAGES) {
      await speak(language);
      for (const code of codes) expect(has(`wrong.${code}`), `${code} in ${language}`).toBe(true);
    }
  });

  test("who reads the server's language is told the cause, where the code does not tell it", async () => {
    expect(says(problem("conflict"))).toBe("the server's own words");
    expect(says(problem("rate_limited"))).toBe(t("refused.rate_limited"));
    await speak("de");
    expect(says(problem("conflict"))).toBe(t("refused.conflict"));
  });

  test("a field says what is wrong with it, by its own words where it has some", async () => {
    const taken = problem("already_exists", { errors: [field("/username", "already_exists")] });
    expect(says(taken)).toBe("That username is taken.");
    const direction = { ...field("/display_name", "invalid_format"), detail: "display_name must not contain U+202E" };
    expect(says(problem("validation_failed", { errors: [direction] }))).toBe("Your name: must not contain U+202E");
    await speak("de");
    expect(says(taken)).toBe("Dieser Benutzername ist vergeben.");
    expect(wrongWith(field("/topic", "too_long"))).toBe("Zu lang.");
    expect(wrongWith(field("/members/3", "not_found"))).toBe("Eine der Personen gibt es nicht.");
    expect(says(problem("validation_failed", { errors: [field("/display_name", "too_long"), field("/bio", "too_long"), field("/bio", "too_long")] }))).toBe("Dein Name: Zu lang. Über dich: Zu lang.");
  });

  test("a code of a later server falls back to the server's words, and what has none to a sentence", async () => {
    await speak("de");
    expect(says(problem("out_of_tea"))).toBe("the server's own words");
    expect(says(problem("out_of_tea", { detail: "", title: "" }))).toBe(t("error.unknown"));
    expect(wrongWith(field("/name", "too_green"))).toBe("the server's own words");
    // Words for the whole are better than none for a field.
    expect(says(problem("conflict", { errors: [field("/name", "too_green")] }))).toBe(t("refused.conflict"));
    expect(wrongWith({ ...field("/name", "too_green"), detail: "" })).toBe(t("error.unknown"));
  });

  test("the problem is that of an error", () => {
    expect(problemOf(ProblemError.unreachable("no answer"))?.code).toBe("unreachable");
    expect([problemOf(new Error("x")), problemOf(undefined), problemOf(null)]).toEqual([undefined, undefined, undefined]);
  });
});
