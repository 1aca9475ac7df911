//! How a log line is written: as a JSON object for programs, or as text for a person at a terminal.
//!
//! Owns both forms. The names of the JSON fields are what log collectors search for and do not change; the text is
//! for reading only and may.

use std::fmt::{self, Write};
use std::io::IsTerminal;

use schemas::Timestamp;
use serde::Serialize;
use serde_json::{Map, Value};
use tracing::Level;

use crate::choice::{InvalidChoice, choose};

/// Which form log lines have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LogFormat {
    /// Text when stderr is a terminal, else JSON.
    #[default]
    Auto,
    /// One JSON object a line.
    Json,
    /// Time, level, message and fields; in colour at a terminal, unless `NO_COLOR` is set or `TERM` is `dumb`.
    Text,
}

impl LogFormat {
    /// Reads `auto`, `json` or `text`.
    ///
    /// # Errors
    /// [`InvalidChoice`] for anything else.
    pub fn parse(text: &str) -> Result<Self, InvalidChoice> {
        choose(text, &[("auto", Self::Auto), ("json", Self::Json), ("text", Self::Text)])
    }

    /// What it means for this process and its stderr.
    pub(crate) fn style(self) -> Style {
        let at_terminal = std::io::stderr().is_terminal();
        match self {
            Self::Auto if !at_terminal => Style::Json,
            Self::Json => Style::Json,
            Self::Auto | Self::Text => Style::Text { colour: at_terminal && wants_colour() },
        }
    }
}

fn wants_colour() -> bool {
    let refused = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    !refused && std::env::var_os("TERM").is_none_or(|terminal| terminal != "dumb")
}

/// A form with everything decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Style {
    Json,
    Text { colour: bool },
}

/// What a line says. Of its JSON the members every line has come first, for the eye.
#[derive(Serialize)]
pub(crate) struct Line<'a> {
    pub(crate) time: Timestamp,
    #[serde(serialize_with = "in_lower_case")]
    pub(crate) level: Level,
    pub(crate) service: &'a str,
    pub(crate) target: &'a str,
    pub(crate) message: Option<Value>,
    #[serde(flatten)]
    pub(crate) fields: Map<String, Value>,
}

fn in_lower_case<S: serde::Serializer>(level: &Level, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(&level.as_str().to_ascii_lowercase())
}

impl Line<'_> {
    /// The line without its end; none when a field cannot be written as JSON.
    pub(crate) fn written(&self, style: Style) -> Option<String> {
        match style {
            Style::Json => serde_json::to_string(self).ok(),
            Style::Text { colour } => {
                let mut text = String::with_capacity(160);
                // A String takes everything.
                let _ = self.write_text(&mut text, Paint { colour });
                Some(text)
            }
        }
    }

    fn write_text(&self, to: &mut String, paint: Paint) -> fmt::Result {
        let time = self.time.to_string();
        // The day is known to a person who watches.
        let time = time.split_once('T').map_or(time.as_str(), |(_, time)| time);
        let level = self.level.as_str();
        write!(
            to,
            "{} {} ",
            paint.with(DIM, time),
            paint.with(of_level(self.level), format_args!("{level:5}"))
        )?;
        match &self.message {
            Some(Value::String(message)) => write!(to, "{}", Printable(message))?,
            Some(other) => write!(to, "{other}")?,
            None => {}
        }
        for (name, value) in self.fields.iter().filter(|(name, _)| *name != "span.id") {
            write!(to, "  {}", paint.with(DIM, format_args!("{name}=")))?;
            write_value(to, value)?;
        }
        write!(to, "  {}", paint.with(DIM, format_args!("({})", self.target)))
    }
}

fn write_value(to: &mut String, value: &Value) -> fmt::Result {
    match value {
        Value::String(text) if text.is_empty() || text.contains([' ', '"']) => {
            write!(to, "\"{}\"", Printable(&text.replace('"', "\\\"")))
        }
        Value::String(text) => write!(to, "{}", Printable(text)),
        other => write!(to, "{other}"),
    }
}

