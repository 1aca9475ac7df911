/** Lines of figures over time. */
import type { components } from "@tidings/client";

export type Stats = components["schemas"]["Stats"];

export interface Sample {
  /** Milliseconds since 1970. */
  at: number;
  stats: Stats;
}

/** Samples that are kept, and milliseconds between two: ten minutes. */
export const KEPT = 60;
export const EVERY = 10_000;

/** The samples with one more; the oldest go. */
export function sampled(all: Sample[], one: Sample): Sample[] {
  return [...all, one].slice(-KEPT);
}

/** How much a count grew a minute, between each sample and the one before. */
export function rates(all: Sample[], count: (stats: Stats) => number): number[] {
  return all.slice(1).map((one, i) => {
    const before = all[i] as Sample;
    const minutes = (one.at - before.at) / 60_000;
    return minutes > 0 ? Math.max(0, (count(one.stats) - count(before.stats)) / minutes) : 0;
  });
}

/** The points of a line of values in a box, the newest at the end; nought is at the bottom. */
export function points(values: number[], width: number, height: number): string {
  const most = Math.max(...values, 0) || 1;
  const step = values.length > 1 ? width / (values.length - 1) : width;
  const round = (one: number) => Math.round(one * 10) / 10;
  return values.map((value, i) => `${round(i * step)},${round(height - (value / most) * height)}`).join(" ");
}
