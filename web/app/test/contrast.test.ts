import { readFileSync } from "node:fs";
import { expect, test } from "vitest";

const css = readFileSync(new URL("../src/tokens.css", import.meta.url), "utf8");

/** [light, dark] of a token. */
function token(name: string): [string, string] {
  const both = new RegExp(`--${name}: light-dark\\((#[0-9a-f]{6}), (#[0-9a-f]{6})\\)`).exec(css);
  const one = new RegExp(`--${name}: (#[0-9a-f]{6})`).exec(css);
  const [light, dark] = both ? [both[1], both[2]] : [one?.[1], one?.[1]];
  if (!light || !dark) throw new Error(`no token ${name}`);
  return [light, dark];
}

function luminance(colour: string): number {
  const [r, g, b] = [1, 3, 5].map((at) => parseInt(colour.slice(at, at + 2), 16) / 255).map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)) as [number, number, number];
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

function contrast(a: string, b: string): number {
  const [light, dark] = [luminance(a), luminance(b)].sort((x, y) => y - x) as [number, number];
  return (light + 0.05) / (dark + 0.05);
}

const grounds = ["canvas", "rail", "code", "raised", "accent-wash", "mark-wash", "danger-wash", "warn-wash"];

for (const [at, theme] of ["light", "dark"].entries()) {
  test(`text can be read on every ground, ${theme}`, () => {
    for (const text of ["ink", "ink2", "accent", "mark", "danger"]) {
      for (const ground of grounds) expect(contrast(token(text)[at] ?? "", token(ground)[at] ?? ""), `${text} on ${ground}`).toBeGreaterThanOrEqual(4.5);
    }
    for (const [text, ground] of [["on-accent", "accent"], ["warn", "warn-wash"], ["ok", "canvas"]] as const) {
      expect(contrast(token(text)[at] ?? "", token(ground)[at] ?? ""), `${text} on ${ground}`).toBeGreaterThanOrEqual(4.5);
    }
    for (let n = 0; n < 8; n++) expect(contrast(token("on-avatar")[at] ?? "", token(`avatar-${n}`)[at] ?? "")).toBeGreaterThanOrEqual(4.5);
    for (const edge of ["edge", "focus"]) for (const ground of grounds) expect(contrast(token(edge)[at] ?? "", token(ground)[at] ?? ""), `${edge} on ${ground}`).toBeGreaterThanOrEqual(3);
  });
}
