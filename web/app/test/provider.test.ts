/** A login through a provider that is not ours: npm's `oidc-provider`, which `tools/provision --tests` brings. */
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { faults, here, picture, until, World } from "./kit/browser.ts";

const root = join(import.meta.dirname, "../../..");
const packages = process.env["TIDINGS_TEST_OIDC"] ?? join(root, ".tools/oidc");
const installed = existsSync(join(packages, "node_modules/oidc-provider"));
if (!installed) console.warn("\n*** no oidc-provider (tools/provision --tests): THE LOGIN THROUGH A REAL PROVIDER IS SKIPPED ***\n");

describe.skipIf(!here || !installed)("a login through a real provider, in a browser", () => {
  let provider: ChildProcess;
  /** Tells the provider of people. */
  let knows: (people: Record<string, object>) => Promise<void>;
  let folder: string;
  let world: World;

  beforeAll(async () => {
    provider = spawn(process.execPath, [join(root, "tests/oidc/provider.mjs"), packages], { stdio: ["pipe", "pipe", "ignore"] });
    const [line] = (await once(createInterface({ input: provider.stdout as NodeJS.ReadableStream }), "line")) as [string];
    const { issuer } = JSON.parse(line) as { issuer: string };
    knows = async (people) => void (await fetch(`${issuer}/test/people`, { method: "POST", body: JSON.stringify(people) }));
    await knows({ ada: { email: "ada@works.test", email_verified: true, name: "Ada L.", preferred_username: "ada.lovelace" }, eve: { email: "eve@works.test", email_verified: false } });
    folder = await mkdtemp(join(tmpdir(), "tidings-oidc-"));
    const settings = join(folder, "providers.toml");
    const entry = (id: string, name: string, links: boolean) => `[[oidc]]\nid = "${id}"\nname = "${name}"\nissuer = ${JSON.stringify(issuer)}\nclient_id = "tidings"\nclient_secret = ${JSON.stringify("secret of tidings: +/%&")}\nlink_by_email = ${links}\n`;
    // The same people by two ways; the second is trusted with their addresses.
    await writeFile(settings, entry("works", "The Works", false) + entry("trusted", "The Club", true));
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
  async function come(name: string, way = "The Works") {
    const page = await (await world.context()).newPage();
    await page.goto(`${world.url}/inbox`);
    await page.getByRole("button", { name: `Continue with ${way}` }).click();
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

  test("the only way in stays; with a password it can be removed, and does not come back by the address", async () => {
    await knows({ joy: { email: "joy@works.test", email_verified: true, name: "Joy J.", preferred_username: "joy.joule" } });
    const page = await come("joy");
    await page.getByRole("heading", { level: 1, name: "Inbox" }).waitFor();
    await page.goto(`${world.url}/settings/password`);
    const ways = page.getByRole("region", { name: "Ways to sign in through others" });
    await ways.getByText("The Works").waitFor();
    expect(await page.getByLabel("Present password").count()).toBe(0);
    expect(await faults(page)).toEqual([]);
    await picture(page, "settings-identities");
    await ways.getByRole("button", { name: "Remove The Works" }).click();
    const asked = page.getByRole("dialog", { name: "Remove The Works" });
    // There is no password to prove oneself with: one has signed in just now.
    expect(await asked.getByLabel("Password").count()).toBe(0);
    await asked.getByRole("button", { name: "Remove", exact: true }).click();
    await asked.getByText("It is your only way to sign in: set a password first.").waitFor();
    expect(await faults(page)).toEqual([]);
    await asked.getByRole("button", { name: "Cancel" }).click();
    await page.getByLabel("New password").fill("a wordy secret");
    await page.getByRole("button", { name: "Change password" }).click();
    await page.getByLabel("Present password").waitFor();
    await ways.getByRole("button", { name: "Remove The Works" }).click();
    await asked.getByLabel("Password", { exact: true }).fill("not the secret");
    await asked.getByRole("button", { name: "Remove", exact: true }).click();
    await asked.getByRole("alert").waitFor();
    await asked.getByLabel("Password", { exact: true }).fill("a wordy secret");
    await asked.getByRole("button", { name: "Remove", exact: true }).click();
    await asked.waitFor({ state: "hidden" });
    await ways.waitFor({ state: "detached" });
    // Neither way leads back in by the address: it was taken away on purpose.
    for (const way of ["The Works", "The Club"]) {
      const again = await come("joy", way);
      await again.getByRole("alert").getByText("There is an account with your address that is not linked").waitFor();
      await again.context().close();
    }
    await page.goto(`${world.url}/settings/profile`);
    await page.getByRole("button", { name: "Sign out" }).click();
    await page.getByLabel("Name or e-mail").fill("joy.joule");
    await page.getByLabel("Password", { exact: true }).fill("a wordy secret");
    await page.getByRole("button", { name: "Sign in", exact: true }).click();
    await page.getByRole("navigation", { name: "Rooms" }).waitFor();
  });

  test("who has an account here, and has shown that the address is theirs, links it by the first login through the provider", async () => {
    const { page, username } = await world.newcomer("Lin Lund");
    const address = `${username}@example.org`;
    await knows({ lin: { email: address, email_verified: true, name: "L. L.", preferred_username: "lin" } });
    // As long as it is not shown, the account is not given away.
    const early = await come("lin", "The Club");
    await early.getByRole("alert").getByText("There is an account with your address that is not linked").waitFor();
    await early.context().close();
    await page.goto(`${world.url}/settings/address`);
    await page.getByRole("button", { name: "Send me a code" }).click();
    await page.getByLabel("Code from the mail").fill(await world.code(address, "Verify your email address"));
    await page.getByRole("button", { name: "Confirm" }).click();
    await page.getByText("verified", { exact: true }).waitFor();
    await page.goto(`${world.url}/settings/password`);
    await page.getByLabel("Present password").waitFor();
    const ways = page.getByRole("region", { name: "Ways to sign in through others" });
    expect(await ways.count()).toBe(0);
    const linked = await come("lin", "The Club");
    await linked.getByRole("heading", { level: 1, name: "Inbox" }).waitFor();
    await linked.goto(`${world.url}/settings/profile`);
    await until(async () => (await linked.getByLabel("Username").inputValue().catch(() => "")) === username, "it is their account");
    await page.reload();
    await ways.getByText("The Club").waitFor();
    // From now on the person is known, by whichever of the provider's names.
    const other = await come("lin", "The Works");
    await other.getByRole("heading", { level: 1, name: "Inbox" }).waitFor();
    await ways.getByRole("button", { name: "Remove The Club" }).click();
    const asked = page.getByRole("dialog", { name: "Remove The Club" });
    await asked.getByLabel("Password", { exact: true }).fill("a wordy secret");
    await asked.getByRole("button", { name: "Remove", exact: true }).click();
    await ways.waitFor({ state: "detached" });
    const refused = await come("lin", "The Works");
    await refused.getByRole("alert").getByText("There is an account with your address that is not linked").waitFor();
  });
});
