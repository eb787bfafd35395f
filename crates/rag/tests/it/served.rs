//! `rag serve` as a process of its own: what it logs, answers and costs.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::sync::mpsc::{Receiver, channel};

use crate::program::{PATIENCE, User};

/// A server that runs, and what it logs.
pub(crate) struct Served {
    child: Child,
    /// Locked, so that threads may share a server.
    log: Mutex<Receiver<String>>,
    /// Where this machine reaches it: host and port.
    pub(crate) address: String,
    seen: Vec<String>,
}

impl Served {
    /// A server of `user` on a free port.
    pub(crate) fn start(user: &User, arguments: &[&str]) -> Self {
        let mut all = vec!["serve", "--port", "0"];
        all.extend(arguments);
        Served::run(user.command(&all))
    }

    /// Starts `command`, which serves, and waits until it listens.
    pub(crate) fn run(mut command: Command) -> Self {
        command.stdin(Stdio::null()).stdout(Stdio::null());
        let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
        let (sender, log) = channel();
        let lines = BufReader::new(child.stderr.take().unwrap()).lines();
        std::thread::spawn(move || {
            lines
                .map_while(Result::ok)
                .try_for_each(|line| sender.send(line))
        });
        let mut served = Served {
            child,
            log: Mutex::new(log),
            address: String::new(),
            seen: Vec::new(),
        };
        let line = served.line("listening on http://");
        let (_, rest) = line.split_once("http://").unwrap();
        let address = rest.split(": ").next().unwrap();
        served.address = address.replace("0.0.0.0", "127.0.0.1");
        served
    }

    /// The next line of the log that contains `part`.
    pub(crate) fn line(&mut self, part: &str) -> String {
        loop {
            let next = self.log.get_mut().unwrap().recv_timeout(PATIENCE);
            let Ok(line) = next else {
                panic!("`{part}` is not in the log: {:#?}", self.seen)
            };
            self.seen.push(line.clone());
            if line.contains(part) {
                return line;
            }
        }
    }

    /// A new connection to it.
    pub(crate) fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(&self.address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream
    }

    pub(crate) fn get(&self, path: &str, headers: &[&str]) -> (u16, String) {
        self.ask("GET", path, headers, "")
    }

    /// The status and the whole answer.
    pub(crate) fn ask(
        &self,
        method: &str,
        path: &str,
        headers: &[&str],
        body: &str,
    ) -> (u16, String) {
        let mut stream = self.connect();
        let length = body.len();
        let mut head = format!(
            "{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n"
        );
        for header in headers {
            head.push_str(&format!("{header}\r\n"));
        }
        stream
            .write_all(format!("{head}\r\n{body}").as_bytes())
            .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let status = answer.split(' ').nth(1).unwrap().parse().unwrap();
        (status, answer)
    }

    /// Sends it a signal, such as `INT`.
    pub(crate) fn signal(&self, name: &str) {
        let id = self.child.id().to_string();
        let sent = Command::new("kill").args(["-s", name, &id]).status();
        assert!(sent.unwrap().success());
    }

    /// Waits for its end, and gives its exit code and the whole log.
    pub(crate) fn end(mut self) -> (i32, String) {
        let status = self.child.wait().unwrap();
        self.seen.extend(self.log.get_mut().unwrap().iter());
        (status.code().unwrap_or(-1), self.seen.join("\n"))
    }
}

/// What Linux tells of the process.
#[cfg(target_os = "linux")]
impl Served {
    /// Its memory in KiB: `VmRSS` is what it has now, `VmHWM` the most it ever had.
    pub(crate) fn memory_kib(&self, name: &str) -> u64 {
        let path = format!("/proc/{}/status", self.child.id());
        let status = std::fs::read_to_string(path).unwrap();
        let mut lines = status.lines();
        let value = lines.find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
        let value = value.unwrap().trim().trim_end_matches(" kB");
        value.parse().unwrap()
    }

    /// How many files, connections and the like it has open.
    pub(crate) fn open_files(&self) -> usize {
        let path = format!("/proc/{}/fd", self.child.id());
        std::fs::read_dir(path).unwrap().count()
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        // It has ended unless a test failed before.
        let _ = self.child.kill();
    }
}
