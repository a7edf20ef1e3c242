//! Measures Kopilka side by side with what it is compared to, in one go, on servers of its own.
//!
//! The series of a group take turns (A B A B A B): what disturbs the machine for a while disturbs both sides. Everything
//! is a process of its own as in production, PostgreSQL and SQLite are durable, databases hold the same users, and before
//! each run on PostgreSQL there is a checkpoint that nobody pays for. The load comes from here, so it takes its share of
//! the processors from both sides alike.

mod clock;
mod commits;
mod numbers;
mod pgbench;
mod plan;
mod ratios;
mod results;
mod series;
mod stage;

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, bail};
use clap::Args;
use indicatif::ProgressBar;
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::timeout;

use super::load::{self, Pace, Plan, Target};
use clock::{Clock, Times};
use plan::{Group, Mode};
use results::{Measurement, Run};
use series::{Series, Subject};
use stage::{Servers, Stage, USERS};

/// How often the series of a group take turns.
const ROUNDS: usize = 3;
/// Of the load generator, shared evenly by one instance or three.
const CONNECTIONS: usize = 6;
/// How much longer than planned a run may take before it is given up.
const PATIENCE: Duration = Duration::from_secs(30);

/// What `kopilka-bench suite` takes.
#[derive(Debug, Clone, Args)]
pub struct SuiteArgs {
    /// Only what a ratio needs, in two minutes; without the long histories.
    #[arg(long)]
    pub quick: bool,

    /// Where the results go: latest.json and plots.
    #[arg(long, default_value = "bench/results", value_name = "FOLDER")]
    pub out: PathBuf,

    /// Names of ratios or of groups of series: nothing else is measured. A wrong name lists them all.
    #[arg(long, num_args = 1.., value_name = "NAME")]
    pub only: Vec<String>,
}

impl SuiteArgs {
    /// Measures, and prints the ratios as the last line of standard output. Progress is told on standard error.
    ///
    /// # Errors
    /// Something is missing, a server failed, a call was answered wrongly, or the program was told to stop. All processes are
    /// gone by then, and so is the folder.
    pub async fn run(self) -> anyhow::Result<()> {
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        // What is measured owns every process and the folder: they go when it is dropped.
        tokio::select! {
            measured = measure(&self) => measured,
            _ = terminate.recv() => bail!("stopped"),
            _ = interrupt.recv() => bail!("stopped"),
        }
    }
}

async fn measure(options: &SuiteArgs) -> anyhow::Result<()> {
    let mode = if options.quick { Mode::Quick } else { Mode::Full };
    let clock = Clock::start(mode);
    let groups = plan::plan(mode, &options.only)?;
    let mut stage = Stage::new(4)?;
    let mut measurements: Vec<Measurement> = Vec::new();
    for (done, group) in groups.iter().enumerate() {
        let mut servers = stage.prepare(group).await?;
        let later = groups.get(done..).unwrap_or_default();
        let runs = later.iter().map(|group| group.series.len()).sum::<usize>() * ROUNDS;
        let times = clock.times(runs, later.len());
        measurements.extend(turns(&stage, &mut servers, group, times, &clock).await?);
        eprintln!(
            "{:>5.1} s  memory {:.1} MiB",
            clock.elapsed().as_secs_f64(),
            servers.peak_memory()?
        );
        stage.clear(servers).await?;
    }
    println!("{}", ratios::line(&ratios::found(&measurements)));
    Ok(())
}

/// Measures each series of a group once, then each once more…
async fn turns(
    stage: &Stage,
    servers: &mut Servers,
    group: &Group,
    times: Times,
    clock: &Clock,
) -> anyhow::Result<Vec<Measurement>> {
    let empty = |series: &Series| Measurement {
        group: group.name,
        series: *series,
        runs: Vec::with_capacity(ROUNDS),
    };
    let mut measurements: Vec<_> = group.series.iter().map(empty).collect();
    for round in 1..=ROUNDS {
        for measurement in &mut measurements {
            let series = measurement.series;
            let run = once(stage, servers, &series, times).await;
            let run = run.with_context(|| format!("{series}"))?;
            let latency = run.latency.map_or_else(String::new, |latency| {
                format!(", p50 {:.2} ms, p99 {:.2} ms", latency.p50 / 1e3, latency.p99 / 1e3)
            });
            eprintln!(
                "{:>5.1} s  {}, round {round} of {ROUNDS}: {series}: {:.0}/s{latency}",
                clock.elapsed().as_secs_f64(),
                group.name,
                run.per_second
            );
            measurement.runs.push(run);
        }
    }
    Ok(measurements)
}

/// Measures one series once.
async fn once(
    stage: &Stage,
    servers: &mut Servers,
    series: &Series,
    times: Times,
) -> anyhow::Result<Run> {
    if let Some(postgres) = stage.postgres() {
        postgres.checkpoint().await?;
    }
    match series.subject {
        Subject::Kopilka(..) | Subject::Baseline(_) => called(stage, servers, series, times).await,
        Subject::Pgbench => {
            let postgres = stage.postgres().context("PostgreSQL was not started")?;
            let database = servers.plain.as_deref().context("no database")?;
            let clients = series.in_flight;
            pgbench::pgbench(postgres, database, stage.folder(), USERS, clients, times).await
        }
        Subject::Commits => commits::commits(stage.folder(), times).await,
    }
}

async fn called(
    stage: &Stage,
    servers: &mut Servers,
    series: &Series,
    times: Times,
) -> anyhow::Result<Run> {
    let target = Target {
        urls: servers.urls(series)?,
        token: Some(stage.callers().token()),
        connections: CONNECTIONS,
    };
    let plan = Plan {
        call: series.call,
        users: USERS,
        spread: series.spread,
        pace: Pace::Closed { in_flight: series.in_flight },
        warm_up: times.warm_up,
        time: times.time,
        kind: "generate".to_owned(),
    };
    let patience = times.warm_up + times.time + PATIENCE;
    let bar = ProgressBar::new_spinner();
    let measured = timeout(patience, load::run(&target, &plan, &bar)).await;
    servers.alive()?;
    let measured = measured.context("the calls do not end")??;
    if measured.failures() > 0 {
        let failed = measured.failed.iter().map(|(code, count)| format!("{count} × {code}"));
        bail!("calls failed: {}", failed.collect::<Vec<_>>().join(", "));
    }
    if measured.calls == 0 {
        bail!("no call was answered in time");
    }
    Ok(Run::from(&measured))
}
