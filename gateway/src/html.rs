//! HTML pages for people: one style, no script, nothing fetched from anywhere.

const STYLE: &str = "body{font:16px/1.5 system-ui,sans-serif;max-width:56rem;margin:2rem auto;padding:0 1rem;color:#1b1f24;background:#fff}\
h1,h2{line-height:1.2}code,pre{font:14px/1.45 ui-monospace,monospace;background:#f4f5f7;border-radius:4px}\
code{padding:.1em .3em}pre{padding:.8rem;overflow-x:auto}details{border:1px solid #d8dce2;border-radius:6px;margin:.4rem 0;padding:.4rem .8rem}\
summary{cursor:pointer}.m{display:inline-block;min-width:4.5rem;font-weight:600}table{border-collapse:collapse;width:100%}\
td,th{text-align:left;padding:.2rem .6rem .2rem 0;border-bottom:1px solid #eceef1;vertical-align:top}\
@media(prefers-color-scheme:dark){body{color:#dfe3e8;background:#15181c}code,pre{background:#22262c}details{border-color:#343a42}a{color:#7db4ff}td,th{border-color:#2a2f36}}";

/// A whole page. `title` and `body` are HTML, and of this program: nothing in them comes from outside.
pub(crate) fn framed(title: &str, body: &str) -> String {
    format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" \
         content=\"width=device-width,initial-scale=1\"><title>{title}</title><style>{STYLE}</style></head>\
         <body>{body}</body></html>\n"
    )
}
