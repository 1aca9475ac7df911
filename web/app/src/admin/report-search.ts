/** The search in reports. The API lists them by their state only: pages are gone through here. */
import type { components } from "@tidings/client";
import { fold } from "../kit/fold.ts";

type Report = components["schemas"]["Report"];

/** Whether each of the words stands somewhere in a report: in the message, in the names of those who take part, in the reason, the note or the name of its room. */
export function tells({ message, reporter, reason, note }: Report, room: string, words: string): boolean {
  const people = [message.sender, reporter].flatMap((one) => [one.display_name, `@${one.username}`]);
  const all = fold([message.body, ...message.attachments.map((file) => file.filename), ...people, reason, note ?? "", room].join("\n"));
  return fold(words).split(/\s+/).every((word) => all.includes(word.replace(/^#/, "")));
}
