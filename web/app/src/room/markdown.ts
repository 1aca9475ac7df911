/** What a message's Markdown says: CommonMark without surprises, as tokens. What may be seen of a text is decided here and nowhere else. */
import MarkdownIt from "markdown-it";

export type Token = ReturnType<InstanceType<typeof MarkdownIt>["parse"]>[number];

const md = new MarkdownIt({ html: false, linkify: true, breaks: true, typographer: false });
// Four spaces are no code, a line of dashes makes no heading.
md.disable(["code", "lheading", "reference", "html_block", "html_inline"]);
// `notes.md` is no link; `www.` is.
md.linkify.set({ fuzzyLink: false, fuzzyEmail: false });
md.linkify.add("www.", {
  validate: (text: string, at: number) => /^[a-z0-9][a-z0-9.-]*\.[a-z]{2,}(?:[/?#][^\s<>]*)?/i.exec(text.slice(at))?.[0].length ?? 0,
  normalize: (match) => {
    match.url = `https://${match.url}`;
  },
});
md.linkify.add("ftp:", null).add("//", null).add("mailto:", null);

// Pictures stay text, and are none of the links that they look like.
const inline = md.inline.ruler.getRules("");
md.disable("image");
const picture = inline.find((rule) => !md.inline.ruler.getRules("").includes(rule));
md.inline.ruler.before("link", "picture", (state, silent) => {
  const from = state.pos;
  if (!picture?.(state, true)) return false;
  if (!silent) state.push("text_special", "", 0).content = state.src.slice(from, state.pos);
  return true;
});

/** What the API refuses in texts or in names because it cannot be seen, or changes how its surroundings are seen (docs/TEXT.md). */
const UNSEEN = /[\p{C}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}\u2800\u{1d159}]/u;

// A text that was accepted must not become another when it is drawn: what an entity or an escaped address would bring in stays as it was written.
md.core.ruler.before("text_join", "unseen", (state) => {
  for (const { children } of state.tokens) {
    children?.forEach((token, at) => {
      if (!UNSEEN.test(token.content)) return;
      const link = children[at - 1];
      if (token.info === "entity") token.content = token.markup;
      else if (link?.type === "link_open" && link.info === "auto") token.content = String(link.attrGet("href") ?? "");
    });
  }
});

/** Marks on one character, as the API counts them. Out of entities, and where signs of Markdown stood between, there may be more. */
const MOST_MARKS = 30;
const MARKS = /[\p{Mn}\p{Me}\u200c\u200d]+/gu;

md.core.ruler.after("text_join", "marks", (state) => {
  for (const { children } of state.tokens) {
    let before = 0;
    for (const token of children ?? []) {
      const text = token.content;
      let end = text === "" && token.nesting !== 0 ? before : 0;
      token.content = text.replace(MARKS, (run: string, at: number) => {
        const [marks, held] = [[...run], at === 0 ? before : 0];
        if (at + run.length === text.length) end = held + marks.length;
        return marks.slice(0, Math.max(0, MOST_MARKS - held)).join("");
      });
      before = end;
    }
  }
});

export function parse(text: string): Token[] {
  return md.parse(text, {});
}
