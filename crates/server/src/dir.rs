//! The working folder: where files of data go.

use kit::opt::{Config, Opt, Text};
use std::path::Path;

pub(crate) static DIR: Opt<Text> =
    Opt::text("dir", ".", "Working folder: files named without a path are there.").protected().not_while_loading();

/// Goes there, and keeps the whole path as the option's value.
pub(crate) fn apply(config: &Config) -> Result<(), String> {
    let wanted = config.get(&DIR);
    let went = std::env::set_current_dir(Path::new(&*wanted)).and_then(|()| std::env::current_dir());
    let path = went.map_err(|error| plain(&error))?;
    config.set_value(&DIR, path.to_string_lossy().as_ref());
    Ok(())
}

/// The system's words without the number that Rust adds.
pub(crate) fn plain(error: &std::io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error").next().unwrap_or_default().to_owned()
}
