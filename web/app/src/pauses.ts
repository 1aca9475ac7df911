/** Spans of time to choose from: how long a member is muted, banned or left alone. */
import { span, t } from "./i18n.ts";

const HOUR = 3_600;
const SPANS = [HOUR, 8 * HOUR, 24 * HOUR, 7 * 24 * HOUR, 30 * 24 * HOUR];

export interface Span {
  id: string;
  label: string;
}

/** The spans, and the next morning. */
export function pauses(): Span[] {
  return [...SPANS.map((seconds) => ({ id: String(seconds), label: span(seconds) })), { id: "morning", label: t("pause.morning") }];
}

/** The moment at which a chosen span ends; undefined for one without an end. */
export function until(id: string, now = new Date()): string | undefined {
  if (id === "morning") return new Date(now.getFullYear(), now.getMonth(), now.getDate() + (now.getHours() < 5 ? 0 : 1), 8).toISOString();
  const seconds = Number(id);
  return Number.isFinite(seconds) && seconds > 0 ? new Date(now.getTime() + seconds * 1000).toISOString() : undefined;
}
