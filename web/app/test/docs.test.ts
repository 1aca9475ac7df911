import { expect, test } from "vitest";
import { staged } from "./kit/stage.ts";

staged("the viewer of the API in a browser", [], (world) => {
  test("it shows this server's own description; nothing is inline and nothing comes from another origin", async () => {
    const page = await (await world.context()).newPage();
    const elsewhere: string[] = [];
    page.on("request", (asked) => {
      if (!asked.url().startsWith(world.url) && !asked.url().startsWith("data:")) elsewhere.push(asked.url());
    });
    const answer = await page.goto(`${world.url}/docs`);
    const policy = answer?.headers()["content-security-policy"] ?? "";
    expect(policy).toContain("default-src 'none'");
    expect(policy).not.toContain("unsafe");
    expect(await answer?.text()).not.toMatch(/<script(?! src="\/docs\/)|<style|style=|onload=/);
    await page.locator(".opblock-tag", { hasText: "rooms" }).click();
    await page.getByText("Post a message").first().waitFor();
    expect(elsewhere).toEqual([]);
  });
});
