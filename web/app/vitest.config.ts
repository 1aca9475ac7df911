import { defineConfig } from "vitest/config";

export default defineConfig({
  resolve: { alias: { "@tidings/client": new URL("../client/src/index.ts", import.meta.url).pathname } },
  test: { include: ["test/**/*.test.{ts,tsx}"], testTimeout: 120_000, hookTimeout: 120_000, fileParallelism: false },
});
