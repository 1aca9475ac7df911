//! Where settings come from: the call (flags and environment), the file it names, and the data folder's own.

use std::path::{Path, PathBuf};

use crate::failure::Failure;
use crate::settings::Settings;

/// The commented defaults, which are also the reference of every setting.
pub(crate) const DEFAULTS: &str = include_str!("default.toml");

/// The data folder where nothing says another.
pub(crate) const DATA: &str = "./data";

/// Settings as one place has them.
pub(crate) struct Layer {
    /// The file they stand in; none for the call.
    pub(crate) file: Option<PathBuf>,
    pub(crate) settings: Settings,
}

/// Every layer but the defaults, the strongest first.
///
/// # Errors
/// A file that cannot be read, has a key that is none, or says what it may not.
pub(crate) fn layers(flags: Settings, file: Option<&Path>) -> Result<Vec<Layer>, Failure> {
    let mut layers = vec![Layer { file: None, settings: flags.without_empty() }];
    if let Some(file) = file {
        layers.push(read(file)?);
    }
    let named = layers.iter().find_map(|layer| layer.settings.data.clone());
    let own = named.unwrap_or_else(|| DATA.into()).join("config.toml");
    if own.exists() {
        let layer = read(&own)?;
        if layer.settings.data.is_some() {
            let what = "`data` cannot be set by a file that lies in the data folder";
            return Err(wrong(&format!("{}: {what}", own.display())));
        }
        layers.push(layer);
    }
    Ok(layers)
}

/// The defaults of those settings that have one whatever else is said.
///
/// # Errors
/// A defect of this build.
pub(crate) fn defaults() -> Result<Settings, Failure> {
    parse(DEFAULTS, Path::new("the embedded defaults"))
}

fn wrong(what: &str) -> Failure {
    Failure::wrong_call(what)
}

fn read(file: &Path) -> Result<Layer, Failure> {
    let text = std::fs::read_to_string(file)
        .map_err(|error| wrong(&format!("{} cannot be read: {error}", file.display())))?;
    let settings = parse(&text, file)?.without_empty();
    Ok(Layer { file: Some(file.to_owned()), settings })
}

fn parse(text: &str, file: &Path) -> Result<Settings, Failure> {
    // The library's own text shows the offending line, which may hold a password: say its message
    // and where, not the line.
    toml::from_str(text).map_err(|error: toml::de::Error| {
        let line = error.span().map_or(1, |span| {
            text.get(..span.start).unwrap_or_default().bytes().filter(|b| *b == b'\n').count() + 1
        });
        wrong(&format!("{}, line {line}: {}", file.display(), error.message()))
    })
}
