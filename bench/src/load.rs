//! The program under load: how many requests it answers with 10 and with 100
//! clients, how long each takes, whether all answers are right and all that was
//! acknowledged is there, and what it takes.

use std::time::{Duration, Instant};

use crate::process::Resident;
use crate::traffic::{Crowd, Target, TargetArgs};

/// How long clients ask before it counts.
const WARM_UP: Duration = Duration::from_secs(5);
/// How long after the end memory is read once more.
const REST: Duration = Duration::from_secs(10);

/// What is measured.
#[derive(Debug, clap::Args)]
pub(crate) struct LoadArgs {
    #[command(flatten)]
    target: TargetArgs,
    /// How long each number of clients asks
    #[arg(long, default_value_t = 60)]
    seconds: u64,
    /// The numbers of clients
    #[arg(long, value_delimiter = ',', default_values_t = [10, 100])]
    clients: Vec<usize>,
    /// Fail when an answer is wrong, a document is lost or a request fails
    #[arg(long)]
    check: bool,
}

/// Measures each number of clients and prints a table for each.
pub(crate) async fn measure(args: &LoadArgs) -> anyhow::Result<()> {
    crate::conditions::print("Load");
    let target = Target::start(&args.target).await?;
    let mut problems = 0;
    for &clients in &args.clients {
        problems += measure_one(&target, clients, Duration::from_secs(args.seconds)).await?;
    }
    target.end().await?;
    anyhow::ensure!(
        !args.check || problems == 0,
        "answers that were wrong, documents that are lost, requests that failed: {problems}"
    );
    Ok(())
}

/// Measures a number of clients; gives how much was wrong, lost or failed.
async fn measure_one(target: &Target, clients: usize, time: Duration) -> anyhow::Result<usize> {
    let server = target.process();
    let at_rest = server.resident();
    // Nothing is removed until all was read again.
    let mut crowd = Crowd::gather(target, clients, usize::MAX).await?;
    crowd.warm_up(WARM_UP).await?;
    let (before, started) = (target.cpu(), Instant::now());
    let tally = crowd.work(time).await?;
    let (after, took) = (target.cpu(), started.elapsed());
    let at_end = server.resident();
    tokio::time::sleep(REST).await;
    let rested = server.resident();
    let settled = crowd.settle().await?;

    println!("{}", tally.table(&format!("{clients} clients"), took));
    println!(
        "Of {} documents that were acknowledged, warming up included, {} are lost; {} other \
         problems on reading and removing them. Resident MB (own): {} before, {} at the end, {} \
         {} s later. {}, in {:.0} s.\n",
        settled.looked_for,
        settled.lost,
        settled.wrong_count() + settled.error_count(),
        Resident::in_megabytes(at_rest),
        Resident::in_megabytes(at_end),
        Resident::in_megabytes(rested),
        REST.as_secs(),
        before.until(&after),
        took.as_secs_f64(),
    );
    let mut count = 0;
    for tally in [&tally, &settled] {
        let problems = tally.problems();
        if !problems.is_empty() {
            println!("{problems}");
        }
        count += tally.wrong_count() + tally.error_count() + tally.lost;
    }
    Ok(count)
}
