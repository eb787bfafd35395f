//! Times taken one by one, and what they say together.

use std::time::{Duration, Instant};

use crate::process::Process;

/// Repeated measurements of one thing.
pub(crate) struct Sample {
    walls_ms: Vec<f64>,
    total: Duration,
    cpu: Option<Duration>,
    /// That of a server.
    server_cpu: Option<Duration>,
}

impl Sample {
    /// Runs `work` for each of `inputs`, one after the other, in this process.
    pub(crate) async fn take<Input, Output>(
        inputs: impl IntoIterator<Item = Input>,
        work: impl AsyncFnMut(Input) -> anyhow::Result<Output>,
    ) -> anyhow::Result<(Self, Vec<Output>)> {
        Sample::take_with(None, inputs, work).await
    }

    /// The same for work that `server` has a part in.
    pub(crate) async fn take_with<Input, Output>(
        server: Option<Process>,
        inputs: impl IntoIterator<Item = Input>,
        mut work: impl AsyncFnMut(Input) -> anyhow::Result<Output>,
    ) -> anyhow::Result<(Self, Vec<Output>)> {
        let process = Process::this();
        let server_cpu = || server.and_then(Process::cpu_of_family);
        let server_before = server_cpu();
        let (cpu, started) = (process.cpu(), Instant::now());
        let mut walls = Vec::new();
        let mut outputs = Vec::new();
        for input in inputs {
            let before = Instant::now();
            outputs.push(work(input).await?);
            walls.push(before.elapsed());
        }
        let total = started.elapsed();
        let cpu = process.cpu().zip(cpu).map(|(after, before)| after - before);
        let server_cpu = server_cpu().zip(server_before);
        let sample = Sample {
            server_cpu: server_cpu.map(|(after, before)| after.saturating_sub(before)),
            ..Sample::of(&walls, total, cpu)
        };
        Ok((sample, outputs))
    }

    /// The sample of these times, which together took `total` and `cpu`.
    pub(crate) fn of(walls: &[Duration], total: Duration, cpu: Option<Duration>) -> Self {
        let walls_ms = walls.iter().map(|wall| wall.as_secs_f64() * 1e3).collect();
        Sample {
            walls_ms,
            total,
            cpu,
            server_cpu: None,
        }
    }

    /// The time that `percent` of a hundred stayed below, in milliseconds.
    pub(crate) fn percentile_ms(&self, percent: usize) -> f64 {
        percentile(self.walls_ms.iter().copied(), percent)
    }

    /// The mean processor time, in milliseconds.
    pub(crate) fn cpu_ms(&self) -> Option<f64> {
        self.mean_ms(self.cpu)
    }

    /// That of the server.
    pub(crate) fn server_cpu_ms(&self) -> Option<f64> {
        self.mean_ms(self.server_cpu)
    }

    fn mean_ms(&self, of: Option<Duration>) -> Option<f64> {
        of.map(|time| time.as_secs_f64() * 1e3 / self.walls_ms.len().max(1) as f64)
    }

    /// How many were done in a second.
    pub(crate) fn per_second(&self) -> f64 {
        self.walls_ms.len() as f64 / self.total.as_secs_f64()
    }
}

/// The value that `percent` of a hundred stay below; not a number when there are none.
pub(crate) fn percentile(values: impl Iterator<Item = f64>, percent: usize) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    let place = (values.len() * percent / 100).min(values.len().saturating_sub(1));
    values.get(place).copied().unwrap_or(f64::NAN)
}

/// A figure that not every system gives.
pub(crate) fn or_dash(value: Option<f64>, digits: usize) -> String {
    value.map_or("–".to_owned(), |value| format!("{value:.digits$}"))
}
