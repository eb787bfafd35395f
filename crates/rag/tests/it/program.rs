//! Runs the program `rag` as a user would, with a home of its own.

use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use serde_json::Value;

/// What takes longer never happens.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// A user: a home folder, a memory in it, and files.
pub(crate) struct User {
    home: tempfile::TempDir,
    settings: Vec<(&'static str, String)>,
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
            settings: Vec::new(),
        }
    }

    /// The same with a setting in the environment.
    pub(crate) fn with(mut self, setting: &'static str, value: impl Into<String>) -> Self {
        self.settings.push((setting, value.into()));
        self
    }

    /// The same with an empty collection.
    pub(crate) fn with_collection(self, name: &str) -> Self {
        self.json(&["collection", "create", name, "--description", "A test's"]);
        self
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
            .env("RAG_DATA_DIR", self.data())
            .envs(self.settings.iter().cloned());
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

/// A run that goes on until it is stopped, or ends.
pub(crate) struct Running {
    child: Child,
    lines: Receiver<String>,
}

impl Running {
    /// Starts `command`.
    pub(crate) fn start(mut command: Command) -> Self {
        let streams = (Stdio::null(), Stdio::piped(), Stdio::piped());
        command.stdin(streams.0).stdout(streams.1).stderr(streams.2);
        let mut child = command.spawn().unwrap();
        let (sender, lines) = channel();
        let stdout = BufReader::new(child.stdout.take().unwrap()).lines();
        // A thread, so that a line that never comes can be given up.
        std::thread::spawn(move || {
            stdout
                .map_while(Result::ok)
                .try_for_each(|line| sender.send(line))
        });
        Running { child, lines }
    }

    /// The next line it prints.
    pub(crate) fn line(&self) -> String {
        self.lines.recv_timeout(PATIENCE).unwrap()
    }

    /// Sends it a signal, such as `INT`.
    pub(crate) fn signal(&self, name: &str) {
        let id = self.child.id().to_string();
        let sent = Command::new("kill").args(["-s", name, &id]).status();
        assert!(sent.unwrap().success());
    }

    /// Waits for its end.
    pub(crate) fn end(mut self) -> Run {
        let mut stderr = String::new();
        self.child
            .stderr
            .take()
            .unwrap()
            .read_to_string(&mut stderr)
            .unwrap();
        let status = self.child.wait().unwrap();
        let lines: Vec<String> = self.lines.iter().collect();
        Run {
            code: status.code().unwrap_or(-1),
            stdout: lines.join("\n"),
            stderr,
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It has ended unless a test failed before.
        let _ = self.child.kill();
    }
}

/// Waits until something has happened.
pub(crate) fn until(what: &str, happened: impl Fn() -> bool) {
    let started = Instant::now();
    while !happened() {
        assert!(started.elapsed() < PATIENCE, "{what} never happened");
        std::thread::sleep(Duration::from_millis(10));
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
