//! The program at work for a long time: whether it stays right, as fast, and as
//! small as it was in the beginning.
//!
//! Clients remove what they wrote a while ago, so that the store stays as it is.

use std::pin::pin;
use std::time::{Duration, Instant};

use crate::process::Resident;
use crate::table::Table;
use crate::traffic::{Crowd, Kind, Tally, Target, TargetArgs};

/// Clients at a time.
const CLIENTS: usize = 10;
/// How many of the documents it wrote each keeps.
const KEPT: usize = 25;
/// How long they ask before it counts: as many as they keep are written by then.
const WARM_UP: Duration = Duration::from_secs(20);
/// How often memory is looked at.
const LOOK: Duration = Duration::from_secs(5);

/// What 99 of a hundred calls of a tool that touches no model, and searches, take.
const CALL_P99_MS: f64 = 100.0;
const SEARCH_P99_MS: f64 = 500.0;
/// How much more memory there may be at the end than after warming up: this part of
/// it, and so many bytes.
const GROWTH_PART: f64 = 0.2;
const GROWTH_BYTES: f64 = 8e6;

/// What is measured.
#[derive(Debug, clap::Args)]
pub(crate) struct SoakArgs {
    #[command(flatten)]
    target: TargetArgs,
    /// How long the clients ask
    #[arg(long, default_value_t = 60)]
    minutes: u64,
    /// Fail when a goal is not met
    #[arg(long)]
    check: bool,
}

/// Resident memory, by the time since warming up.
struct Looks(Vec<(Duration, Option<Resident>)>);

/// What is to be, and what is.
struct Goal {
    what: &'static str,
    bound: String,
    measured: String,
    is_met: bool,
}

/// Measures, and prints what was and whether it is good enough.
pub(crate) async fn measure(args: &SoakArgs) -> anyhow::Result<()> {
    crate::conditions::print("Soak");
    let target = Target::start(&args.target).await?;
    let mut crowd = Crowd::gather(&target, CLIENTS, KEPT).await?;
    crowd.warm_up(WARM_UP).await?;
    let (before, started) = (target.cpu(), Instant::now());
    let time = Duration::from_secs(60 * args.minutes);
    let (mut tally, looks) = watched(&target, &mut crowd, time).await?;
    let (after, took) = (target.cpu(), started.elapsed());
    let table = tally.table(&format!("{CLIENTS} clients, {} min", args.minutes), took);
    // What is still there is read outside of the measured time.
    tally.add(crowd.settle().await?);
    target.end().await?;

    println!("{table}");
    println!("{looks}\n");
    println!(
        "{}, in {:.0} s. {} documents that were acknowledged were looked for, {} are lost.\n",
        before.until(&after),
        took.as_secs_f64(),
        tally.looked_for,
        tally.lost
    );
    let goals = goals(&tally, &looks);
    println!("{}\n{}", goal_table(&goals), tally.problems());
    let missed: Vec<&str> = goals
        .iter()
        .filter(|goal| !goal.is_met)
        .map(|goal| goal.what)
        .collect();
    anyhow::ensure!(
        !args.check || missed.is_empty(),
        "goals that are not met: {}",
        missed.join(", ")
    );
    Ok(())
}

/// Has the crowd work and looks at the server's memory meanwhile.
async fn watched(
    target: &Target,
    crowd: &mut Crowd,
    time: Duration,
) -> anyhow::Result<(Tally, Looks)> {
    let started = Instant::now();
    let look = || (started.elapsed(), target.process().resident());
    let mut looks = vec![look()];
    let mut work = pin!(crowd.work(time));
    let tally = loop {
        tokio::select! {
            tally = &mut work => break tally?,
            () = tokio::time::sleep(LOOK) => looks.push(look()),
        }
    };
    looks.push(look());
    Ok((tally, Looks(looks)))
}

impl Looks {
    fn first(&self) -> Option<Resident> {
        self.0.first().and_then(|(_, resident)| *resident)
    }

    fn last(&self) -> Option<Resident> {
        self.0.last().and_then(|(_, resident)| *resident)
    }

    /// The last within the first minute.
    fn of_minute(&self) -> Option<Resident> {
        let mut within = self.0.iter().rev();
        let (_, resident) = within.find(|(when, _)| when.as_secs() < 60)?;
        *resident
    }

    fn most(&self) -> Option<Resident> {
        let known = self.0.iter().filter_map(|(_, resident)| *resident);
        known.max_by_key(|resident| resident.all)
    }
}

impl std::fmt::Display for Looks {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "Resident MB (own): {} after warming up, {} after a minute, {} at the end, {} at most.",
            Resident::in_megabytes(self.first()),
            Resident::in_megabytes(self.of_minute()),
            Resident::in_megabytes(self.last()),
            Resident::in_megabytes(self.most()),
        )
    }
}

fn goals(tally: &Tally, looks: &Looks) -> Vec<Goal> {
    let none = |what, count: usize| Goal {
        what,
        bound: "0".to_owned(),
        measured: count.to_string(),
        is_met: count == 0,
    };
    let quick = |what, kinds: &[Kind], bound_ms: f64| {
        let p99_ms = tally.p99_ms(kinds);
        Goal {
            what,
            bound: format!("< {bound_ms:.0} ms"),
            measured: format!("{p99_ms:.1} ms"),
            is_met: p99_ms < bound_ms,
        }
    };
    let searches = [Kind::SearchTool, Kind::SearchApi];
    vec![
        none("wrong answers", tally.wrong_count()),
        none("acknowledged documents lost", tally.lost),
        none("errors besides refusals", tally.error_count()),
        small(looks),
        quick("p99 of a call without a model", &[Kind::List], CALL_P99_MS),
        quick("p99 of a search", &searches, SEARCH_P99_MS),
    ]
}

/// That memory does not grow; met where it cannot be read.
fn small(looks: &Looks) -> Goal {
    let megabytes = |bytes: Option<f64>| {
        let text = bytes.map(|bytes| format!("{:.1} MB", bytes / 1e6));
        text.unwrap_or_else(|| "–".to_owned())
    };
    let bytes = |resident: Option<Resident>| resident.map(|resident| resident.all as f64);
    let (first, last) = (bytes(looks.first()), bytes(looks.last()));
    let bound = first.map(|first| first * (1.0 + GROWTH_PART) + GROWTH_BYTES);
    Goal {
        what: "memory at the end",
        bound: format!("≤ {}", megabytes(bound)),
        measured: megabytes(last),
        is_met: last.zip(bound).is_none_or(|(last, bound)| last <= bound),
    }
}

fn goal_table(goals: &[Goal]) -> Table {
    let mut table = Table::new(&["goal", "bound", "measured", "met"]);
    for goal in goals {
        table.row([
            goal.what.to_owned(),
            goal.bound.clone(),
            goal.measured.clone(),
            ["no", "yes"][usize::from(goal.is_met)].to_owned(),
        ]);
    }
    table
}
