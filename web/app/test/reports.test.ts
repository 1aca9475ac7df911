import { expect, test } from "vitest";
import { tells } from "../src/admin/report-search.ts";

type Report = Parameters<typeof tells>[0];

const person = (username: string, display_name: string) => ({ id: username, username, display_name });
const report = {
  message: { body: "The tide turns at SIX", sender: person("bo", "Bo Bërg"), attachments: [{ filename: "pier.png" }] },
  reporter: person("cy", "Cy"),
  reason: "an insult",
  note: null,
} as unknown as Report;
const found = (words: string) => tells(report, "harbour", words);

test("each word of a search stands somewhere in a report, whatever its case and accents", () => {
  expect(["tide six", "berg INSULT", "@bo", "pier", "#harbour", "cy harbour tide"].map(found)).toEqual([true, true, true, true, true, true]);
  expect(["tide seven", "#pier-two", "@bob"].map(found)).toEqual([false, false, false]);
  expect(tells({ ...report, note: "warned" } as Report, "", "warned")).toBe(true);
});
