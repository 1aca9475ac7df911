import { defineConfig } from "vitest/config";

// These take long; `TIDINGS_LONG_TESTS=1 tools/web test` runs them as well.
const long = ["paces", "screens", "seen", "sessions", "showcase"].map((name) => `test/${name}.test.ts`);

export default defineConfig({
  resolve: { alias: { "@tidings/client": new URL("../client/src/index.ts", import.meta.url).pathname } },
  test: { include: ["test/**/*.test.{ts,tsx}"], exclude: process.env.TIDINGS_LONG_TESTS === "1" ? [] : long, testTimeout: 120_000, hookTimeout: 120_000, fileParallelism: false, reporters: ["default", "./test/kit/failures.ts"] },
});
