/** Places in the log, `<epoch>:<sequence>`. Only those of one epoch can be compared. */

function parts(position: string): [string, number] {
  const at = position.lastIndexOf(":");
  return [position.slice(0, at), Number(position.slice(at + 1))];
}

/** Whether `a` is behind `b`, or belongs to another log. */
export function isAfter(a: string, b: string | null | undefined): boolean {
  if (!b) return true;
  const [epochA, sequenceA] = parts(a);
  const [epochB, sequenceB] = parts(b);
  return epochA !== epochB || sequenceA > sequenceB;
}

/** The later of two. */
export function latest(a: string | null, b: string | null | undefined): string | null {
  if (!b) return a;
  return isAfter(b, a) ? b : a;
}
