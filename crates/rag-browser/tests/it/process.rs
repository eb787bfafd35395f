//! The processes of a browser, as the system tells of them.

use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

/// The state and command line of the living processes of a group.
fn processes(group: u32) -> Vec<(String, String)> {
    let output = Command::new("ps")
        .args(["-eo", "pgid=,stat=,args="])
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let of_group = |line: &str| {
        let (id, rest) = line.trim().split_once(' ')?;
        let (state, arguments) = rest.trim().split_once(' ')?;
        // One that has ended, and that nobody asked how, is a zombie.
        let lives = id == group.to_string() && !state.starts_with('Z');
        lives.then(|| (state.to_owned(), arguments.to_owned()))
    };
    text.lines().filter_map(of_group).collect()
}

/// The command lines of the living processes of a group.
pub(crate) fn command_lines(group: u32) -> Vec<String> {
    processes(group).into_iter().map(|(_, line)| line).collect()
}

/// Whether a page of the group is at work.
pub(crate) fn is_busy(group: u32) -> bool {
    let busy = |(state, line): &(String, String)| {
        state.starts_with('R') && line.contains("--type=renderer")
    };
    processes(group).iter().any(busy)
}

/// Where the browser of a group keeps its files.
pub(crate) fn profile(group: u32) -> PathBuf {
    let lines = command_lines(group);
    let mut words = lines.iter().flat_map(|line| line.split(' '));
    let folder = words.find_map(|word| word.strip_prefix("--user-data-dir="));
    PathBuf::from(folder.unwrap())
}

/// Kills a process, or a group, which is written as a negative number.
pub(crate) fn kill(target: &str) {
    let status = Command::new("kill").args(["-9", "--", target]).status();
    assert!(status.unwrap().success());
}

/// Waits until something holds, for ten seconds at most.
pub(crate) fn wait_until(mut holds: impl FnMut() -> bool) {
    let end = Instant::now() + Duration::from_secs(10);
    while !holds() {
        assert!(Instant::now() < end, "it did not happen in time");
        std::thread::sleep(Duration::from_millis(20));
    }
}
