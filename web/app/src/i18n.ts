/** Texts by catalogue. No text for people stands in the code; a test holds it. */
import { setupI18n } from "@lingui/core";
import { useSyncExternalStore } from "react";

export const LANGUAGES = ["en", "de"] as const;
export type Language = (typeof LANGUAGES)[number];

const KEPT = "tidings.language";
const i18n = setupI18n();
const loaders: Record<Language, () => Promise<{ default: Record<string, string> }>> = {
  en: () => import("./locales/en.json"),
  de: () => import("./locales/de.json"),
};

/** Texts of screens that come later, in catalogues of their own: the first load carries none of them. */
const PARTS = {
  more: { en: () => import("./locales/more.en.json"), de: () => import("./locales/more.de.json") },
  admin: { en: () => import("./locales/admin.en.json"), de: () => import("./locales/admin.de.json") },
} satisfies Record<string, Record<Language, () => Promise<{ default: Record<string, string> }>>>;

export type Part = keyof typeof PARTS;

const wanted = new Set<Part>();

/** The language that was chosen, else the first of the browser's that there is. */
export function preferred(): Language {
  const wanted = [localStorage.getItem(KEPT), ...navigator.languages].map((one) => one?.slice(0, 2));
  return LANGUAGES.find((one) => one === wanted.find((want) => LANGUAGES.includes(want as Language))) ?? "en";
}

export async function speak(language: Language, keep = false): Promise<void> {
  const catalogues = await Promise.all([loaders[language](), ...[...wanted].map((part) => PARTS[part][language]())]);
  i18n.loadAndActivate({ locale: language, messages: Object.assign({}, ...catalogues.map((one) => one.default)) as Record<string, string> });
  document.documentElement.lang = language;
  if (keep) localStorage.setItem(KEPT, language);
}

/** A screen that comes later, with its texts. */
export async function withTexts<T>(screen: Promise<T>, ...parts: Part[]): Promise<T> {
  for (const part of parts) wanted.add(part);
  const now = language();
  const [drawn, ...catalogues] = await Promise.all([screen, ...parts.map((part) => PARTS[part][now]())]);
  i18n.load(now, Object.assign({}, ...catalogues.map((one) => one.default)) as Record<string, string>);
  return drawn;
}

export function language(): Language {
  return i18n.locale as Language;
}

/** A text of the catalogue. */
export function t(id: string, values?: Record<string, string | number>): string {
  return i18n._(id, values);
}

/** Whether the catalogue has a text. */
export function has(id: string): boolean {
  return id in i18n.messages;
}

/** Draws a component again when the language changes. */
export function useLanguage(): string {
  return useSyncExternalStore((changed) => i18n.on("change", changed), () => i18n.locale);
}

/** The catalogue's language as it is written where the reader is. */
function place(): string {
  return navigator.languages.find((one) => one.startsWith(i18n.locale)) ?? i18n.locale;
}

let here = "";

/** The reader's zone, as it was found last. */
export function zone(): string {
  return here;
}

/** Finds out in which zone the reader is: a laptop travels. */
export function lookForZone(): void {
  here = Intl.DateTimeFormat().resolvedOptions().timeZone;
}

const formats = new Map<string, Intl.DateTimeFormat>();

function format(name: string, options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const key = `${i18n.locale} ${zone()} ${name}`;
  let one = formats.get(key);
  if (!one) formats.set(key, (one = new Intl.DateTimeFormat(place(), options)));
  return one;
}

export function clock(time: string | number): string {
  return format("clock", { hour: "2-digit", minute: "2-digit" }).format(new Date(time));
}

export function day(time: string | number): string {
  return format("day", { weekday: "long", day: "numeric", month: "long" }).format(new Date(time));
}

export function moment(time: string | number): string {
  return format("moment", { dateStyle: "medium", timeStyle: "short" }).format(new Date(time));
}

/** A moment as short as it can be said: of today its time only. */
export function lately(time: string): string {
  return dayOf(time) === new Date().toDateString() ? clock(time) : moment(time);
}

/** The day of a time in the reader's zone, to compare. */
export function dayOf(time: string): string {
  return new Date(time).toDateString();
}

export function number(value: number): string {
  return new Intl.NumberFormat(place()).format(value);
}

const UNITS = ["byte", "kilobyte", "megabyte", "gigabyte", "terabyte"];

/** A size in the unit that suits it. */
export function bytes(value: number): string {
  const step = value < 1 ? 0 : Math.min(UNITS.length - 1, Math.floor(Math.log10(value) / 3));
  return new Intl.NumberFormat(place(), { style: "unit", unit: UNITS[step] ?? "byte", unitDisplay: step > 0 ? "short" : "long", maximumFractionDigits: step > 0 ? 1 : 0 }).format(value / 1000 ** step);
}

/** A span of time in the largest unit that measures it whole. */
export function span(seconds: number): string {
  const [unit, length] = ([["day", 86_400], ["hour", 3_600], ["minute", 60]] as const).find(([, size]) => seconds >= size && seconds % size === 0) ?? (["second", 1] as const);
  return new Intl.NumberFormat(place(), { style: "unit", unit, unitDisplay: "long" }).format(seconds / length);
}
