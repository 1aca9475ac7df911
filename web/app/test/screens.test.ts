/** Every screen, narrow, in German and in a language that is not shipped: nothing scrolls sideways, no text bypasses the catalogues. */
import type { BrowserContextOptions, Page } from "playwright-core";
import { beforeAll, expect, test } from "vitest";
import { faults, picture, png, still, until, type World } from "./kit/browser.ts";
import { pseudoTexts, speakPseudo, strays, texts, type Texts } from "./kit/locale.ts";
import { staged } from "./kit/stage.ts";

type Rest = Awaited<ReturnType<World["rest"]>>;

/** What there is to be seen. */
interface Town {
  admin: string;
  other: string;
  room: string;
  root: string;
  empty: string;
  archived: string;
  outside: string;
  direct: string;
  code: string;
  /** What people have written: names, rooms, texts. */
  known: string[];
}

type Look = (what: string) => Promise<void>;

/** What went wrong on the way; the others are looked at all the same. */
const missed: string[] = [];

async function attempt(what: string, work: () => Promise<void>): Promise<void> {
  await work().catch((error: unknown) => missed.push(`${what}: ${String(error).split("\n").slice(0, 3).join(" ")}`));
}

const sideways = (page: Page) => page.evaluate(() => {
  const wide = document.documentElement.scrollWidth - document.documentElement.clientWidth;
  const inner = [...document.querySelectorAll<HTMLElement>("main, nav, [role=dialog], [role=complementary], [role=main], aside")];
  return Math.max(wide, ...inner.filter((one) => getComputedStyle(one).overflowX !== "visible").map((one) => one.scrollWidth - one.clientWidth), 0);
});

/** Waits until the page shows what it is about. On a phone that may be the rail alone. */
async function settled(page: Page): Promise<void> {
  await page.waitForFunction(() => [...document.querySelectorAll<HTMLElement>("main, nav, [role=main]")].some((one) => one.offsetParent !== null) && document.querySelector("[aria-busy=true]") === null, undefined, { timeout: 15_000 });
  await page.waitForLoadState("networkidle");
}

