//! What of a Markdown text is read as running text: not code, not links, not pictures.

use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};

/// Stands where markup or something left out was: it belongs to no word and ends a link. No text holds it.
const BREAK: char = '\u{1}';

/// The running text of a CommonMark text, with [`BREAK`] for what is not. Time is linear in its length.
pub(super) fn prose(text: &str) -> String {
    let mut prose = String::with_capacity(text.len());
    // Inside how many links, pictures and blocks of code.
    let mut outside = 0_u32;
    for event in Parser::new_ext(text, Options::empty()) {
        match event {
            Event::Start(Tag::Link { .. } | Tag::Image { .. } | Tag::CodeBlock(_)) => {
                outside += 1;
                prose.push(BREAK);
            }
            Event::End(TagEnd::Link | TagEnd::Image | TagEnd::CodeBlock) => {
                outside = outside.saturating_sub(1);
                prose.push(BREAK);
            }
            Event::Text(text) | Event::Html(text) | Event::InlineHtml(text) if outside == 0 => {
                prose.push_str(&text);
            }
            Event::SoftBreak | Event::HardBreak | Event::Rule => prose.push('\n'),
            _ => prose.push(BREAK),
        }
    }
    prose
}
