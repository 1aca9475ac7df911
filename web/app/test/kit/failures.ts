/** Names each failed test once more, on a line of its own, below everything: logs are often read from their end, and cut. */
import { basename } from "node:path";
import type { Reporter, TestModule } from "vitest/node";

export default class Failures implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const failed = modules.flatMap((module) => [...module.children.allTests("failed")]);
    for (const test of failed) {
      const error = test.result().errors?.[0];
      const at = error?.stacks?.map((one) => `${basename(one.file)}:${one.line}`).join(" < ") ?? "";
      console.log(`FAILED ${basename(test.module.moduleId)}: ${test.name.slice(0, 80)}: ${(error?.message ?? "").split("\n")[0]?.slice(0, 120)} at ${at}`);
    }
  }
}
