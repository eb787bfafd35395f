//! Under which conditions a measurement was taken.

use std::fs;
use std::thread;

/// Prints a title and what the figures below it depend on.
pub(crate) fn print(title: &str) {
    let cores = thread::available_parallelism().map_or(0, std::num::NonZero::get);
    println!("## {title}\n");
    println!(
        "rag-memory {}, {cores} cores, {}, load {}\n",
        env!("CARGO_PKG_VERSION"),
        cpu_model(),
        load(),
    );
}

fn cpu_model() -> String {
    let text = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let value = |name: &str| {
        let line = text.lines().find(|line| line.starts_with(name))?;
        Some(line.split_once(": ")?.1.to_owned())
    };
    let model = value("model name").unwrap_or_else(|| std::env::consts::ARCH.to_owned());
    let flags = value("flags").unwrap_or_default();
    let vectors = ["avx512_vnni", "avx512f", "avx2", "avx"];
    match vectors
        .iter()
        .find(|wanted| flags.split(' ').any(|flag| flag == **wanted))
    {
        Some(best) => format!("{model} ({best})"),
        None => model,
    }
}

/// The mean number of runnable threads over the last minute.
fn load() -> String {
    let text = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split(' ')
        .next()
        .filter(|load| !load.is_empty())
        .unwrap_or("unknown")
        .to_owned()
}
