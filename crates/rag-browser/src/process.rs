//! A Chromium of our own: a process group with a profile folder, which live and
//! end together.
//!
//! It ends when it is told to, when its [`Process`] is dropped, and, since the
//! pipes over which it is spoken to break then, when this process dies in
//! whatever way. The shell that starts it, and lays the pipes where Chromium
//! looks for them, removes the profile in that last case.

mod memory;

use std::convert::Infallible;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rustix::process::{
    Pid, Signal, geteuid, kill_process, kill_process_group, test_kill_process_group,
};
use tempfile::TempDir;
use tokio::io::AsyncReadExt;
use tokio::process::{Child, ChildStderr, Command};
use tokio::sync::{Mutex as AsyncMutex, watch};
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use crate::arguments::arguments;
use crate::link::Wire;

/// Starts the program (`$2`, with what follows) with its messages on 3 and 4,
/// as `--remote-debugging-pipe` has it, and cleans its profile (`$1`) up.
const SCRIPT: &str =
    "profile=$1; shift; \"$@\" 3<&0 4>&1 </dev/null >/dev/null; rm -rf \"$profile\"";

/// Where the programs are that the shell and Debian's start script of Chromium
/// need. The browser gets nothing else of our environment: it may hold secrets.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// How long a browser may take to end by itself. One that does so waits for its
/// processes; those of one that is killed are left to the system's first process,
/// which in a container may be one that never looks after them.
const QUIT_TIMEOUT: Duration = Duration::from_secs(2);

/// How long killed processes may take to go.
const KILL_TIMEOUT: Duration = Duration::from_millis(300);

/// How often it is looked whether they have gone.
const LOOK_INTERVAL: Duration = Duration::from_millis(10);

/// How often it is looked how much memory its processes have. A page takes a
/// gigabyte or two in a second.
const MEMORY_INTERVAL: Duration = Duration::from_millis(250);

/// How many of its last words are kept, in bytes.
const WORDS_BYTES_MAX: usize = 1000;

/// A browser's process. Dropping it ends it soon, [`Process::end`] waits for that.
pub(crate) struct Process {
    program: PathBuf,
    group: Pid,
    words: Arc<Mutex<Vec<u8>>>,
    stop: CancellationToken,
    gone: watch::Receiver<bool>,
    /// Held by the one that looks how much memory it has.
    looks: AsyncMutex<()>,
}

