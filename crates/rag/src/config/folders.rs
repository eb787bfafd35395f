//! Where the programs of this user keep their settings: the home folder, the
//! platform's place, and what the environment names instead.

use std::path::PathBuf;

use etcetera::BaseStrategy;

/// The folders that programs keep their settings in.
#[derive(Clone, Debug)]
pub(crate) struct Folders {
    /// The user's own.
    pub(crate) home: PathBuf,
    /// That of programs with windows: `~/.config` or XDG_CONFIG_HOME,
    /// `~/Library/Application Support`, `%APPDATA%`.
    pub(crate) applications: PathBuf,
    /// Where Windows keeps what packaged programs take to be there; `None`
    /// elsewhere.
    pub(crate) packages: Option<PathBuf>,
    /// Where Claude Code keeps its own, if CLAUDE_CONFIG_DIR says so.
    pub(crate) claude_code: Option<PathBuf>,
    /// Where Codex keeps its own, if CODEX_HOME says so.
    pub(crate) codex: Option<PathBuf>,
}

impl Folders {
    /// Those of this user; `None` when there is no home folder.
    pub(crate) fn find() -> Option<Self> {
        let native = etcetera::base_strategy::choose_native_strategy().ok()?;
        // What others call preferences is, on macOS, something else.
        let applications = match cfg!(target_os = "macos") {
            true => native.data_dir(),
            false => native.config_dir(),
        };
        Some(Folders {
            home: native.home_dir().to_owned(),
            applications,
            packages: cfg!(windows).then(|| native.cache_dir().join("Packages")),
            claude_code: named("CLAUDE_CONFIG_DIR"),
            codex: named("CODEX_HOME"),
        })
    }
}

/// The folder that a variable names.
fn named(variable: &str) -> Option<PathBuf> {
    std::env::var_os(variable)
        .filter(|folder| !folder.is_empty())
        .map(PathBuf::from)
}
