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
  expect(inside("![p](https://example.org/p.png)")).toBe("<p>![p](https://example.org/p.png)</p>");
  expect(inside('a ![*p*](<https://example.org/p q.png> "t") b')).toBe("<p>a ![*p*](&lt;https://example.org/p q.png&gt; &quot;t&quot;) b</p>");
  expect(inside("[![p](https://a.example/p.png)](https://b.example)")).toMatch(/^<p><a href="https:\/\/b.example"[^>]*>!\[p\]\(https:\/\/a.example\/p.png\)<span> \(b.example\)<\/span><\/a><\/p>$/);
  expect(inside("![p][q]\n\n[q]: https://example.org/p.png")).toContain("![p][q]");
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

const UNSEEN = ["\u202e", "\u202a", "\u2066", "\u2069", "\u200b", "\u200e", "\u2060", "\u00ad", "\ufeff", "\u3164", "\u2028", "\u2800", "\u{e0041}", "\u0007"];

test("what may not be written does not come out of an entity or an escaped address", () => {
  for (const sign of UNSEEN) {
    const code = sign.codePointAt(0) ?? 0;
    for (const entity of [`&#x${code.toString(16)};`, `&#${code};`]) {
      for (const text of [`pay ${entity}gnp.exe`, `**${entity}a**`, `# a${entity}`, `- a${entity}`, `[https://bank.example/${entity}a](https://evil.example/${entity} "${entity}")`, `\`${entity}\``, `| a${entity} |\n|--|\n| ${entity} |`, `<https://a.example/${entity}>`, `https://a.example/${entity}`]) {
        expect(drawn(text).includes(sign), text).toBe(false);
      }
    }
    const escaped = encodeURIComponent(sign);
    for (const text of [`https://a.example/${escaped}moc.live`, `<https://a.example/${escaped}moc.live>`, `www.a.example/${escaped}moc`]) expect(drawn(text).includes(sign), text).toBe(false);
    expect(inside(`https://a.example/${escaped}moc`)).toContain(`>https://a.example/${escaped}moc</a>`);
  }
  for (const name of ["&zwnj;", "&rlm;", "&ZeroWidthSpace;", "&NoBreak;", "&shy;", "&InvisibleTimes;"]) expect(inside(`a${name}b`)).toBe(`<p>a${name.replace("&", "&amp;")}b</p>`);
  expect(inside("pay &#x202e;gnp.exe&#x202c;")).toBe("<p>pay &amp;#x202e;gnp.exe&amp;#x202c;</p>");
});

test("other entities and escapes are read", () => {
  expect(inside("&amp; &eacute; &#x1f600; &nbsp;&lt;b&gt; &copy;")).toBe("<p>&amp; \u00e9 \u{1f600} \u00a0&lt;b&gt; \u00a9</p>");
  expect(inside("https://example.org/K%C3%B6ln")).toContain(">https://example.org/K\u00f6ln</a>");
  expect(inside("e&#x301;")).toBe("<p>e\u0301</p>");
  expect(inside("`&eacute;`")).toBe("<p><code>&amp;eacute;</code></p>");
});

test("marks do not pile up", () => {
  const most = (text: string) => Math.max(...[...drawn(text).replace(/<[^>]*>/g, "").matchAll(/\p{M}+/gu)].map((run) => run[0].length));
  expect(most(`a${"&#x300;".repeat(1_000)} b`)).toBe(30);
  expect(most(`a${`${"\u0300".repeat(30)}**${"\u0301".repeat(30)}**`.repeat(20)}`)).toBe(30);
  expect(most(`a${`${"\u0300".repeat(30)}[](https://a.example)`.repeat(20)}`)).toBe(30);
  expect(drawn(`${"e\u0301".repeat(100)}`).match(/\u0301/g)).toHaveLength(100);
});

test("a link whose text is another address shows where it leads", () => {
  const text = (source: string) => inside(source).replace(/<[^>]*>/g, "");
  const title = (source: string) => /title="([^"]*)"/.exec(drawn(source))?.[1];
  expect(text("[https://bank.example/a](https://evil.example/b)")).toBe("https://bank.example/a (evil.example)");
  expect(title("[https://bank.example/a](https://evil.example/b)")).toBe("https://evil.example/b");
  for (const shown of ["bank.example", "www.bank.example", "**bank**.example", "go to bank.example/now", "ｂａｎｋ．example", "http://10.0.0.1/", "//bank.example", "BANK.EXAMPLE", "see evil.example or bank.example", "b\u00e4nk.example", "https://evil.example@bank.example"]) {
    expect(text(`[${shown}](https://evil.example/b)`), shown).toMatch(/ \(evil\.example\)$/);
  }
  expect(text("<https://bank.example@evil.example/a>")).toBe("https://bank.example@evil.example/a (evil.example)");
  expect(text("[https://a.example/one](https://a.example/two)")).toBe("https://a.example/one (https://a.example/two)");
  for (const honest of ["[here](https://a.example/b)", "[a.example](https://www.a.example/b)", "[https://a.example](https://a.example/)", "https://a.example/b?c=https://d.example", "www.a.example/b", "https://k\u00f6ln.example/", "[Dr. No, e.g. 1.5](https://a.example)"]) {
    expect(text(honest), honest).not.toMatch(/\)$/);
  }
  expect(title("[here](https://k\u00f6ln.example/b)")).toBe("https://xn--kln-sna.example/b");
});

test("8,000 signs of anything are drawn at once", () => {
  for (const sign of ["[", ">", "*", "`", "- ", "(", "|", "_", "![", "<", "&#x300;", "a.", "![a](b)", "[a.b](https://c.d)"]) {
    const began = performance.now();
    drawn(sign.repeat(8_000 / sign.length));
    expect(performance.now() - began, sign).toBeLessThan(3_000);
  }
});
