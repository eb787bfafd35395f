//! Where values are looked for, first hit wins.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use super::ConfigError;
use super::setting::{Name, Origin, Setting, SettingSpec};
use crate::logging::Format;

/// The project's file, in the working directory.
const PROJECT_FILE: &str = ".env";
/// The user's file, in the home directory.
const USER_FILE: &str = ".rag-memory-env";
/// How alike an unknown variable must be to a setting to be taken for a slip.
const SLIP_MIN: f64 = 0.88;

/// Every setting with its value and where that came from.
#[derive(Clone, Debug)]
pub(crate) struct Settings(Vec<Setting>);

impl Settings {
    /// Looks for every setting: in `flags`, the environment, `./.env`,
    /// `~/.rag-memory-env`, and the defaults. A blank value counts as none.
    pub(crate) fn gather(flags: &[(Name, String)]) -> Result<Self, ConfigError> {
        let project = PathBuf::from(PROJECT_FILE);
        let mut files = vec![(read_file(&project, false)?, project)];
        if let Ok(home) = etcetera::home_dir() {
            let path = home.join(USER_FILE);
            files.push((read_file(&path, true)?, path));
        }
        let value = |spec: &SettingSpec| {
            let flag = flags.iter().find(|(name, _)| *name == spec.name);
            let flag = flag.map(|(_, value)| (value.clone(), Origin::Flag));
            let environment = || {
                std::env::var(spec.variable)
                    .ok()
                    .map(|value| (value, Origin::Environment))
            };
            let file = || {
                files.iter().find_map(|(values, path)| {
                    let value = values.get(spec.variable).filter(|value| !is_blank(value))?;
                    Some((value.clone(), Origin::File(path.clone())))
                })
            };
            flag.filter(|(value, _)| !is_blank(value))
                .or_else(|| environment().filter(|(value, _)| !is_blank(value)))
                .or_else(file)
        };
        Ok(Settings::from_values(value))
    }

    fn from_values(value: impl Fn(&SettingSpec) -> Option<(String, Origin)>) -> Self {
        let setting = |spec: SettingSpec| {
            let (value, origin) = match value(&spec) {
                Some((value, origin)) => (Some(value.trim().to_owned()), origin),
                None => (spec.default.map(str::to_owned), Origin::Default),
            };
            Setting {
                spec,
                value,
                origin,
            }
        };
        Settings(SettingSpec::ALL.map(setting).to_vec())
    }

    #[cfg(test)]
    pub(super) fn from_pairs(pairs: &[(&str, &str)]) -> Self {
        Settings::from_values(|spec| {
            let pair = pairs
                .iter()
                .rfind(|(variable, _)| *variable == spec.variable);
            pair.map(|(_, value)| ((*value).to_owned(), Origin::Environment))
        })
    }

    /// All of them, in the order they are shown.
    pub(crate) fn all(&self) -> &[Setting] {
        &self.0
    }

    fn setting(&self, name: Name) -> &Setting {
        self.0
            .iter()
            .find(|setting| setting.spec.name == name)
            .expect("every name has a setting")
    }

    /// The value of a setting.
    pub(crate) fn value(&self, name: Name) -> Option<&str> {
        self.setting(name).value.as_deref()
    }

    /// How logs are written.
    pub(crate) fn log_format(&self) -> Result<Format, ConfigError> {
        let format = self.parse(Name::LogFormat, "`text` or `json`", |text| match text {
            "text" => Some(Format::Text),
            "json" => Some(Format::Json),
            _ => None,
        });
        Ok(format?.expect("it has a default"))
    }

    /// The value of a setting, as `parse` understands it.
    pub(super) fn parse<T>(
        &self,
        name: Name,
        expected: &'static str,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Result<Option<T>, ConfigError> {
        let setting = self.setting(name);
        let Some(value) = setting.value.as_deref() else {
            return Ok(None);
        };
        parse(value).map(Some).ok_or_else(|| ConfigError::Invalid {
            name,
            origin: setting.origin.clone(),
            value: setting.shown().unwrap_or_default(),
            expected,
        })
    }
}

fn is_blank(value: &str) -> bool {
    value.trim().is_empty()
}

/// The values of a settings file; none when there is no such file. The
/// project's `.env` is also that of other programs, which may understand more:
/// lines that are no settings to us are passed over there.
fn read_file(path: &Path, strict: bool) -> Result<HashMap<String, String>, ConfigError> {
    let error = |message: String| ConfigError::File {
        path: path.to_owned(),
        message,
    };
    // A virtual environment is often a folder of this name.
    if path.is_dir() {
        return Ok(HashMap::new());
    }
    match std::fs::read(path) {
        Ok(bytes) if strict => dotenvy::from_read_iter(&*bytes)
            .collect::<Result<_, _>>()
            .map_err(|problem| error(without_the_line(&problem))),
        Ok(bytes) => Ok(bytes
            .split(|byte| *byte == b'\n')
            .flat_map(|line| dotenvy::from_read_iter(line).filter_map(Result::ok))
            .collect()),
        Err(problem) if problem.kind() == std::io::ErrorKind::NotFound => Ok(HashMap::new()),
        Err(problem) => Err(error(problem.to_string())),
    }
}

/// What is wrong with a settings file, without the line itself: that may hold
/// a secret.
fn without_the_line(problem: &dotenvy::Error) -> String {
    match problem {
        dotenvy::Error::LineParse(_, position) => {
            format!("a line is not NAME=VALUE, at its character {position}")
        }
        other => other.to_string(),
    }
}

/// Variables of the environment that look like settings and are none, with the
/// setting that was probably meant.
pub(crate) fn unknown_settings() -> Vec<(String, Option<&'static str>)> {
    let variables = std::env::vars_os().filter_map(|(name, _)| name.into_string().ok());
    let known = |name: &str| SettingSpec::ALL.iter().any(|spec| spec.variable == name);
    let meant = |name: &str| {
        let likeness = |spec: &SettingSpec| strsim::jaro_winkler(spec.variable, name);
        let best = SettingSpec::ALL
            .iter()
            .max_by(|a, b| likeness(a).total_cmp(&likeness(b)));
        best.filter(|spec| likeness(spec) >= SLIP_MIN)
            .map(|spec| spec.variable)
    };
    variables
        .filter(|name| name.starts_with("RAG_") && !known(name))
        .map(|name| {
            let meant = meant(&name);
            (name, meant)
        })
        .collect()
}
