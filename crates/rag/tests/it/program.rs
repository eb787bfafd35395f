//! Runs the program `rag` as a user would, with a home of its own.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

/// A user: a home folder, a memory in it, and files.
pub(crate) struct User {
    home: tempfile::TempDir,
}

/// What a run of the program left.
pub(crate) struct Run {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl User {
    pub(crate) fn new() -> Self {
        User {
            home: tempfile::tempdir().unwrap(),
        }
    }

    pub(crate) fn home(&self) -> &Path {
        self.home.path()
    }

    /// Where the memory is.
    pub(crate) fn data(&self) -> PathBuf {
        self.home().join("data")
    }

    pub(crate) fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.home().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, content).unwrap();
        path
    }

    /// The program with `arguments`, in the user's home and with no other
    /// environment than PATH.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_rag"));
        command.args(arguments).current_dir(self.home()).env_clear();
        command.env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command
            .env("HOME", self.home())
            .env("RAG_DATA_DIR", self.data());
        command
    }

    /// Runs the program with nothing to read.
    pub(crate) fn rag(&self, arguments: &[&str]) -> Run {
        Run::of(self.command(arguments), "")
    }

    /// Runs it with `--json` and gives what it printed.
    pub(crate) fn json(&self, arguments: &[&str]) -> Value {
        let run = self.rag(&[arguments, &["--json"]].concat());
        assert_eq!(run.code, 0, "{arguments:?}: {}", run.stderr);
        serde_json::from_str(&run.stdout).unwrap()
    }
}

impl Run {
    /// Runs `command` with `input` to read.
    pub(crate) fn of(mut command: Command, input: &str) -> Self {
        let streams = (Stdio::piped(), Stdio::piped(), Stdio::piped());
        command.stdin(streams.0).stdout(streams.1).stderr(streams.2);
        let mut child = command.spawn().unwrap();
        child
            .stdin
            .take()
            .unwrap()
            .write_all(input.as_bytes())
            .unwrap();
        let output = child.wait_with_output().unwrap();
        Run {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }
}
