//! Measures Kopilka side by side with what it is compared to, in one go, on servers of its own.
//!
//! The series of a group take turns (A B A B A B): what disturbs the machine for a while disturbs both sides. Everything
//! is a process of its own as in production, PostgreSQL and SQLite are durable, databases hold the same users, and before
//! each run on PostgreSQL there is a checkpoint that nobody pays for. The load comes from here, so it takes its share of
//! the processors from both sides alike.

mod clock;
mod commits;
mod cost;
mod machine;
mod numbers;
mod others;
mod pgbench;
mod plan;
mod plots;
mod ratios;
mod regression;
mod results;
mod series;
mod stage;
mod start;
mod table;
mod turns;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use clap::Args;
use jiff::Timestamp;
use tokio::signal::unix::{SignalKind, signal};

use super::servers::BILLING_SETTINGS;
use clock::Clock;
use machine::{Machine, Versions};
use others::Others;
use plan::Mode;
use ratios::Found;
use regression::Baseline;
use results::{Measurement, Process, Report, Summary};
use series::Subject;
use stage::{Stage, USERS};
use turns::{ROUNDS, turns};

/// What later runs are compared with, where this is run from: the top folder of a checkout.
const BASELINE: &str = "bench/baseline.json";

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

    /// Writes bench/baseline.json, with which later runs are compared.
    #[arg(long, conflicts_with = "only")]
    pub save_baseline: bool,
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

/// What was measured so far.
#[derive(Debug, Default)]
struct Outcome {
    measurements: Vec<Measurement>,
    process: Process,
    others: Others,
}

async fn measure(options: &SuiteArgs) -> anyhow::Result<()> {
    let mode = if options.quick { Mode::Quick } else { Mode::Full };
    let (begun, clock) = (Timestamp::now().to_string(), Clock::start(mode));
    let plan = plan::plan(mode, &options.only)?;
    let baseline = Baseline::read(Path::new(BASELINE))?;
    let mut stage = Stage::new(plan::room(&plan.groups))?;
    let outcome = measured(&mut stage, &plan, &clock).await?;
    let found = ratios::found(&outcome.measurements);
    let machine = Machine::here();

    if options.save_baseline {
        Baseline::now(mode.name(), &machine, &found).write(Path::new(BASELINE))?;
    }
    print!(
        "{}{}{}",
        table::measurements(&outcome.measurements),
        table::costs(&outcome.measurements),
        table::ratios(&found)
    );
    for line in &outcome.others.lines {
        println!("\n{line}");
    }
    println!("\n{}", compared(baseline.as_ref(), &machine, &found));
    std::fs::create_dir_all(&options.out)
        .with_context(|| format!("can't make {}", options.out.display()))?;
    plots::draw(&outcome.measurements, &options.out)?;
    let process = outcome.process;
    let report = Report {
        format: 1,
        mode: mode.name(),
        begun,
        seconds: clock.elapsed().as_secs_f64(),
        machine,
        versions: Versions::of(stage.postgres()).await?,
        settings: settings(&stage),
        users: USERS,
        measurements: outcome.measurements.into_iter().map(Summary::from).collect(),
        ratios: found.iter().map(|found| (found.ratio.name, found.into())).collect(),
        process,
        services: outcome.others.figures,
    };
    let file = report.write(&options.out)?;
    println!("All figures: {}, and plots beside it.", file.display());
    println!("{}", process.line());
    println!("{}", ratios::line(&found));
    Ok(())
}

async fn measured(stage: &mut Stage, plan: &plan::Plan, clock: &Clock) -> anyhow::Result<Outcome> {
    let mut outcome = Outcome::default();
    if plan.start {
        clock.say("start of billing-svc on SQLite");
        start::measure(stage, &mut outcome.process).await?;
    }
    for (done, group) in plan.groups.iter().enumerate() {
        let mut servers = stage.prepare(group, clock).await?;
        let later = plan.groups.get(done..).unwrap_or_default();
        let runs = later.iter().map(|group| group.series.len()).sum::<usize>() * ROUNDS;
        let times = clock.times(runs, later.len());
        outcome.measurements.extend(turns(stage, &mut servers, group, times, clock).await?);
        if group.series.iter().any(|series| matches!(series.subject, Subject::Kopilka(..))) {
            let peak = servers.peak_memory()?;
            let most = outcome.process.billing_rss_mib.unwrap_or_default().max(peak);
            outcome.process.billing_rss_mib = Some(most);
        }
        stage.clear(servers).await?;
    }
    if plan.services {
        outcome.others = others::measure(stage, clock).await?;
    }
    Ok(outcome)
}

/// What people are told of the comparison with the committed ratios.
fn compared(baseline: Option<&Baseline>, machine: &Machine, found: &[Found]) -> String {
    let Some(baseline) = baseline else {
        return format!("There is no {BASELINE} to compare with: --save-baseline writes it.");
    };
    let other =
        if baseline.machine == *machine { "" } else { " (another machine or kernel than this)" };
    let worse = baseline.worse(found);
    if worse.is_empty() {
        return format!("No ratio is more than 15 % worse than in {BASELINE}{other}.");
    }
    let rule = "!".repeat(72);
    let lines = worse.join("\n");
    format!("{rule}\nWorse by more than 15 % than in {BASELINE}{other}:\n{lines}\n{rule}")
}

/// The settings of the servers, by program.
fn settings(stage: &Stage) -> BTreeMap<&'static str, BTreeMap<String, String>> {
    let owned = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
    let mut settings = BTreeMap::new();
    settings.insert("billing-svc", BILLING_SETTINGS.into_iter().map(owned).collect());
    if let Some(postgres) = stage.postgres() {
        settings.insert("postgres", postgres.settings().map(owned).collect());
    }
    settings
}
