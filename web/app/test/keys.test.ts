import { beforeAll, expect, test, vi } from "vitest";

// What a browser has and Node has not.
vi.stubGlobal("localStorage", { getItem: () => null, setItem: () => undefined });
vi.stubGlobal("document", { documentElement: { lang: "" } });
const system = (platform: string) => vi.stubGlobal("navigator", { platform, languages: ["en-GB"] });

/** The names of keys as a page of that system has them. */
async function on(platform: string) {
  system(platform);
  vi.resetModules();
  const [{ speak }, names] = [await import("../src/i18n.ts"), await import("../src/shell/key-names.ts")];
  await speak("en");
  return { ...names, speak };
}

beforeAll(() => system("Linux x86_64"));

test("keys are called as they are on the reader's keyboard, in the reader's language", async () => {
  const { written, keyNames, speak } = await on("Linux x86_64");
  expect(written("ctrl+shift+F")).toBe("Ctrl Shift F");
  await speak("de");
  expect(written("ctrl+K")).toBe("Strg K");
  expect(written("shift+enter")).toBe("Umschalt Eingabe");
  expect(["up", "down", "pageup", "home", "end", "del", "alt"].map((key) => written(key))).toEqual(["Pfeil hoch", "Pfeil runter", "Bild auf", "Pos1", "Ende", "Entf", "Alt"]);
  // What has no name is its sign.
  expect(keyNames("plus").concat(keyNames("1 - 5"), keyNames("F6"), keyNames("?"))).toEqual(["+", "1 - 5", "F6", "?"]);
});

test("on a Mac there is another key for each of some", async () => {
  const { written, speak } = await on("MacIntel");
  expect([written("ctrl+K"), written("alt+up"), written("shift+enter")]).toEqual(["Cmd K", "Option Up arrow", "Shift Enter"]);
  await speak("de");
  expect(written("ctrl+K")).toBe("Befehl K");
});
