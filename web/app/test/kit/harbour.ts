/** A picture of a harbour in the evening, for the pictures in the documentation. */
import { pngOf } from "./browser.ts";

type Colour = [number, number, number];

const mix = (a: Colour, b: Colour, part: number): Colour => a.map((one, n) => Math.round(one + ((b[n] ?? 0) - one) * Math.min(1, Math.max(0, part)))) as Colour;

/** The colour at a place, both from 0 to 1. */
function at(x: number, y: number): Colour {
  const horizon = 0.58;
  const sun = Math.hypot((x - 0.68) * 1.5, y - 0.5);
  const sky = mix([28, 62, 92], [246, 178, 122], (y / horizon) ** 1.6);
  const glow = mix(sky, [255, 226, 168], sun < 0.07 ? 1 : Math.max(0, 0.7 - sun * 2.6));
  const wave = Math.sin(y * 190 + Math.sin(x * 34 + y * 60) * 2.2);
  const sea = mix(mix([214, 150, 110], [16, 58, 74], ((y - horizon) / (1 - horizon)) ** 0.5), [255, 214, 150], wave > 0.75 && Math.abs(x - 0.68) < 0.05 + (y - horizon) * 0.4 ? 0.6 : wave > 0.9 ? 0.12 : 0);
  const hill = horizon - 0.05 - 0.05 * Math.sin(x * 5.2) - 0.03 * Math.sin(x * 13 + 1);
  const dark: Colour = [13, 30, 38];
  // A pier with its posts, a lighthouse at its end, and a boat.
  if (y > 0.66 && y < 0.69 && x < 0.46) return dark;
  if (y >= 0.69 && y < 0.8 && x < 0.46 && (x * 24) % 1 < 0.16) return dark;
  if (x > 0.415 && x < 0.445 && y > 0.36 && y < 0.67) return (y * 14) % 1 < 0.5 ? [150, 52, 42] : [236, 226, 214];
  if (x > 0.408 && x < 0.452 && y > 0.33 && y <= 0.36) return dark;
  if (x > 0.42 && x < 0.44 && y > 0.29 && y <= 0.33) return [255, 240, 190];
  const boat = (x - 0.78) / 0.06;
  if (y > 0.63 && y < 0.66 && Math.abs(boat) < 1 - (y - 0.63) * 9) return dark;
  if (y > 0.47 && y <= 0.63 && boat > -0.55 * ((y - 0.47) / 0.16) && boat < 0.75 * ((y - 0.47) / 0.16)) return boat < 0.04 && boat > -0.02 ? dark : [238, 224, 204];
  if (y < horizon) return y > hill ? mix(glow, [40, 58, 70], 0.8) : glow;
  return sea;
}

export function harbour(width: number, height: number): Buffer {
  return pngOf(width, Array.from({ length: height }, (_, y) => Array.from({ length: width }, (_, x) => at(x / width, y / height)).flat()));
}
