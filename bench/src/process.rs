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
        let text = fs::read_to_string(format!("/proc/{}/stat", self.0)).ok()?;
        // The name in parentheses may hold anything; user and system time are
        // the 12th and 13th field after it.
        let fields: Vec<&str> = text.rsplit_once(") ")?.1.split(' ').collect();
        let ticks = fields.get(11)?.parse::<u32>().ok()? + fields.get(12)?.parse::<u32>().ok()?;
        Some(TICK * ticks)
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
