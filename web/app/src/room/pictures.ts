/** Sizes and places of pictures and files. */
import type { Media } from "@tidings/client";

/** The largest box of a picture in a message, in CSS pixels: alone, and among others. */
const ALONE = { width: 400, height: 300 };
const AMONG = { width: 200, height: 150 };
const SMALLEST = 44;

export interface Box {
  width: number;
  height: number;
}

/** The box in which a picture is shown: known before it is loaded, so that nothing moves when it comes. */
export function box(width: number, height: number, alone: boolean): Box {
  const most = alone ? ALONE : AMONG;
  const scale = Math.min(1, most.width / width, most.height / height);
  return { width: Math.max(SMALLEST, Math.round(width * scale)), height: Math.max(SMALLEST, Math.round(height * scale)) };
}

/** A file that is shown as a picture. */
export type Picture = Media & { width: number; height: number; thumbnail_url: string };

export function isPicture(file: Media): file is Picture {
  return Boolean(file.thumbnail_url && file.width && file.height);
}

/** When a signed URL runs out, in milliseconds: one of ours, or one of an S3-compatible store. */
function end(url: string): number {
  const until = /[?&]until=(\d+)/.exec(url)?.[1];
  if (until) return Number(until) * 1000;
  const [, year, month, day, hour, minute, second] = /[?&]X-Amz-Date=(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z/.exec(url) ?? [];
  const span = /[?&]X-Amz-Expires=(\d+)/.exec(url)?.[1];
  return year && span ? Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`) + Number(span) * 1000 : 0;
}

/** Whether a signed URL is good for a minute more. Of one that does not say it is not known, so it is not. */
export function isGood(url: string, now: number = Date.now()): boolean {
  return end(url) > now + 60_000;
}

/** What can be seen of a file before the server has it. */
export interface Preview extends Box {
  url: string;
}

/** Pictures that are kept at most. */
const KEPT = 200;
const previews = new Map<string, Promise<Preview | undefined>>();

/** The picture in a file that is on its way; none if the browser cannot read it. */
export function preview(id: string, data: Blob): Promise<Preview | undefined> {
  let one = previews.get(id);
  if (!one) {
    one = read(data);
    previews.set(id, one);
    const oldest = previews.size > KEPT ? previews.keys().next().value : undefined;
    if (oldest !== undefined) forget(oldest);
  }
  return one;
}

/** It is not shown any more. */
export function forget(id: string): void {
  const one = previews.get(id);
  previews.delete(id);
  void one?.then((shown) => shown && URL.revokeObjectURL(shown.url));
}

async function read(data: Blob): Promise<Preview | undefined> {
  if (!/^image\/(png|jpe?g|gif|webp|avif|bmp)$/.test(data.type)) return undefined;
  const image = new Image();
  image.src = URL.createObjectURL(data);
  try {
    await image.decode();
    return { url: image.src, width: image.naturalWidth, height: image.naturalHeight };
  } catch {
    URL.revokeObjectURL(image.src);
    return undefined;
  }
}
