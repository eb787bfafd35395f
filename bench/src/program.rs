//! Starting the program and asking it over its standard streams.

use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use anyhow::Context;
use serde_json::{Value, json};

use crate::process::Process;

/// The program `rag`.
pub(crate) struct Program {
    path: PathBuf,
    /// By their variables.
    settings: Vec<(&'static str, String)>,
}

impl Program {
    pub(crate) fn new(path: &Path) -> anyhow::Result<Self> {
        let path = path.canonicalize().with_context(|| {
            format!(
                "cannot find {}: build it with `cargo build --release`",
                path.display()
            )
        })?;
        Ok(Program {
            path,
            settings: Vec::new(),
        })
    }

    /// The same with more settings, by their variables.
    pub(crate) fn with(
        mut self,
        settings: impl IntoIterator<Item = (&'static str, String)>,
    ) -> Self {
        self.settings.extend(settings);
        self
    }

    /// Its size in bytes.
    pub(crate) fn bytes(&self) -> std::io::Result<u64> {
        Ok(self.path.metadata()?.len())
    }

    /// Runs it to the end and reads the JSON it prints; null when it prints none.
    pub(crate) fn run(&self, data: &Path, args: &[&str]) -> anyhow::Result<Value> {
        let output = self
            .command(data)
            .args(args)
            .arg("--data-dir")
            .arg(data)
            .output()?;
        let said = String::from_utf8_lossy(&output.stderr);
        anyhow::ensure!(output.status.success(), "{args:?} failed: {said}");
        Ok(serde_json::from_slice(&output.stdout).unwrap_or_default())
    }

    /// The program with no settings but its own and those of the command line, at
    /// work in `folder`.
    fn command(&self, folder: &Path) -> Command {
        let mut command = Command::new(&self.path);
        command.env_clear().env("HOME", folder).current_dir(folder);
        command.envs(self.settings.iter().cloned());
        command
    }
}

/// `rag mcp`, which has answered `initialize`. Ends with its owner.
pub(crate) struct Agent {
    child: Child,
    _input: ChildStdin,
    _output: BufReader<ChildStdout>,
}

impl Agent {
    pub(crate) fn start(program: &Program, data: &Path) -> anyhow::Result<Self> {
        let mut child = program
            .command(data)
            .args(["mcp", "--data-dir"])
            .arg(data)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let mut input = child.stdin.take().context("it has an input")?;
        let mut output = BufReader::new(child.stdout.take().context("it has an output")?);
        let params = json!({
            "protocolVersion": "2025-06-18",
            "capabilities": {},
            "clientInfo": { "name": "rag-bench", "version": "0" },
        });
        let request =
            json!({ "jsonrpc": "2.0", "id": 1, "method": "initialize", "params": params });
        writeln!(input, "{request}")?;
        let mut answer = String::new();
        output.read_line(&mut answer)?;
        anyhow::ensure!(
            answer.contains("serverInfo"),
            "`initialize` was answered by {answer}"
        );
        Ok(Agent {
            child,
            _input: input,
            _output: output,
        })
    }

    pub(crate) fn process(&self) -> Process {
        Process(self.child.id())
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        end(&mut self.child);
    }
}

/// `rag serve`, which is listening. Ends with its owner.
pub(crate) struct Server {
    child: Child,
    pub(crate) address: SocketAddr,
}

impl Server {
    /// Starts it on a free port with the store that `store`, or a setting, names.
    pub(crate) fn start(program: &Program, store: &[&OsStr]) -> anyhow::Result<Self> {
        let folder = std::env::temp_dir();
        let mut child = program
            .command(&folder)
            .args(["serve", "--port", "0"])
            .args(store)
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()?;
        let mut log = BufReader::new(child.stderr.take().context("it has a log")?);
        let mut said = String::new();
        let address = loop {
            let start = said.len();
            if log.read_line(&mut said)? == 0 {
                end(&mut child);
                anyhow::bail!("`rag serve` ended: {said}");
            }
            let address = said[start..].split_once("http://").and_then(|(_, rest)| {
                rest.split([':', ' '])
                    .nth(1)
                    .and_then(|port| port.trim().parse().ok())
            });
            if let Some(port) = address {
                break SocketAddr::from(([127, 0, 0, 1], port));
            }
        };
        // A log that nobody reads would stop the server when the pipe is full.
        std::thread::spawn(move || std::io::copy(&mut log, &mut std::io::sink()));
        Ok(Server { child, address })
    }

    pub(crate) fn process(&self) -> Process {
        Process(self.child.id())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        end(&mut self.child);
    }
}

/// Ends a process and waits until it is gone.
fn end(child: &mut Child) {
    // It fails only when the process has ended by itself.
    let _ = child.kill();
    let _ = child.wait();
}
