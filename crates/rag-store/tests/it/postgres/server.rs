//! A PostgreSQL server of a test's own, to be stopped, started and filled up.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::database::variable;

/// A server with its data in a folder that goes with it.
pub(crate) struct Server {
    bin: PathBuf,
    user: String,
    folder: PathBuf,
    port: u16,
    disks: Vec<PathBuf>,
}

impl Server {
    /// Makes a server and starts it.
    pub(crate) fn start() -> Self {
        let user = variable("POSTGRES_TEST_USER");
        let made = output(as_user(&user, "mktemp").args(["-d", "-t", "rag-postgres-XXXXXX"]));
        let server = Server {
            bin: variable("POSTGRES_TEST_BIN").into(),
            folder: made.trim().into(),
            port: free_port(),
            disks: Vec::new(),
            user,
        };
        run(server
            .program("initdb")
            .arg("--pgdata")
            .arg(server.data())
            .args(["--username", "postgres", "--encoding", "UTF8", "--locale"])
            .args(["C.UTF-8", "--auth", "trust"]));
        server.start_again();
        server
    }

    pub(crate) fn url(&self) -> String {
        format!("postgres://postgres@127.0.0.1:{}/postgres", self.port)
    }

    /// The address of another database of it.
    pub(crate) fn url_of(&self, database: &str) -> String {
        format!("postgres://postgres@127.0.0.1:{}/{database}", self.port)
    }

    pub(crate) fn start_again(&self) {
        let options = format!(
            "-p {} -c listen_addresses=127.0.0.1 -c unix_socket_directories= -c shared_buffers=32MB",
            self.port
        );
        run(self
            .program("pg_ctl")
            .args(["--wait", "--silent", "--pgdata"])
            .arg(self.data())
            .arg("--log")
            .arg(self.folder.join("log"))
            .args(["--options", &options, "start"]));
    }

    /// Stops it: `fast` ends its sessions, `immediate` is as good as a crash.
    pub(crate) fn stop(&self, mode: &str) {
        run(self
            .program("pg_ctl")
            .args(["--wait", "--silent", "--mode", mode, "--pgdata"])
            .arg(self.data())
            .arg("stop"));
    }

    /// A disk of so many megabytes, which only the server's user may write to.
    pub(crate) fn disk(&mut self, megabytes: u32) -> PathBuf {
        let disk = self.folder.join("disk");
        run(as_user(&self.user, "mkdir").arg(&disk));
        let user = output(Command::new("id").args(["-u", &self.user]));
        let options = format!("size={megabytes}m,mode=700,uid={}", user.trim());
        run(as_root("mount")
            .args(["-t", "tmpfs", "-o", &options, "tmpfs"])
            .arg(&disk));
        self.disks.push(disk.clone());
        disk
    }

    /// Fills a disk to the last byte with a file, which is named.
    pub(crate) fn fill(&self, disk: &Path) -> PathBuf {
        let ballast = disk.join("ballast");
        let mut fill = as_user(&self.user, "dd");
        fill.arg("if=/dev/zero")
            .arg(format!("of={}", ballast.display()));
        // It ends when nothing more fits.
        let filled = fill.stderr(Stdio::null()).status().unwrap();
        assert!(!filled.success(), "the disk has no end");
        ballast
    }

    /// Removes a file of the server's user.
    pub(crate) fn remove(&self, file: &Path) {
        run(as_user(&self.user, "rm").arg(file));
    }

    fn data(&self) -> PathBuf {
        self.folder.join("data")
    }

    fn program(&self, name: &str) -> Command {
        let program = self.bin.join(name);
        as_user(&self.user, program.to_str().unwrap())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // A test that failed may have left it stopped.
        let mut stop = self.program("pg_ctl");
        stop.args(["--wait", "--silent", "--mode", "immediate", "--pgdata"]);
        let stop = stop.arg(self.data()).arg("stop").stderr(Stdio::null());
        drop(stop.status());
        for disk in &self.disks {
            drop(as_root("umount").arg(disk).status());
        }
        drop(
            as_user(&self.user, "rm")
                .arg("-rf")
                .arg(&self.folder)
                .status(),
        );
    }
}

/// Servers refuse to run as root.
fn as_user(user: &str, program: &str) -> Command {
    if !is_root() {
        return Command::new(program);
    }
    let mut command = Command::new("runuser");
    command.args(["-u", user, "--", program]);
    command
}

fn as_root(program: &str) -> Command {
    if is_root() {
        return Command::new(program);
    }
    let mut command = Command::new("sudo");
    command.args(["-n", program]);
    command
}

fn is_root() -> bool {
    output(Command::new("id").arg("-u")).trim() == "0"
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

#[track_caller]
fn run(command: &mut Command) {
    let status = command.stdout(Stdio::null()).status().unwrap();
    assert!(status.success(), "{command:?} failed");
}

#[track_caller]
fn output(command: &mut Command) -> String {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?} failed");
    String::from_utf8(output.stdout).unwrap()
}