impl Process {
    /// Starts `program`, and gives the wire to it. Fails with what is wrong.
    pub(crate) fn start(program: &Path) -> Result<(Self, Wire), String> {
        let failed = |error: io::Error| format!("`{}` does not start: {error}", program.display());
        let profile = tempfile::Builder::new()
            .prefix("rag-browser-")
            .tempdir()
            .map_err(failed)?;
        let mut child = Command::new("/bin/sh")
            .arg("-c")
            .arg(SCRIPT)
            .arg("sh")
            .arg(profile.path())
            .arg(program)
            .args(arguments(profile.path(), geteuid().is_root()))
            .env_clear()
            .env("PATH", PATH)
            .env("HOME", profile.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .kill_on_drop(true)
            .spawn()
            .map_err(failed)?;
        let id = child.id().and_then(|id| i32::try_from(id).ok());
        let group = id.and_then(Pid::from_raw).expect("it was just started");
        let (Some(stdin), Some(stdout), Some(stderr)) =
            (child.stdin.take(), child.stdout.take(), child.stderr.take())
        else {
            unreachable!("all three were asked for");
        };
        let words = Arc::new(Mutex::default());
        let stop = CancellationToken::new();
        let (sender, gone) = watch::channel(false);
        let held = Held {
            child,
            group,
            profile: Some(profile),
        };
        tokio::spawn(listen(stderr, Arc::clone(&words)));
        tokio::spawn(hold(held, stop.clone(), sender));
        let process = Process {
            program: program.to_owned(),
            group,
            words,
            stop,
            gone,
            looks: AsyncMutex::default(),
        };
        Ok((process, Wire::pipe(stdin, stdout)))
    }

    /// What was started.
    pub(crate) fn program(&self) -> &Path {
        &self.program
    }

    /// The id of the process group.
    pub(crate) fn group(&self) -> u32 {
        self.group.as_raw_nonzero().get().unsigned_abs()
    }

    /// What it said last, on one line.
    pub(crate) fn last_words(&self) -> String {
        let words = self.words.lock().unwrap_or_else(PoisonError::into_inner);
        let text = String::from_utf8_lossy(&words);
        text.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    /// Ends every process of it, and waits until they and the profile are gone:
    /// those that do not end by themselves soon, now that nobody speaks to them,
    /// are killed.
    pub(crate) async fn end(&self) {
        self.stop.cancel();
        self.gone().await;
    }

    /// Is ready when every process of it is gone, also after this is dropped.
    pub(crate) fn gone(&self) -> impl Future<Output = ()> + Send + use<> {
        let mut gone = self.gone.clone();
        async move {
            // Its holder gives up in time by itself, and hangs up then.
            let _ = gone.wait_for(|gone| *gone).await;
        }
    }

    /// Kills the largest of its processes whenever they have more than
    /// `bytes_max` of memory together, for as long as this is waited for: of
    /// several who do so, one looks.
    pub(crate) async fn bound_memory(&self, bytes_max: u64) -> Infallible {
        let group = self.group;
        let _looks = self.looks.lock().await;
        loop {
            sleep(MEMORY_INTERVAL).await;
            let look = move || memory::largest_beyond(group, bytes_max);
            let largest = tokio::task::spawn_blocking(look).await;
            if let Some(process) = largest.ok().flatten() {
                tracing::warn!("a page needs too much memory, and its process is killed");
                // It may have ended by itself.
                let _ = kill_process(process, Signal::KILL);
                sleep(KILL_TIMEOUT).await;
            }
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

/// What has to go in the end. Dropped unfinished, when the runtime ends, it
/// blocks shortly to see to that.
struct Held {
    child: Child,
    group: Pid,
    profile: Option<TempDir>,
}

/// Waits until the process ends or shall end, and cleans up.
async fn hold(mut held: Held, stop: CancellationToken, gone: watch::Sender<bool>) {
    tokio::select! {
        _ = held.child.wait() => {}
        () = stop.cancelled() => {
            let _ = timeout(QUIT_TIMEOUT, held.child.wait()).await;
        }
    }
    held.kill();
    let going = async {
        let _ = held.child.wait().await;
        while held.is_there() {
            sleep(LOOK_INTERVAL).await;
        }
    };
    // What is still there then has ended, but nobody asked it how.
    let _ = timeout(KILL_TIMEOUT, going).await;
    held.profile = None;
    gone.send_replace(true);
}

impl Held {
    fn kill(&self) {
        // It fails when no process is left.
        let _ = kill_process_group(self.group, Signal::KILL);
    }

    /// Whether any process is left. One that has ended, and whose parent does
    /// not ask for it, counts as well.
    fn is_there(&self) -> bool {
        test_kill_process_group(self.group).is_ok()
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        if self.profile.is_none() {
            return;
        }
        self.kill();
        // A profile can be removed when nobody writes to it any more.
        for _ in 0..50 {
            let reaped = matches!(self.child.try_wait(), Ok(Some(_)));
            if reaped && !self.is_there() {
                break;
            }
            std::thread::sleep(LOOK_INTERVAL);
        }
    }
}

/// Keeps the end of what the browser says.
async fn listen(mut stderr: ChildStderr, words: Arc<Mutex<Vec<u8>>>) {
    let mut buffer = [0; 1024];
    while let Ok(count @ 1..) = stderr.read(&mut buffer).await {
        let mut words = words.lock().unwrap_or_else(PoisonError::into_inner);
        words.extend_from_slice(&buffer[..count]);
        let excess = words.len().saturating_sub(WORDS_BYTES_MAX);
        words.drain(..excess);
    }
}
