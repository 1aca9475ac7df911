import { readFile, readdir, writeFile } from "node:fs/promises";
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { gzipSync } from "node:zlib";
import { compileMessage } from "@lingui/message-utils/compileMessage";
import react from "@vitejs/plugin-react";
import { defineConfig, type Plugin } from "vite";

/** The script of the first load. */
const FIRST = "base";

/** Catalogues are compiled when the app is built: no parser of messages goes to the browser. */
function catalogues(): Plugin {
  return {
    name: "catalogues",
    enforce: "pre",
    async load(id) {
      if (!id.includes("/locales/") || !id.endsWith(".json")) return null;
      const messages = JSON.parse(await readFile(id, "utf8")) as Record<string, string>;
      const compiled = Object.fromEntries(Object.entries(messages).map(([key, text]) => [key, compileMessage(text)]));
      return { code: `export default JSON.parse(${JSON.stringify(JSON.stringify(compiled))});`, moduleType: "js" };
    },
  };
}

const emojibase = async (path: string) => JSON.parse(await readFile(new URL(import.meta.resolve(`emojibase-data/${path}.json`)), "utf8")) as unknown;

/** Names of emoji, from our own origin, with the short ones that many know by heart; the version in the path changes with the data. */
function emoji(): Plugin {
  return {
    name: "emoji",
    apply: "build",
    async generateBundle() {
      const short = (await emojibase("en/shortcodes/github")) as Record<string, string | string[]>;
      for (const language of ["en", "de"]) {
        const data = (await emojibase(`${language}/data`)) as { hexcode: string }[];
        const named = data.map((one) => (short[one.hexcode] === undefined ? one : { ...one, shortcodes: [short[one.hexcode]].flat() }));
        for (const [name, source] of Object.entries({ data: named, messages: await emojibase(`${language}/messages`) })) {
          this.emitFile({ type: "asset", fileName: `assets/emoji-17.0.0-1/${language}/${name}.json`, source: JSON.stringify(source) });
        }
      }
    },
  };
}

/**
 * The viewer of the API's description for `/docs`, as it is published, and a page and a script of ours that start it: the
 * page's policy allows nothing inline and no other origin.
 */
function viewer(): Plugin {
  const own = new URL("./docs/", import.meta.url);
  const published = ["swagger-ui-bundle.js", "swagger-ui.css"];
  return {
    name: "viewer",
    apply: "build",
    async generateBundle() {
      const emit = async (name: string, from: URL) => {
        this.emitFile({ type: "asset", fileName: `docs/${name}`, source: await readFile(from) });
      };
      for (const name of published) await emit(name, new URL(import.meta.resolve(`swagger-ui-dist/${name}`)));
      for (const name of await readdir(own)) await emit(name, new URL(name, own));
    },
  };
}

/**
 * Most of the first script is called before the first message. Chromium compiles it whole while it arrives, beside the page's
 * own work and not function by function in between (V8, "Explicit compile hints"); to other browsers it is a comment.
 */
function compiledAhead(): Plugin {
  return {
    name: "compiled-ahead",
    apply: "build",
    generateBundle: {
      order: "post",
      handler(_, bundle) {
        for (const chunk of Object.values(bundle)) {
          if (chunk.type === "chunk" && chunk.name === FIRST) chunk.code = `//# allFunctionsCalledOnLoad\n${chunk.code}`;
        }
      },
    },
  };
}

/** Each file once more, packed: the gateway gives it to those who can unpack it. */
function packed(): Plugin {
  let dist = "";
  return {
    name: "packed",
    apply: "build",
    configResolved(config) {
      dist = resolve(config.root, config.build.outDir);
    },
    async closeBundle() {
      for (const entry of await readdir(dist, { recursive: true, withFileTypes: true })) {
        if (!entry.isFile() || entry.name.endsWith(".gz")) continue;
        const path = join(entry.parentPath, entry.name);
        await writeFile(`${path}.gz`, gzipSync(await readFile(path), { level: 9 }));
      }
    },
  };
}

/** The routes of the server that the app is built with and into: what a server cannot do is not shown. */
const document = JSON.parse(readFileSync(new URL("../../gateway/openapi.json", import.meta.url), "utf8")) as { paths: object };

const server = process.env["TIDINGS"] ?? "http://127.0.0.1:8080";
const toServer = { "/v1": { target: server, ws: true }, "/media": { target: server } };

export default defineConfig({
  define: { ROUTES: JSON.stringify(Object.keys(document.paths).filter((path) => path.startsWith("/v1/"))) },
  plugins: [react(), catalogues(), emoji(), viewer(), compiledAhead(), packed()],
  resolve: { conditions: ["tidings-source", "module", "browser", "development|production"] },
  build: {
    target: "es2022",
    modulePreload: { polyfill: false },
    assetsInlineLimit: 0,
    chunkSizeWarningLimit: 700,
    reportCompressedSize: true,
    // Few scripts before the first message, as each is a round trip of its own on a slow line: everything that the first load
    // imports at once stands in one of them, whatever of it comes later imports as well.
    rolldownOptions: { output: { codeSplitting: { groups: [{ name: FIRST, test: /[\\/]app[\\/]src[\\/](?:main|app)\.tsx$/ }] } } },
  },
  preview: { proxy: toServer },
  server: { proxy: toServer },
});
