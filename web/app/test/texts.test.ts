import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { compileMessageOrThrow } from "@lingui/message-utils/compileMessage";
import { expect, test } from "vitest";

const source = join(import.meta.dirname, "../src");
const one = (name: string) => JSON.parse(readFileSync(join(source, `locales/${name}.json`), "utf8")) as Record<string, string>;
/** What comes with the first load, and what comes with the screens that need it. */
const PARTS = ["", "more.", "admin."];
const catalogue = (language: string) => Object.assign({}, ...PARTS.map((part) => one(part + language))) as Record<string, string>;
const files = readdirSync(source, { recursive: true, encoding: "utf8" }).filter((name) => /\.tsx?$/.test(name));
const code = files.map((name) => [name, readFileSync(join(source, name), "utf8")] as const);

test("the catalogues have the same texts with the same values, and all can be compiled", () => {
  const [en, de] = [catalogue("en"), catalogue("de")];
  expect(Object.keys(de)).toEqual(Object.keys(en));
  for (const [id, text] of Object.entries(en)) {
    const values = (one: string) => [...one.matchAll(/\{(\w+)[,}]/g)].map((found) => found[1]).filter((name) => name !== "one" && name !== "other").sort().join();
    expect(values(de[id] ?? ""), id).toBe(values(text));
    for (const one of [text, de[id] ?? ""]) expect(() => compileMessageOrThrow(one)).not.toThrow();
  }
});

test("every text that is used is there, and every text that is there is used", () => {
  const used = new Set(code.flatMap(([, text]) => [...text.matchAll(/"((?:[a-z]+)\.[a-z_]+)"/g)].map((found) => found[1] ?? "")));
  const made = code.flatMap(([, text]) => [...text.matchAll(/t\(`([a-z]+\.)\$\{/g)].map((found) => found[1] ?? ""));
  const asked = code.flatMap(([, text]) => [...text.matchAll(/\bt\("([^"]+)"/g)].map((found) => found[1] ?? ""));
  const en = catalogue("en");
  for (const id of asked) expect(en, id).toHaveProperty([id]);
  for (const id of Object.keys(en)) expect(used.has(id) || made.some((prefix) => id.startsWith(prefix)), `${id} is used`).toBe(true);
});

test("a text is in one catalogue, and one that comes later is used by what comes later only", () => {
  const parts = PARTS.map((part) => one(`${part}en`));
  const ids = parts.flatMap((part) => Object.keys(part));
  expect(ids.filter((id, i) => ids.indexOf(id) !== i)).toEqual([]);
  const imports = new Map(code.map(([name, text]) => [name, [...text.matchAll(/^(?:import|export) (?!type).*from "(\.[^"]+\.tsx?)"/gm)].map((found) => join(name, "..", found[1] ?? ""))]));
  const first = new Set<string>();
  const visit = (name: string) => {
    if (first.has(name)) return;
    first.add(name);
    for (const other of imports.get(name) ?? []) visit(other);
  };
  visit("main.tsx");
  expect(first).toContain("room/room.tsx");
  for (const [name, text] of code) {
    const asked = [...text.matchAll(/\bt\("([^"]+)"/g)].map((found) => found[1] ?? "");
    if (first.has(name)) expect(asked.filter((id) => !(id in (parts[0] ?? {}))), name).toEqual([]);
    if (!name.startsWith("admin/")) expect(asked.filter((id) => id in (parts[2] ?? {})), name).toEqual([]);
  }
});

test("no text for people stands in the code", () => {
  for (const [name, text] of code) {
    const found = [...text.matchAll(/>\s*([A-Z][a-z]+(?: [a-z]+)+)\s*</g)].map((one) => one[1]);
    expect(found, name).toEqual([]);
    expect([...text.matchAll(/(?:aria-label|title|placeholder|alt)="[A-Za-z]/g)], name).toEqual([]);
  }
});

test("colours and lengths stand in the tokens only; the widths at which a layout changes can stand in none", () => {
  const styles = readdirSync(source, { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".module.css"));
  for (const name of styles) {
    const rules = readFileSync(join(source, name), "utf8").replace(/@(media|container)[^{]*/g, "");
    expect(rules, name).not.toMatch(/#[0-9a-f]{3,8}\b|\b(rgb|hsl|oklch)a?\(/i);
    expect(rules, name).not.toMatch(/(?<![\w.-])\d*\.?\d+(rem|em|px|ch)\b/);
  }
});

test("sides are the reader's: none is left or right, in any style", () => {
  const styles = readdirSync(source, { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".css"));
  for (const name of styles) {
    const text = readFileSync(join(source, name), "utf8");
    expect(text, name).not.toMatch(/[\s;{](left|right):|(margin|padding|border)-(left|right)|text-align: (left|right)/);
    for (const [whole, right, left] of text.matchAll(/(?:padding|margin): [^\s;]+ ([^\s;]+) [^\s;]+ ([^\s;]+);/g)) expect(left, `${name}: ${whole}`).toBe(right);
  }
});
