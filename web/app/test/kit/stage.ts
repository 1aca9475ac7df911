/** Where the tests in a browser play. */
import { afterAll, beforeAll, describe, expect } from "vitest";
import { here, World } from "./browser.ts";

/**
 * Tests with a server, which is started with these flags, and a browser of their own. At the end nothing may have complained
 * in any page. Where there is no browser they are skipped.
 */
export function staged(what: string, flags: string[], tests: (world: World) => void): void {
  describe.skipIf(!here)(what, () => {
    const world = new World(...flags);
    beforeAll(() => world.begin());
    // The last of what is cleared away: tests may have more of their own.
    afterAll(async () => {
      await world.stop();
      expect(world.complaints).toEqual([]);
    });
    tests(world);
  });
}
