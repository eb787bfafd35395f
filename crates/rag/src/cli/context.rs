//! What every command has at hand: the settings and a way to print.

use std::cell::RefCell;
use std::path::Path;
use std::process::ExitCode;

use rag_memory::Memory;
use rag_source::FileRoots;
use serde::Serialize;

use super::output::print;
use crate::config::{Config, ConfigError, Name, Settings, StoreConfig, TracesConfig};
use crate::logging::Traces;
use crate::{logging, open};

/// What every command has at hand.
pub(super) struct Context {
    pub(super) settings: Settings,
    pub(super) json: bool,
    config: Result<Config, ConfigError>,
    opened: RefCell<Vec<Memory>>,
    /// Sent until the command is over.
    _traces: Option<Traces>,
}

impl Context {
    /// Gathers the settings and starts logging.
    pub(super) fn new(
        flags: &[(Name, String)],
        json: bool,
        default_level: &str,
    ) -> anyhow::Result<Self> {
        let settings = Settings::gather(flags)?;
        let traces = logging::start(
            settings.value(Name::LogLevel),
            default_level,
            settings.log_format()?,
            TracesConfig::new(&settings)?.as_ref(),
        )?;
        let config = Config::new(&settings);
        Ok(Context {
            settings,
            json,
            config,
            opened: RefCell::default(),
            _traces: traces,
        })
    }

    /// What the settings mean. `rag config` can do without.
    pub(super) fn config(&self) -> anyhow::Result<&Config> {
        self.config.as_ref().map_err(|error| error.clone().into())
    }

    /// The memory, for a command that reads no files.
    pub(super) fn memory(&self) -> anyhow::Result<Memory> {
        self.memory_reading(FileRoots::none())
    }

    /// The memory, for a command that reads the path it was given.
    pub(super) fn memory_reading_path(&self, path: &Path) -> anyhow::Result<Memory> {
        let roots = FileRoots::new([path]).map_err(rag_memory::Error::from)?;
        self.memory_reading(roots)
    }

    /// The memory, for a command that reads files below `roots`.
    pub(super) fn memory_reading(&self, roots: FileRoots) -> anyhow::Result<Memory> {
        let memory = open::memory(self.config()?, roots)?;
        self.opened.borrow_mut().push(memory.clone());
        Ok(memory)
    }

    /// The memory in the store at `url`.
    pub(super) fn memory_at(&self, url: &str) -> anyhow::Result<Memory> {
        let store = StoreConfig::at(url, &self.settings).ok_or_else(|| {
            rag_memory::Error::invalid("that is no address of a store").hint(
                "write it like `sqlite:PATH`, `postgres://user:password@host:5432/database` or \
                 `qdrant://host:6334`",
            )
        })??;
        let config = Config {
            store,
            ..self.config()?.clone()
        };
        let memory = open::memory(&config, FileRoots::none())?;
        self.opened.borrow_mut().push(memory.clone());
        Ok(memory)
    }

    /// Stops what the memories still do and ends their browsers. Takes seconds
    /// at most.
    pub(super) async fn close(&self) {
        let opened = self.opened.take();
        for memory in opened {
            memory.close().await;
        }
    }

    /// Prints `value` as JSON, or as `human` has it.
    pub(super) fn show<T: Serialize>(
        &self,
        value: &T,
        human: impl FnOnce(&T) -> String,
    ) -> anyhow::Result<ExitCode> {
        let text = match self.json {
            true => serde_json::to_string_pretty(value)?,
            false => human(value),
        };
        print(&text)?;
        Ok(ExitCode::SUCCESS)
    }
}

/// The folders an operator allows, by --root and RAG_FILE_ROOTS.
pub(super) fn file_roots(
    paths: impl IntoIterator<Item = impl AsRef<Path>>,
) -> Result<FileRoots, rag_memory::Error> {
    FileRoots::new(paths).map_err(|error| {
        rag_memory::Error::from(error).hint("--root and RAG_FILE_ROOTS name folders that exist")
    })
}
