//! What became of requests, by their kind.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::sample::{Sample, or_dash};
use crate::table::Table;

/// The kinds of requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    List,
    SearchTool,
    SearchApi,
    Write,
    WriteAgain,
    Read,
    Remove,
}

impl Kind {
    const ALL: [Kind; 7] = [
        Kind::List,
        Kind::SearchTool,
        Kind::SearchApi,
        Kind::Write,
        Kind::WriteAgain,
        Kind::Read,
        Kind::Remove,
    ];

    fn name(self) -> &'static str {
        match self {
            Kind::List => "`list_collections`, MCP",
            Kind::SearchTool => "`search_documents`, MCP",
            Kind::SearchApi => "search, API",
            Kind::Write => "put a document in, API",
            Kind::WriteAgain => "the same with the same key",
            Kind::Read => "read a document, API",
            Kind::Remove => "remove a document, API",
        }
    }
}

/// What became of them.
#[derive(Default)]
pub(crate) struct Tally {
    counts: [Count; Kind::ALL.len()],
    /// Writes that were acknowledged and are looked for.
    pub(crate) looked_for: usize,
    /// Those of them that were not there as they were written.
    pub(crate) lost: usize,
}

#[derive(Default)]
struct Count {
    /// How long those took that were answered with what was asked for.
    walls: Vec<Duration>,
    /// How many of those were answered wrongly.
    wrong: usize,
    /// How many were refused, and told when to come again.
    refused: usize,
    /// How many failed otherwise, by status or reason.
    errors: BTreeMap<String, usize>,
    /// What went wrong first.
    problem: Option<String>,
}

impl Tally {
    pub(super) fn answered(&mut self, kind: Kind, wall: Duration) {
        self.of(kind).walls.push(wall);
    }

    pub(super) fn refused(&mut self, kind: Kind) {
        self.of(kind).refused += 1;
    }

    pub(super) fn wrong(&mut self, kind: Kind, what: String) {
        let count = self.of(kind);
        count.wrong += 1;
        count.problem.get_or_insert(what);
    }

    pub(super) fn failed(&mut self, kind: Kind, reason: &str, what: String) {
        let count = self.of(kind);
        *count.errors.entry(reason.to_owned()).or_default() += 1;
        count.problem.get_or_insert(what);
    }

    /// Joins what another has counted.
    pub(crate) fn add(&mut self, other: Tally) {
        self.looked_for += other.looked_for;
        self.lost += other.lost;
        for (own, others) in self.counts.iter_mut().zip(other.counts) {
            own.walls.extend(others.walls);
            own.wrong += others.wrong;
            own.refused += others.refused;
            for (reason, count) in others.errors {
                *own.errors.entry(reason).or_default() += count;
            }
            own.problem = own.problem.take().or(others.problem);
        }
    }

    fn of(&mut self, kind: Kind) -> &mut Count {
        &mut self.counts[kind as usize]
    }

    /// How many were answered wrongly.
    pub(crate) fn wrong_count(&self) -> usize {
        self.counts.iter().map(|count| count.wrong).sum()
    }

    /// How many failed and were not refused.
    pub(crate) fn error_count(&self) -> usize {
        self.counts.iter().map(Count::failed).sum()
    }

    /// What went wrong first with each kind, in lines; empty when nothing did.
    pub(crate) fn problems(&self) -> String {
        let mut lines = String::new();
        for (kind, count) in Kind::ALL.into_iter().zip(&self.counts) {
            if let Some(problem) = &count.problem {
                lines.push_str(&format!("First problem with {}: {problem}\n", kind.name()));
            }
        }
        lines
    }

    /// The time that 99 of a hundred requests of these kinds stayed below, in
    /// milliseconds; not a number when there are none.
    pub(crate) fn p99_ms(&self, kinds: &[Kind]) -> f64 {
        let walls = kinds
            .iter()
            .flat_map(|kind| &self.counts[*kind as usize].walls);
        let walls: Vec<Duration> = walls.copied().collect();
        Sample::of(&walls, Duration::ZERO, None).percentile_ms(99)
    }

    /// A row for each kind that was asked within `took`, and one for all.
    pub(crate) fn table(&self, title: &str, took: Duration) -> Table {
        let mut table = Table::new(&[
            title,
            "requests",
            "requests/s",
            "p50 ms",
            "p95 ms",
            "p99 ms",
            "wrong",
            "refused",
            "errors",
        ]);
        let mut all = Count::default();
        for (kind, count) in Kind::ALL.into_iter().zip(&self.counts) {
            if count.is_empty() {
                continue;
            }
            table.row(count.row(kind.name(), took));
            all.walls.extend(&count.walls);
            all.wrong += count.wrong;
            all.refused += count.refused;
            for (reason, times) in &count.errors {
                *all.errors.entry(reason.clone()).or_default() += times;
            }
        }
        table.row(all.row("all", took));
        table
    }
}

impl Count {
    fn failed(&self) -> usize {
        self.errors.values().sum()
    }

    fn is_empty(&self) -> bool {
        self.walls.is_empty() && self.refused == 0 && self.errors.is_empty()
    }

    fn row(&self, name: &str, took: Duration) -> [String; 9] {
        let sample = Sample::of(&self.walls, took, None);
        let percentile = |percent| {
            let value = sample.percentile_ms(percent);
            or_dash((!value.is_nan()).then_some(value), 1)
        };
        let errors: Vec<String> = self
            .errors
            .iter()
            .map(|(reason, count)| format!("{count} × {reason}"))
            .collect();
        [
            name.to_owned(),
            self.walls.len().to_string(),
            format!("{:.1}", sample.per_second()),
            percentile(50),
            percentile(95),
            percentile(99),
            self.wrong.to_string(),
            self.refused.to_string(),
            match errors.is_empty() {
                true => "0".to_owned(),
                false => errors.join(", "),
            },
        ]
    }
}
