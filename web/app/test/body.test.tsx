import { renderToStaticMarkup } from "react-dom/server";
import { expect, test } from "vitest";
import { Body } from "../src/room/body.tsx";

const drawn = (text: string, names: string[] = []) => renderToStaticMarkup(<Body text={text} format="markdown" mentions={{ names: new Set(names), own: "ana" }} />).replace(/ (class|dir|tabindex|tabIndex)="[^"]*"/g, "");
const inside = (text: string, names?: string[]) => drawn(text, names).replace(/^<div>|<\/div>$/g, "");

test("CommonMark becomes elements", () => {
  expect(inside("**a** _b_ `c`")).toBe("<p><strong>a</strong> <em>b</em> <code>c</code></p>");
  expect(inside("a\nb")).toBe("<p>a<br/>b</p>");
  expect(inside("3. x\n4. y")).toBe('<ol start="3"><li>x</li><li>y</li></ol>');
  expect(inside("see https://example.org/a_b_c.")).toBe('<p>see <a href="https://example.org/a_b_c" target="_blank" rel="noopener noreferrer nofollow">https://example.org/a_b_c</a>.</p>');
  expect(inside("www.example.org")).toContain('href="https://www.example.org"');
});

test("no surprises", () => {
  expect(inside("notes.md and a@b.org")).toBe("<p>notes.md and a@b.org</p>");
  expect(inside("a\n---")).not.toMatch(/<h[1-6]/);
  expect(inside("    four spaces")).toBe("<p>four spaces</p>");
  expect(inside("![p](https://example.org/p.png)")).not.toContain("<img");
});

test("names are mentions only where the server says so", () => {
  expect(inside("hi @ana and @bob", ["ana"])).toBe('<p>hi <span data-own="true">@ana</span> and @bob</p>');
  expect(inside("`@ana`", ["ana"])).toBe("<p><code>@ana</code></p>");
});

test("nothing of a hostile writer runs", () => {
  for (const text of [
    "<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "[a](javascript:alert(1))", "[a](JaVaScRiPt:alert(1))", "[a](data:text/html,x)", "[a](vbscript:x)",
    "<javascript:alert(1)>", "[a](&#106;avascript:alert(1))", "[a](\u0001javascript:alert(1))", "<svg/onload=alert(1)>", "[x](https://a.b\" onmouseover=\"alert(1))", "```\n</code><script>x</script>\n```",
  ]) {
    const html = drawn(text);
    expect(html, text).not.toMatch(/<(script|img|svg|iframe)/i);
    expect(html, text).not.toMatch(/href="(?!https?:)/i);
    expect(html.replace(/&[a-z#0-9]+;/g, ""), text).not.toMatch(/<[^>]* on\w+=/i);
  }
});

test("8,000 signs of anything are drawn at once", () => {
  for (const sign of ["[", ">", "*", "`", "- ", "(", "|", "_", "![", "<"]) {
    const began = performance.now();
    drawn(sign.repeat(8_000 / sign.length));
    expect(performance.now() - began, sign).toBeLessThan(3_000);
  }
});
