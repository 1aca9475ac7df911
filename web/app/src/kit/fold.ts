/** A text as it is compared in searches: accents, case and the widths of signs do not count. */
export function fold(text: string): string {
  return text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();
}
