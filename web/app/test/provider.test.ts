/** A login through a provider that is not ours: npm's `oidc-provider`, which `tools/provision --tests` brings. */
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { faults, here, World } from "./kit/browser.ts";

const root = join(import.meta.dirname, "../../..");
const packages = process.env["TIDINGS_TEST_OIDC"] ?? join(root, ".tools/oidc");
const installed = existsSync(join(packages, "node_modules/oidc-provider"));
if (!installed) console.warn("\n*** no oidc-provider (tools/provision --tests): THE LOGIN THROUGH A REAL PROVIDER IS SKIPPED ***\n");

describe.skipIf(!here || !installed)("a login through a real provider, in a browser", () => {
  let provider: ChildProcess;
  let folder: string;
  let world: World;

  beforeAll(async () => {
    provider = spawn(process.execPath, [join(root, "tests/oidc/provider.mjs"), packages], { stdio: ["pipe", "pipe", "ignore"] });
    const [line] = (await once(createInterface({ input: provider.stdout as NodeJS.ReadableStream }), "line")) as [string];
    const { issuer } = JSON.parse(line) as { issuer: string };
    const people = { ada: { email: "ada@works.test", email_verified: true, name: "Ada L.", preferred_username: "ada.lovelace" }, eve: { email: "eve@works.test", email_verified: false } };
    await fetch(`${issuer}/test/people`, { method: "POST", body: JSON.stringify(people) });
    folder = await mkdtemp(join(tmpdir(), "tidings-oidc-"));
    const settings = join(folder, "providers.toml");
    await writeFile(settings, `[[oidc]]\nid = "works"\nname = "The Works"\nissuer = ${JSON.stringify(issuer)}\nclient_id = "tidings"\nclient_secret = ${JSON.stringify("secret of tidings: +/%&")}\n`);
    world = await World.start("--config", settings);
  });

  afterAll(async () => {
    await world?.stop();
    provider?.stdin?.end();
    if (folder) await rm(folder, { recursive: true, force: true });
    // The provider's own page asks for letters from elsewhere.
    expect((world?.complaints ?? []).filter((one) => !one.includes("ERR_NAME_NOT_RESOLVED"))).toEqual([]);
  });

  /** Leaves for the provider, and says there who one is. */
  async function come(name: string) {
    const page = await (await world.context()).newPage();
    await page.goto(`${world.url}/inbox`);
    await page.getByRole("button", { name: "Continue with The Works" }).click();
    await page.locator("input[name=login]").fill(name);
    await page.locator("input[name=password]").fill("any");
    await page.locator("button[type=submit]").click();
    await page.getByRole("button", { name: "Continue" }).click();
    return page;
  }

  test("who comes for the first time is in, where they wanted to go, and stays in", async () => {
    const page = await come("ada");
    await page.getByRole("heading", { level: 1, name: "Inbox" }).waitFor();
    expect(page.url()).toBe(`${world.url}/inbox`);
    await page.goto(`${world.url}/settings/profile`);
    await page.getByLabel("Username").waitFor();
    await page.reload();
    expect(await page.getByLabel("Username").inputValue()).toBe("ada.lovelace");
  });

  test("who is refused is told why, and the address is clean", async () => {
    const page = await come("eve");
    await page.getByRole("alert").getByText("does not confirm that the address is yours").waitFor();
    expect(page.url()).toBe(`${world.url}/login`);
    expect(await faults(page)).toEqual([]);
  });
});
