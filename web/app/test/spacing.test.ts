/** Readers who set more space between letters, words, lines and paragraphs (WCAG 1.4.12) lose nothing. */
import type { Page } from "playwright-core";
import { expect, test } from "vitest";
import { faults, picture } from "./kit/browser.ts";
import { staged } from "./kit/stage.ts";

/** What of a page's texts is cut, lies upon another one, or sticks out of what it stands in. Names that are shortened by design end in dots, and are said in full elsewhere. */
function lost(page: Page): Promise<string[]> {
  return page.evaluate(() => {
    const found: string[] = [];
    const hides = (style: CSSStyleDeclaration, axis: "X" | "Y") => ["hidden", "clip"].includes(axis === "X" ? style.overflowX : style.overflowY);
    /** Whether it is not scrolled out of sight, nor a line more than are meant to be shown. */
    const inSight = (rect: DOMRect, element: HTMLElement) => {
      for (let box: HTMLElement | null = element; box; box = box.parentElement) {
        const style = getComputedStyle(box);
        if (!["auto", "scroll"].includes(style.overflowY) && ["", "none"].includes(style.getPropertyValue("-webkit-line-clamp"))) continue;
        const edges = box.getBoundingClientRect();
        const middle = (rect.top + rect.bottom) / 2;
        if (middle < edges.top || middle > edges.bottom) return false;
      }
      return true;
    };
    const all: { text: string; rect: DOMRect; element: HTMLElement }[] = [];
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    for (let node = walker.nextNode(); node; node = walker.nextNode()) {
      const element = node.parentElement as HTMLElement;
      if (!node.textContent?.trim() || !element.checkVisibility({ opacityProperty: true, visibilityProperty: true }) || element.closest(".hidden, [class*=skip], svg")) continue;
      const range = document.createRange();
      range.selectNodeContents(node);
      for (const rect of range.getClientRects()) if (rect.width > 1 && inSight(rect, element)) all.push({ text: node.textContent.trim().slice(0, 40), rect, element });
    }
    /** Whether a line ends within a word. */
    const breaks = (node: Node) => {
      const text = node.textContent ?? "";
      const top = (at: number) => {
        const range = document.createRange();
        range.setStart(node, at);
        range.setEnd(node, at + 1);
        return range.getBoundingClientRect().top;
      };
      return [...text].some((_, at) => at > 0 && /\p{L}\p{L}/u.test(text.slice(at - 1, at + 1)) && Math.abs(top(at) - top(at - 1)) > 6);
    };
    // What people have written may be a word that is longer than any line.
    for (const element of document.querySelectorAll("nav, header, button")) {
      const inside = document.createTreeWalker(element, NodeFilter.SHOW_TEXT);
      for (let node = inside.nextNode(); node; node = inside.nextNode()) if (node.parentElement?.checkVisibility() && breaks(node)) found.push(`broken: "${node.textContent}"`);
    }
    for (const { text, rect, element } of all) {
      for (let box: HTMLElement | null = element; box && box !== document.body; box = box.parentElement) {
        const style = getComputedStyle(box);
        // What scrolls is reached.
        if (["auto", "scroll"].includes(style.overflowY) || ["auto", "scroll"].includes(style.overflowX)) break;
        const edges = box.getBoundingClientRect();
        const pressed = box.matches("button, a[class*=button], [role=menuitem]");
        const middle = (rect.top + rect.bottom) / 2;
        if ((hides(style, "Y") || pressed) && (middle - 4 < edges.top - 1 || middle + 4 > edges.bottom + 1)) found.push(`cut: "${text}" in ${box.className || box.tagName}`);
        if (hides(style, "X") && style.textOverflow !== "ellipsis" && rect.right > edges.right + 1) found.push(`cut at the side: "${text}" in ${box.className || box.tagName}`);
        if (style.textOverflow === "ellipsis") break;
      }
    }
    for (const [n, one] of all.entries()) for (const other of all.slice(n + 1)) {
      if (one.element.contains(other.element) || other.element.contains(one.element)) continue;
      const wide = Math.min(one.rect.right, other.rect.right) - Math.max(one.rect.left, other.rect.left);
      // Lines of a text may touch.
      const high = Math.min(one.rect.bottom, other.rect.bottom) - Math.max(one.rect.top, other.rect.top);
      if (wide > 2 && high > 6) found.push(`upon another: "${one.text}" and "${other.text}"`);
    }
    return [...new Set(found)];
  });
}

const sideways = (page: Page) => page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);

staged("space between letters, words, lines and paragraphs, in a browser", ["--unverified", "everything"], (world) => {
  test("nothing is cut, nothing lies upon another, and nothing scrolls sideways", async () => {
    const context = await world.context();
    const { page, username } = await world.comeIn(await context.newPage(), "Wanda Wide", world.url);
    const other = await world.newcomer("Otto Open");
    const [rest, theirs] = [await world.rest(username), await world.rest(other.username)];
    const { id } = await rest<{ id: string }>("POST", "/v1/rooms", { kind: "group", name: "harbour", topic: "Tides and times", members: [`@${other.username}`] });
    const root = await theirs<{ id: string }>("POST", `/v1/rooms/${id}/messages`, { body: `Who has the keys? @${username}\n\n- one\n- two\n\n> a line`, format: "markdown" });
    await rest("POST", `/v1/rooms/${id}/messages`, { body: "an answer", thread_root_id: root.id });
    await rest("PUT", `/v1/messages/${root.id}/reactions/${encodeURIComponent("👍")}`);
    await rest("PUT", `/v1/messages/${root.id}/pin`);
    await context.addInitScript(() => {
      const sheet = new CSSStyleSheet();
      sheet.replaceSync("* { line-height: 1.5 !important; letter-spacing: 0.12em !important; word-spacing: 0.16em !important; } p { margin-block-end: 2em !important; }");
      document.adoptedStyleSheets = [sheet];
    });
    const missed: string[] = [];
    for (const width of [1280, 320]) {
      await page.setViewportSize({ width, height: 720 });
      for (const path of ["/", `/r/${id}`, `/r/${id}/t/${root.id}`, "/inbox", "/threads", "/browse", "/search?q=keys", "/settings/profile", "/settings/look", "/admin/reports", "/admin/people"]) {
        await page.goto(world.url + path);
        // On a phone that may be the list of rooms alone.
        await page.waitForFunction(() => [...document.querySelectorAll<HTMLElement>("main, [role=main]")].some((one) => one.offsetParent !== null) && document.querySelector("[aria-busy=true]") === null);
        await page.waitForLoadState("networkidle");
        expect(await page.evaluate(() => getComputedStyle(document.querySelector("h1, h2, p") as Element).letterSpacing)).not.toBe("normal");
        if ((await sideways(page)) > 0) missed.push(`${path} ${width}: scrolls sideways`);
        missed.push(...(await lost(page)).map((one) => `${path} ${width}: ${one}`));
        await picture(page, `spaced-${width}${path.replace(id, "room").replace(root.id, "root").replace(/[^a-z]+/g, "-")}`);
      }
    }
    expect(missed).toEqual([]);
    // What is cut would have been found.
    await page.getByRole("heading", { level: 1 }).evaluate((one) => one.style.setProperty("block-size", "4px"));
    await page.getByRole("heading", { level: 1 }).evaluate((one) => one.style.setProperty("overflow", "hidden"));
    expect(await lost(page)).toEqual([expect.stringContaining('cut: "Administration"')]);
    await page.reload();
    await page.getByRole("heading", { level: 1 }).waitFor();
    expect(await faults(page)).toEqual([]);
  }, 180_000);
});