/// A text in which nothing moves the cursor or starts a line: what is logged may come from a client.
struct Printable<'a>(&'a str);

impl fmt::Display for Printable<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for character in self.0.chars() {
            if character.is_control() {
                write!(f, "{}", character.escape_default())?;
            } else {
                f.write_char(character)?;
            }
        }
        Ok(())
    }
}

/// Codes of the terminal (ECMA-48, Select Graphic Rendition).
const DIM: &str = "2";
const RED: &str = "1;31";
const YELLOW: &str = "33";
const GREEN: &str = "32";
const BLUE: &str = "34";

fn of_level(level: Level) -> &'static str {
    match level {
        Level::ERROR => RED,
        Level::WARN => YELLOW,
        Level::INFO => GREEN,
        Level::DEBUG => BLUE,
        Level::TRACE => DIM,
    }
}

#[derive(Clone, Copy)]
struct Paint {
    colour: bool,
}

impl Paint {
    fn with<T: fmt::Display>(self, code: &'static str, what: T) -> Painted<T> {
        Painted { code: self.colour.then_some(code), what }
    }
}

struct Painted<T> {
    code: Option<&'static str>,
    what: T,
}

impl<T: fmt::Display> fmt::Display for Painted<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.code {
            Some(code) => write!(f, "\x1b[{code}m{}\x1b[0m", self.what),
            None => write!(f, "{}", self.what),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn line(message: &str, fields: Value) -> Line<'static> {
        Line {
            time: Timestamp::parse("2026-11-26T07:12:33.120Z").unwrap(),
            level: Level::WARN,
            service: "tidings",
            target: "eventlog::connection",
            message: Some(message.into()),
            fields: serde_json::from_value(fields).unwrap(),
        }
    }

    #[test]
    fn json_names_its_members_and_puts_fields_beside_them() {
        let text = line("lost", json!({"room.id": "room_1", "tries": 3})).written(Style::Json);
        let expected = r#"{"time":"2026-11-26T07:12:33.120Z","level":"warn","service":"tidings","#
            .to_owned()
            + r#""target":"eventlog::connection","message":"lost","room.id":"room_1","tries":3}"#;
        assert_eq!(text.unwrap(), expected);
    }

    #[test]
    fn text_is_time_level_message_and_fields() {
        let fields = json!({"error": "no route", "span.id": "1", "trace.id": "ab", "tries": 3});
        let text = line("the link is lost", fields).written(Style::Text { colour: false });
        assert_eq!(
            text.unwrap(),
            "07:12:33.120Z WARN  the link is lost  error=\"no route\"  trace.id=ab  tries=3  (eventlog::connection)"
        );
    }

    #[test]
    fn colour_is_only_where_it_is_wanted() {
        let text = line("m", json!({"a": 1})).written(Style::Text { colour: true }).unwrap();
        assert!(text.contains("\x1b[33mWARN \x1b[0m m  \x1b[2ma=\x1b[0m1"), "{text:?}");
        let plain = line("m", json!({"a": 1})).written(Style::Text { colour: false }).unwrap();
        assert!(!plain.contains('\x1b'), "{plain:?}");
    }

    #[test]
    fn nothing_that_is_logged_moves_the_cursor_or_forges_a_line() {
        let fields = json!({"name": "x\x1b[2J\r\n07:00 ERROR fake", "c1": "\u{9b}31m"});
        let text = line("a\nb", fields).written(Style::Text { colour: false }).unwrap();
        assert!(!text.contains(char::is_control), "{text:?}");
        assert!(
            text.contains(r"a\nb") && text.contains(r"\u{1b}[2J\r\n07:00 ERROR fake"),
            "{text}"
        );
    }

    #[test]
    fn formats_have_names() {
        assert_eq!(LogFormat::parse("json"), Ok(LogFormat::Json));
        assert_eq!(LogFormat::parse("text"), Ok(LogFormat::Text));
        assert_eq!(LogFormat::parse("auto"), Ok(LogFormat::Auto));
        assert!(LogFormat::parse("JSON").is_err());
    }
}
