// What the browser downloads, packed, compared with the budget. Exit code 1 when one is exceeded.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { buildSync } from "esbuild";

const dist = join(import.meta.dirname, "dist/assets");
const packed = (bytes) => gzipSync(bytes, { level: 9 }).length;
const sizes = new Map(readdirSync(dist).filter((name) => /\.(js|css)$/.test(name)).map((name) => [name, packed(readFileSync(join(dist, name)))]));
const sum = (keep) => [...sizes].filter(([name]) => keep(name)).reduce((all, [, size]) => all + size, 0);

/** The page's script, and what it imports before anything is done; with one catalogue. */
function first() {
  const page = readFileSync(join(dist, "../index.html"), "utf8");
  const seen = new Set();
  const visit = (name) => {
    if (seen.has(name)) return;
    seen.add(name);
    for (const [, other] of readFileSync(join(dist, name), "utf8").matchAll(/(?:from|import)\s?["']\.\/([\w.-]+\.js)["']/g)) visit(other);
  };
  for (const [, name] of page.matchAll(/assets\/([\w.-]+\.js)/g)) visit(name);
  const catalogue = [...sizes.keys()].find((name) => /^en-/.test(name));
  if (catalogue) visit(catalogue);
  return [...seen].reduce((all, name) => all + (sizes.get(name) ?? 0), 0);
}

const client = buildSync({ entryPoints: [join(import.meta.dirname, "../client/src/index.ts")], bundle: true, minify: true, format: "esm", write: false });
const lines = [
  ["client library", packed(client.outputFiles[0].contents), 25_000],
  ["first load, script", first(), 200_000],
  ["all script", sum((name) => name.endsWith(".js")), 420_000],
  ["all styles", sum((name) => name.endsWith(".css")), 20_000],
];
let over = false;
for (const [what, value, budget] of lines) {
  over ||= value > budget;
  console.log(`${what.padEnd(20)} ${(value / 1000).toFixed(1).padStart(7)} kB of ${(budget / 1000).toFixed(0).padStart(4)} kB  ${value > budget ? "OVER" : "ok"}`);
}
process.exit(over ? 1 : 0);
