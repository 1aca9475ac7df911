import { readFileSync } from "node:fs";
import { beforeAll, expect, test, vi } from "vitest";

// What a browser has and Node has not.
vi.stubGlobal("localStorage", { getItem: () => null, setItem: () => undefined });
vi.stubGlobal("document", { documentElement: { lang: "" } });
Object.defineProperty(navigator, "languages", { value: ["en-GB", "de"], configurable: true });

const { bytes, clock, lately, moment, span, speak, t, withTexts } = await import("../src/i18n.ts");
const text = (name: string, id: string) => (JSON.parse(readFileSync(new URL(`../src/locales/${name}.json`, import.meta.url), "utf8")) as Record<string, string>)[id];

beforeAll(() => speak("en"));

test("a screen that comes later brings its texts, and speaks another language with the others", async () => {
  expect(t("admin.title")).toBe("admin.title");
  expect(await withTexts(Promise.resolve("drawn"), "more", "admin")).toBe("drawn");
  expect(t("admin.title")).toBe(text("admin.en", "admin.title"));
  expect(t("list.more")).toBe(text("more.en", "list.more"));
  expect(t("app.name")).toBe("Tidings");
  await speak("de");
  expect(t("admin.title")).toBe(text("admin.de", "admin.title"));
  expect(t("list.more")).toBe(text("more.de", "list.more"));
  expect(t("inbox.title")).toBe(text("de", "inbox.title"));
  await speak("en");
});

test("of today a moment is its time only", () => {
  vi.useFakeTimers({ now: new Date(2026, 10, 24, 14, 30) });
  const at = (...time: [number, number, number, number, number]) => new Date(...time).toISOString();
  expect(lately(at(2026, 10, 24, 0, 5))).toBe(clock(at(2026, 10, 24, 0, 5)));
  expect(lately(at(2026, 10, 23, 23, 55))).toBe(moment(at(2026, 10, 23, 23, 55)));
  expect(lately(at(2026, 10, 23, 23, 55))).toContain("23 Nov 2026");
  vi.useRealTimers();
});

test("sizes and spans in the unit that suits them", () => {
  expect([0, 999, 1_500, 2_000_000, 3.5e12].map(bytes)).toEqual(["0 bytes", "999 bytes", "1.5 kB", "2 MB", "3.5 TB"]);
  expect([0, 5, 60, 90, 7_200, 86_400, 604_800].map(span)).toEqual(["0 seconds", "5 seconds", "1 minute", "90 seconds", "2 hours", "1 day", "7 days"]);
});
