/** A message's text. CommonMark is read into tokens, and tokens become React elements by a list of what is allowed:
 *  no string of HTML is made anywhere, so there is none to clean. */
import MarkdownIt from "markdown-it";
import { createElement, Fragment, memo, type ReactNode } from "react";
import css from "./body.module.css";

type Token = ReturnType<InstanceType<typeof MarkdownIt>["parse"]>[number];

const md = new MarkdownIt({ html: false, linkify: true, breaks: true, typographer: false });
// Markdown without surprises: four spaces are no code, a line of dashes makes no heading, pictures stay text.
md.disable(["code", "lheading", "reference", "image", "html_block", "html_inline"]);
// `notes.md` is no link; `www.` is.
md.linkify.set({ fuzzyLink: false, fuzzyEmail: false });
md.linkify.add("www.", {
  validate: (text: string, at: number) => /^[a-z0-9][a-z0-9.-]*\.[a-z]{2,}(?:[/?#][^\s<>]*)?/i.exec(text.slice(at))?.[0].length ?? 0,
  normalize: (match) => {
    match.url = `https://${match.url}`;
  },
});
md.linkify.add("ftp:", null).add("//", null).add("mailto:", null);

const BLOCKS: Record<string, string> = {
  paragraph: "p", blockquote: "blockquote", bullet_list: "ul", ordered_list: "ol", list_item: "li",
  table: "table", thead: "thead", tbody: "tbody", tr: "tr", th: "th", td: "td", strong: "strong", em: "em", s: "s",
};

/** Addresses that may be followed. */
function safe(href: string): string | undefined {
  try {
    const { protocol } = new URL(href);
    return protocol === "https:" || protocol === "http:" ? href : undefined;
  } catch {
    return undefined;
  }
}

interface Node {
  token: Token;
  children: (Node | string)[];
}

/** Nested tokens out of the flat list. Deep nesting is flattened: it is not recursed into without end. */
const DEEPEST = 24;

function nested(tokens: Token[]): Node["children"] {
  const root: Node["children"] = [];
  const stack: Node["children"][] = [root];
  for (const token of tokens) {
    const here = stack.at(-1) ?? root;
    if (token.nesting === 1) {
      const node: Node = { token, children: stack.length > DEEPEST ? here : [] };
      if (stack.length <= DEEPEST) here.push(node);
      stack.push(node.children);
    } else if (token.nesting === -1) {
      stack.pop();
    } else {
      here.push({ token, children: token.type === "inline" ? nested(token.children ?? []) : [] });
    }
  }
  return root;
}

/** Texts that have been read lately: a room that is opened again is not read again. */
const known = new Map<string, Node["children"]>();
const KNOWN = 2_000;

function read(text: string): Node["children"] {
  let nodes = known.get(text);
  if (nodes) return nodes;
  nodes = nested(md.parse(text, {}));
  known.set(text, nodes);
  const oldest = known.size > KNOWN ? known.keys().next().value : undefined;
  if (oldest !== undefined) known.delete(oldest);
  return nodes;
}

/** Names that are shown as mentions. */
export interface Mentions {
  names: ReadonlySet<string>;
  own: string;
}

const WORD = /(@[\p{L}\p{N}._-]*[\p{L}\p{N}])/u;

function words(text: string, mentions: Mentions): ReactNode {
  if (!text.includes("@")) return text;
  return text.split(WORD).map((part, i) => {
    const name = part.startsWith("@") ? part.slice(1).toLowerCase() : "";
    if (!name || !mentions.names.has(name)) return part;
    return <span key={i} className={css["mention"]} data-own={name === mentions.own || undefined}>{part}</span>;
  });
}

function drawn(children: Node["children"], mentions: Mentions): ReactNode[] {
  return children.map((child, key) => (typeof child === "string" ? child : <Fragment key={key}>{draw(child, mentions)}</Fragment>));
}

function draw({ token, children }: Node, mentions: Mentions): ReactNode {
  const inside = () => drawn(children, mentions);
  switch (token.type) {
    case "inline": return inside();
    case "text": return words(token.content, mentions);
    case "softbreak": case "hardbreak": return <br />;
    case "hr": return <hr />;
    case "code_inline": return <code dir="ltr">{token.content}</code>;
    case "fence": return <pre dir="ltr" tabIndex={0}><code>{token.content}</code></pre>;
    case "heading_open": return <p dir="auto" className={css["heading"]}>{inside()}</p>;
    case "link_open": {
      const href = safe(String(token.attrGet("href") ?? ""));
      return href ? <a href={href} target="_blank" rel="noopener noreferrer nofollow" dir="auto">{inside()}</a> : inside();
    }
    case "ordered_list_open": return <ol start={Number(token.attrGet("start") ?? "1")} dir="auto">{inside()}</ol>;
    case "paragraph_open": return token.hidden ? inside() : <p dir="auto">{inside()}</p>;
    case "table_open": return <div className={css["wide"]} tabIndex={0}><table>{inside()}</table></div>;
  }
  const tag = BLOCKS[token.type.replace(/_open$/, "")];
  if (tag && token.nesting === 1) return createElement(tag, { dir: "auto" }, ...inside());
  // Whatever is not known is shown as it was written.
  return token.content;
}

const NOTHING: Mentions = { names: new Set(), own: "" };

export const Body = memo(function Body({ text, format, mentions = NOTHING }: { text: string; format: string; mentions?: Mentions | undefined }) {
  if (format !== "markdown") return <div className={css["body"]}><p dir="auto" className={css["plain"]}>{words(text, mentions)}</p></div>;
  return <div className={css["body"]}>{drawn(read(text), mentions)}</div>;
});
