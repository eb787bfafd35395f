//! How much memory the processes of a group have, as Linux tells it in `/proc`.
//! Elsewhere nothing is found, and nothing is bounded.

use rustix::process::{Pid, getpgid};

/// The largest process of a group whose processes have more than `bytes_max`
/// together.
pub(super) fn largest_beyond(group: Pid, bytes_max: u64) -> Option<Pid> {
    let members = members(group);
    let total: u64 = members.iter().map(|(_, bytes)| bytes).sum();
    let largest = members.iter().max_by_key(|(_, bytes)| *bytes);
    largest
        .filter(|_| total > bytes_max)
        .map(|&(process, _)| process)
}

/// The processes of a group, with the bytes that each has of its own.
fn members(group: Pid) -> Vec<(Pid, u64)> {
    let Ok(entries) = std::fs::read_dir("/proc") else {
        return Vec::new();
    };
    let member = |name: &str| {
        let process = Pid::from_raw(name.parse().ok()?)?;
        let of_group = getpgid(Some(process)).is_ok_and(|found| found == group);
        let status = of_group.then(|| std::fs::read(format!("/proc/{name}/status")));
        let status = status?.ok()?;
        Some((process, own_bytes(&String::from_utf8_lossy(&status))))
    };
    let entries = entries.filter_map(Result::ok);
    entries
        .filter_map(|entry| member(entry.file_name().to_str()?))
        .collect()
}

/// What a process has of its own, by its `/proc/<id>/status` (proc(5)): what it
/// has in memory without what it has of files, which is mostly the program, and
/// which all processes share.
fn own_bytes(status: &str) -> u64 {
    let kibibytes = |line: &str| {
        let (name, value) = line.split_once(':')?;
        let number = value.trim().strip_suffix("kB")?.trim_end();
        let counts = matches!(name, "RssAnon" | "RssShmem");
        counts.then(|| number.parse::<u64>().ok())?
    };
    let sum: u64 = status.lines().filter_map(kibibytes).sum();
    sum.saturating_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_process_has_of_its_own_is_read() {
        let status = "Name:\tRssAnon: 9 kB\nVmRSS:\t  900 kB\nRssAnon:\t  120 kB\n\
                      RssFile:\t  700 kB\nRssShmem:\t    80 kB\nThreads:\t3\n";
        assert_eq!(own_bytes(status), 200 << 10);
        assert_eq!(own_bytes("Name:\tzombie\nState:\tZ (zombie)\n"), 0);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn the_processes_of_a_group_are_found() {
        let (this, group) = (rustix::process::getpid(), getpgid(None).unwrap());
        let bytes = members(group)
            .into_iter()
            .find_map(|(process, bytes)| (process == this).then_some(bytes));
        assert!(bytes.unwrap() > 100 << 10, "{bytes:?}");
        assert!(largest_beyond(group, 0).is_some());
        assert_eq!(largest_beyond(group, u64::MAX), None);
    }
}