staged("every screen, in a browser", ["--unverified", "everything"], (world) => {
  let town: Town;

  async function built(): Promise<Town> {
    const admin = await world.newcomer("Quill Quay");
    const other = await world.newcomer("Birk Bord");
    const [own, theirs]: [Rest, Rest] = [await world.rest(admin.username), await world.rest(other.username)];
    const make = async (rest: Rest, name: string, more: object) => (await rest<{ id: string }>("POST", "/v1/rooms", { kind: "group", name, ...more })).id;
    const room = await make(own, "hafen", { topic: "Ebbe", members: [`@${other.username}`] });
    const root = (await theirs<{ id: string }>("POST", `/v1/rooms/${room}/messages`, { body: "Schluessel?", format: "markdown" })).id;
    await own("POST", `/v1/rooms/${room}/messages`, { body: "Jawohl", thread_root_id: root });
    const mine = (await own<{ id: string }>("POST", `/v1/rooms/${room}/messages`, { body: "Erstens" })).id;
    await own("PATCH", `/v1/messages/${mine}`, { body: "Zweitens" });
    await own("PUT", `/v1/messages/${mine}/pin`);
    await theirs("PUT", `/v1/messages/${mine}/reactions/${encodeURIComponent("👍")}`);
    const gone = (await theirs<{ id: string }>("POST", `/v1/rooms/${room}/messages`, { body: "weg" })).id;
    await theirs("DELETE", `/v1/messages/${gone}`);
    await theirs("POST", `/v1/rooms/${room}/messages`, { body: `Achtung @${admin.username}` });
    const archived = await make(own, "speicher", {});
    await own("POST", `/v1/rooms/${archived}/messages`, { body: "Altes" });
    await own("PATCH", `/v1/rooms/${archived}`, { archived: true });
    const outside = await make(theirs, "offen", { visibility: "public" });
    const direct = (await theirs<{ id: string }>("POST", "/v1/direct", { members: [`@${admin.username}`] })).id;
    await theirs("POST", `/v1/rooms/${direct}/messages`, { body: "Hallo" });
    const reported = (await theirs<{ id: string }>("POST", `/v1/rooms/${room}/messages`, { body: "Unflat" })).id;
    await own("POST", `/v1/messages/${reported}/report`, { reason: "grob" }).catch(() => undefined);
    await own("PATCH", "/v1/users/me", { bio: "Lotse" });
    const { code } = await own<{ code: string }>("POST", `/v1/rooms/${room}/invites`, {});
    for (const one of [admin, other]) await one.page.context().close();
    const known = [admin.username, other.username, "Quill Quay", "Birk Bord", "hafen", "Ebbe", "Schluessel?", "Jawohl", "Erstens", "Zweitens", "speicher", "Altes", "offen", "Hallo", "Unflat", "grob", "Lotse", "general", "leer", "Achtung", "example.org", "GET", "POST", "node", "Mozilla/5.0", code, room, new URL(world.url).host];
    return { admin: admin.username, other: other.username, room, root, empty: await make(own, "leer", {}), archived, outside, direct, code, known };
  }

  beforeAll(async () => {
    town = await built();
  });

  async function signedIn(t: Texts, options: BrowserContextOptions, prepare?: (page: Page) => Promise<void>): Promise<Page> {
    const context = await world.context(options);
    const page = await context.newPage();
    await prepare?.(page);
    page.setDefaultTimeout(15_000);
    await page.goto(`${world.url}/login`);
    await page.getByLabel(t("field.login")).fill(town.admin);
    await page.getByLabel(t("field.password"), { exact: true }).fill("a wordy secret");
    await page.getByRole("button", { name: t("action.signin"), exact: true }).click();
    await page.getByRole("navigation", { name: t("rail.label") }).waitFor();
    return page;
  }

  /** What is seen before one is in. */
  async function outdoors(page: Page, look: Look): Promise<void> {
    for (const path of ["/login", "/register", "/reset", `/i/${town.code}`, "/i/nosuchcode", "/erasure/nosuch"]) {
      await page.goto(world.url + path);
      await page.getByRole("heading", { level: 1 }).waitFor();
      await still(page);
      await look(path);
    }
  }

  /** The pages that have an address. */
  async function pages(page: Page, t: Texts, look: Look): Promise<void> {
    const rooms = [town.room, town.empty, town.archived, town.outside, town.direct].map((id) => `/r/${id}`);
    const others = [`/r/${town.room}/t/${town.root}`, "/r/room_00000000000000000000000000", "/inbox", "/threads", "/browse", "/search?q=Schluessel", "/search?q=nirgends", "/search?q=Hallo+in:nirgends+has:was", `/i/${town.code}`];
    for (const path of ["/", ...rooms, ...others]) {
      await attempt(path, async () => {
        await page.goto(world.url + path);
        await settled(page);
        await look(path);
      });
    }
    // The server knows which addresses are the app's: to another one leads only a link in the app.
    await attempt("no such page", async () => {
      await page.evaluate(() => history.pushState(null, "", "/nosuchpage"));
      await page.getByRole("heading", { level: 1, name: t("error.nopage") }).waitFor();
      await look("no such page");
    });
    for (const [section, label] of [["settings", t("settings.title")], ["admin", t("admin.title")]] as const) {
      await page.goto(`${world.url}/${section}`);
      const tabs = page.getByRole("navigation", { name: label }).getByRole("link");
      await tabs.first().waitFor();
      for (const path of await tabs.evaluateAll((links) => links.map((link) => link.getAttribute("href") ?? ""))) {
        await attempt(path, async () => {
          await page.goto(world.url + path);
          await settled(page);
          await look(path);
        });
      }
    }
  }

  /** Opens something, looks at it, and closes it. */
  async function peek(page: Page, what: string, look: Look, open: () => Promise<unknown>, role: "dialog" | "menu" | "combobox" = "dialog"): Promise<void> {
    await attempt(what, async () => {
      await open();
      await page.getByRole(role).first().waitFor({ timeout: 15_000 });
      await settled(page);
      await look(what);
    });
    for (let presses = 0; presses < 3 && (await page.getByRole("dialog").or(page.getByRole("menu")).count()) > 0; presses++) {
      await page.keyboard.press("Escape");
      await until(async () => (await page.getByRole("dialog").or(page.getByRole("menu")).count()) === 0, `${what} closes`, 2_000).catch(() => undefined);
    }
    if ((await page.getByRole("dialog").count()) > 0) missed.push(`${what} does not close`);
  }

  /** What stands over a page for a while. */
  async function overlays(page: Page, t: Texts, look: Look): Promise<void> {
    await page.goto(`${world.url}/`);
    await page.getByRole("navigation", { name: t("rail.label") }).waitFor();
    if (await page.getByRole("button", { name: t("rooms.create") }).isVisible()) await peek(page, "new room", look, () => page.getByRole("button", { name: t("rooms.create") }).click());
    await peek(page, "account menu", look, () => page.getByRole("navigation", { name: t("rail.label") }).locator("button[aria-haspopup=menu]").click(), "menu");
    await peek(page, "status", look, async () => {
      await page.getByRole("navigation", { name: t("rail.label") }).locator("button[aria-haspopup=menu]").click();
      await page.getByRole("menuitem", { name: t("account.text") }).click();
    });
    await page.goto(`${world.url}/r/${town.room}`);
    await page.getByText("Zweitens").first().waitFor();
    for (const [what, text] of [["switcher", ""], ["commands", ">"], ["switcher, nothing found", "xyzzyq"]] as const) {
      await peek(page, what, look, async () => {
        await page.keyboard.press("Control+k");
        await page.getByRole("combobox").fill(text);
      }, "combobox");
    }
    await peek(page, "keys", look, () => page.keyboard.press("Control+/"));
    const more = page.locator("header").getByRole("button", { name: t("action.more") });
    await peek(page, "room menu", look, () => more.click(), "menu");
    for (const id of ["room.add", "room.invite", "room.settings", "bans.title", "room.archive", "room.leave"]) {
      await peek(page, id, look, async () => {
        await more.click();
        await page.getByRole("menuitem", { name: t(id), exact: true }).click();
        await page.getByRole("dialog").waitFor();
      });
    }
    const row = (text: string) => page.getByRole("main").getByRole("article", { name: new RegExp(text) }).first();
    for (const [what, key, role] of [["message menu", "m", "menu"], ["readers", "i", "dialog"], ["person", "u", "dialog"], ["emoji", "+", "dialog"], ["delete", "Delete", "dialog"]] as const) {
      await peek(page, what, look, async () => {
        await row("Zweitens").focus();
        await page.keyboard.press(key);
      }, role);
    }
    for (const [what, key] of [["report", "!"], ["another person", "u"]] as const) {
      await peek(page, what, look, async () => {
        await row("Schluessel").focus();
        await page.keyboard.press(key);
      });
    }
    await attempt("panels", () => panels(page, t, look));
    await attempt("composer", () => composer(page, t, look));
  }

  async function panels(page: Page, t: Texts, look: Look): Promise<void> {
    for (const which of ["members", "pins", "threads"] as const) {
      await page.goto(`${world.url}/r/${town.room}`);
      await page.getByText("Zweitens").first().waitFor();
      if (which === "members") await page.locator("[data-members]").click();
      else if (which === "pins") await page.locator("header").getByRole("button", { name: t("pins.title") }).click();
      else {
        await page.locator("header").getByRole("button", { name: t("action.more") }).click();
        await page.getByRole("menuitem", { name: t("threads.title"), exact: true }).click();
      }
      await page.locator("[data-region=panel]").waitFor();
      await still(page);
      await look(which);
    }
    await page.goto(`${world.url}/r/${town.room}`);
    await page.locator("[data-members]").click();
    const actions = page.locator("[data-region=panel]").getByRole("button", { name: t("members.actions", { name: "Birk Bord" }) });
    await actions.waitFor();
    await peek(page, "member menu", look, () => actions.click(), "menu");
    for (const id of ["members.mute", "members.ban", "members.own"]) {
      await peek(page, id, look, async () => {
        await actions.click();
        await page.getByRole("menuitem", { name: t(id), exact: true }).click();
        await page.getByRole("dialog").waitFor();
      });
    }
  }

  async function composer(page: Page, t: Texts, look: Look): Promise<void> {
    await page.goto(`${world.url}/r/${town.room}`);
    await page.getByText("Zweitens").first().waitFor();
    const form = page.getByRole("form", { name: t("composer.form") });
    const box = form.getByRole("textbox");
    await form.locator("[data-files]").setInputFiles([{ name: "pier.png", mimeType: "image/png", buffer: png(120, 80) }]);
    await form.getByRole("button", { name: t("attach.remove", { name: "pier.png" }) }).waitFor();
    await look("a file");
    await form.getByRole("button", { name: t("action.send") }).click();
    await page.getByRole("button", { name: t("media.open", { name: "pier.png" }) }).last().waitFor();
    await peek(page, "lightbox", look, () => page.getByRole("button", { name: t("media.open", { name: "pier.png" }) }).last().click());
    await box.press("ArrowUp");
    await look("editing");
    await page.keyboard.press("Escape");
    await box.pressSequentially("@bi");
    await page.getByRole("option").first().waitFor();
    await look("names");
    await page.keyboard.press("Escape");
    await box.fill("");
    await page.context().setOffline(true);
    await page.waitForFunction(() => !navigator.onLine);
    await box.fill("Wartet");
    await box.press("Enter");
    await page.getByRole("article", { name: /Wartet/ }).waitFor();
    await until(async () => (await page.getByText(t("outbox.waiting")).count()) > 0, "it waits");
    await look("offline");
    await page.getByRole("article", { name: /Wartet/ }).getByRole("button", { name: t("action.drop") }).click();
    await page.context().setOffline(false);
  }

  test("in German at 320 pixels: each of them fits, and axe finds nothing", async () => {
    const t = texts("de");
    const wide: string[] = [];
    const wrong: string[] = [];
    const options = { locale: "de-DE", viewport: { width: 320, height: 640 } };
    const looker = (page: Page): Look => async (what) => {
      const by = await sideways(page);
      if (by > 0) wide.push(`${what}: ${by} px`);
      wrong.push(...(await faults(page)).map((one) => `${what}: ${one}`));
    };
    const stranger = await (await world.context(options)).newPage();
    await outdoors(stranger, looker(stranger));
    const page = await signedIn(t, options);
    await pages(page, t, looker(page));
    await overlays(page, t, looker(page));
    await page.goto(`${world.url}/r/${town.room}`);
    await page.getByText("Zweitens").first().waitFor();
    await picture(page, "german-phone");
    expect([...wide, ...wrong, ...missed.splice(0)]).toEqual([]);
  }, 600_000);

  for (const width of [320, 1280]) {
    test(`in a language that no catalogue has, at ${width} pixels: no text bypasses the catalogues, and longer ones fit`, async () => {
      const t = pseudoTexts();
      const found: string[] = [];
      const options = { locale: "en-GB", viewport: { width, height: 800 } };
      const looker = (page: Page): Look => async (what) => {
        found.push(...(await strays(page, [...town.known, "pier.png", "Schluessel", "Wartet", "nirgends", "xyzzyq", "@bi"])).map((one) => `${what}: ${JSON.stringify(one)}`));
        const by = await sideways(page);
        if (by > 0) found.push(`${what}: ${by} px too wide`);
      };
      const stranger = await (await world.context(options)).newPage();
      await speakPseudo(stranger.context());
      await outdoors(stranger, looker(stranger));
      const page = await signedIn(t, options, (one) => speakPseudo(one.context()));
      await pages(page, t, looker(page));
      await overlays(page, t, looker(page));
      await page.goto(`${world.url}/r/${town.room}`);
      await page.getByText("Zweitens").first().waitFor();
      await picture(page, `pseudo-${width}`);
      expect([...found, ...missed.splice(0)]).toEqual([]);
    }, 600_000);
  }

  test("a text that is out of no catalogue is found", async () => {
    const t = pseudoTexts();
    const page = await signedIn(t, {}, (one) => speakPseudo(one.context()));
    await page.goto(`${world.url}/inbox`);
    await page.getByRole("heading", { level: 1 }).waitFor();
    await page.evaluate(() => document.querySelector("h1")?.append("Raw text"));
    await page.evaluate(() => document.querySelector("h1")?.setAttribute("title", "A raw title"));
    expect(await strays(page, town.known)).toEqual(expect.arrayContaining(["Raw text", "A raw title"]));
  });
});
