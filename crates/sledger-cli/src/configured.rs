//! Finding and reading the configuration: `--config`, `$SLEDGER_CONFIG`, `./sledger.toml`,
//! `/etc/sledger/sledger.toml`, else the defaults. Precedence: flag, environment, file, default.

use crate::args::Global;
use crate::exit::Usage;
use crate::output::Output;
use anyhow::Result;
use sledger_wire::config::{Config, Written};
use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// Where a file is looked for that nobody names.
const PLACES: [&str; 2] = ["sledger.toml", "/etc/sledger/sledger.toml"];
/// A longer file is no configuration.
const FILE_BYTES_MAX: u64 = 16 << 20;

/// Flags that stand for keys of the configuration, by dotted key.
pub(crate) type Flags = BTreeMap<String, String>;

/// A configuration, and the hash of the file it came from.
#[derive(Debug)]
pub(crate) struct Configured {
    /// What it says.
    pub(crate) config: Config,
    /// BLAKE3 of the file.
    pub(crate) hash: Option<[u8; 32]>,
}

/// Reads the configuration and tells its warnings.
pub(crate) fn load(global: &Global, flags: &Flags, out: &mut Output<'_>) -> Result<Configured> {
    let configured = read(global, flags)?;
    for warning in &configured.config.warnings {
        let line = warning.line(configured.config.file.as_deref());
        out.say(&format!("warning: {}", sledger_wire::escape(&line)));
    }
    Ok(configured)
}

/// Reads the configuration.
pub(crate) fn read(global: &Global, flags: &Flags) -> Result<Configured> {
    let mut flags = flags.clone();
    if let Some(data) = &global.data {
        flags.insert("ledger.data".to_owned(), data.to_string_lossy().into_owned());
    }
    let environment: BTreeMap<String, String> = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.to_string_lossy().into_owned())))
        .collect();
    let file = find(global.config.as_deref(), environment.get("SLEDGER_CONFIG").map(Path::new))?;
    let written = Written {
        file: file.as_ref().map(|(path, text)| (path.as_path(), text.as_str())),
        environment: &environment,
        flags: &flags,
    };
    let config = Config::read(&written).map_err(|refused| Usage::error(refused.to_string()))?;
    let hash = file.as_ref().map(|(_, text)| *blake3::hash(text.as_bytes()).as_bytes());
    Ok(Configured { config, hash })
}

/// A file that is named must be there; one that is only looked for may be missing.
fn find(flag: Option<&Path>, variable: Option<&Path>) -> Result<Option<(PathBuf, String)>> {
    if let Some(named) = flag.or(variable.filter(|path| !path.as_os_str().is_empty())) {
        return match text_of(named)? {
            Some(text) => Ok(Some((named.to_owned(), text))),
            None => Err(Usage::error(format!("configuration `{}` does not exist", named.display()))),
        };
    }
    for place in PLACES.map(Path::new) {
        if let Some(text) = text_of(place)? {
            return Ok(Some((place.to_owned(), text)));
        }
    }
    Ok(None)
}

fn text_of(path: &Path) -> Result<Option<String>> {
    let unreadable =
        |reason: String| Usage::error(format!("cannot read configuration `{}`: {reason}", path.display()));
    match std::fs::metadata(path) {
        Ok(found) if found.len() > FILE_BYTES_MAX => {
            return Err(unreadable(format!("it is longer than {FILE_BYTES_MAX} bytes")));
        }
        Ok(_) => {}
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(unreadable(error.to_string())),
    }
    let bytes = std::fs::read(path).map_err(|error| unreadable(error.to_string()))?;
    String::from_utf8(bytes).map(Some).map_err(|_| unreadable("it is not UTF-8".to_owned()))
}
