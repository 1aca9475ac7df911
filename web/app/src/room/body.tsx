/** A message's text. CommonMark is read into tokens, and tokens become React elements by a list of what is allowed:
 *  no string of HTML is made anywhere, so there is none to clean. */
import { createElement, Fragment, memo, type ReactNode } from "react";
import { elsewhere, safe } from "./addresses.ts";
import { parse, type Token } from "./markdown.ts";
import css from "./body.module.css";

const BLOCKS: Record<string, string> = {
  paragraph: "p", blockquote: "blockquote", bullet_list: "ul", ordered_list: "ol", list_item: "li",
  table: "table", thead: "thead", tbody: "tbody", tr: "tr", th: "th", td: "td", strong: "strong", em: "em", s: "s",
};

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
  nodes = nested(parse(text));
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
      const url = safe(String(token.attrGet("href") ?? ""));
      return url ? <Link url={url} token={token} text={written(children)}>{inside()}</Link> : inside();
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

/** The text of some nodes. */
function written(children: Node["children"]): string {
  return children.map((child) => (typeof child === "string" ? child : child.token.type.endsWith("break") ? "\n" : child.token.content + written(child.children))).join("");
}

/** Where it leads is told by its title and, where its text is another address, beside it. */
function Link({ url, token, text, children }: { url: URL; token: Token; text: string; children: ReactNode }) {
  const auto = token.info === "auto";
  const other = elsewhere(text, url, !auto);
  return (
    <a href={String(token.attrGet("href") ?? "")} title={auto ? undefined : url.href} target="_blank" rel="noopener noreferrer nofollow" dir="auto">
      {children}{other ? <span className={css["target"]} dir="ltr"> ({other})</span> : null}
    </a>
  );
}

const NOTHING: Mentions = { names: new Set(), own: "" };

export const Body = memo(function Body({ text, format, mentions = NOTHING }: { text: string; format: string; mentions?: Mentions | undefined }) {
  if (format !== "markdown") return <div className={css["body"]}><p dir="auto" className={css["plain"]}>{words(text, mentions)}</p></div>;
  return <div className={css["body"]}>{drawn(read(text), mentions)}</div>;
});
