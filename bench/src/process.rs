//! What a process has used, as Linux tells it under `/proc`. Elsewhere the
//! figures are missing, not wrong.

use std::fs;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// A tick of `/proc/PID/stat`: 1/100 s on every Linux there is.
const TICK: Duration = Duration::from_millis(10);

/// The process that is asked.
#[derive(Clone, Copy)]
pub(crate) struct Process(pub(crate) u32);

impl Process {
    pub(crate) fn this() -> Self {
        Process(std::process::id())
    }

    /// The processor time of all its threads so far.
    ///
    /// The sum over living threads is exact to the last switch; the total of
    /// the process is coarse but remembers threads that have ended. Both are
    /// too low at worst, so the higher one counts.
    pub(crate) fn cpu(self) -> Option<Duration> {
        Some(self.cpu_of_threads()?.max(self.cpu_in_ticks()?))
    }

    /// The same with the processes it has started, those that have ended too.
    pub(crate) fn cpu_of_family(self) -> Option<Duration> {
        let mut sum = self.cpu()? + TICK * self.number(13)? + TICK * self.number(14)?;
        for child in processes() {
            if child.number(1) == Some(self.0) {
                // It may end at any time.
                sum += child.cpu().unwrap_or_default();
            }
        }
        Some(sum)
    }

    /// The process that listens on a local TCP port, the oldest if several do.
    pub(crate) fn listening_on(port: u16) -> Option<Self> {
        let sockets = fs::read_to_string("/proc/net/tcp").ok()?;
        let local = format!(":{port:04X}");
        let inode = sockets.lines().find_map(|line| {
            let cells: Vec<&str> = line.split_whitespace().collect();
            let is_listening = cells.get(3) == Some(&"0A") && cells.get(1)?.ends_with(&local);
            is_listening.then(|| cells.get(9).copied()).flatten()
        })?;
        let socket = format!("socket:[{inode}]");
        let holds = |process: &Process| {
            let files = fs::read_dir(format!("/proc/{}/fd", process.0));
            let mut targets = files.into_iter().flatten().flatten();
            targets.any(|file| {
                fs::read_link(file.path()).is_ok_and(|target| target.as_os_str() == &*socket)
            })
        };
        processes().filter(holds).min_by_key(|process| process.0)
    }

    fn cpu_of_threads(self) -> Option<Duration> {
        let mut nanoseconds = 0;
        for thread in fs::read_dir(format!("/proc/{}/task", self.0))
            .ok()?
            .flatten()
        {
            let Ok(times) = fs::read_to_string(thread.path().join("schedstat")) else {
                continue;
            };
            nanoseconds += times.split(' ').next()?.parse::<u64>().ok()?;
        }
        Some(Duration::from_nanos(nanoseconds))
    }

    fn cpu_in_ticks(self) -> Option<Duration> {
        Some(TICK * (self.number(11)? + self.number(12)?))
    }

    /// A number of `/proc/PID/stat`, counted from 0 after the name: 1 is the
    /// parent, 11 and 12 are user and system time, 13 and 14 those of children
    /// that have ended.
    fn number(self, field: usize) -> Option<u32> {
        let text = fs::read_to_string(format!("/proc/{}/stat", self.0)).ok()?;
        // The name in parentheses may hold anything.
        let fields = text.rsplit_once(") ")?.1;
        fields.split(' ').nth(field)?.parse().ok()
    }

    /// Its resident memory.
    pub(crate) fn resident(self) -> Option<Resident> {
        let text = fs::read_to_string(format!("/proc/{}/status", self.0)).ok()?;
        let kilobytes = |name: &str| {
            let line = text.lines().find_map(|line| line.strip_prefix(name))?;
            line.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok()
        };
        Some(Resident {
            all: kilobytes("VmRSS:")? * 1024,
            own: kilobytes("RssAnon:")? * 1024,
        })
    }
}

/// All that there are.
fn processes() -> impl Iterator<Item = Process> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(|entry| Some(Process(entry.file_name().to_str()?.parse().ok()?)))
}

/// Resident memory, in bytes.
#[derive(Clone, Copy, Serialize, Deserialize)]
pub(crate) struct Resident {
    /// All of it, pages of the program file included.
    pub(crate) all: u64,
    /// What belongs to no file: the part that cannot be read again.
    pub(crate) own: u64,
}

impl Resident {
    pub(crate) fn in_megabytes(resident: Option<Self>) -> String {
        let megabytes = |bytes: u64| bytes as f64 / 1e6;
        resident.map_or("–".to_owned(), |resident| {
            format!(
                "{:.1} ({:.1})",
                megabytes(resident.all),
                megabytes(resident.own)
            )
        })
    }
}
