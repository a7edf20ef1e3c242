//! The series of a group take turns.

use std::time::Duration;

use anyhow::{Context, bail};
use indicatif::ProgressBar;
use tokio::time::timeout;

use super::clock::{Clock, Times};
use super::commits;
use super::cost::Meter;
use super::pgbench;
use super::plan::Group;
use super::results::{Measurement, Run};
use super::series::{Series, Subject};
use super::stage::{Servers, Stage, USERS};
use super::table::thousands;
use crate::bench::load::{self, Pace, Plan, Target};

/// How often each is measured.
pub const ROUNDS: usize = 3;
/// Of the load generator, shared evenly by one instance or three.
const CONNECTIONS: usize = 6;
/// How much longer than planned a run may take before it is given up.
const PATIENCE: Duration = Duration::from_secs(30);

/// Measures each series of a group once, then each once more…
///
/// # Errors
/// A server failed, or a call was answered in another way than expected.
pub async fn turns(
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
            let run = run.with_context(|| format!("{}: {series}", group.name))?;
            let latency = run.latency.map_or_else(String::new, |latency| {
                format!(", p50 {:.2} ms, p99 {:.2} ms", latency.p50 / 1e3, latency.p99 / 1e3)
            });
            clock.say(&format!(
                "{} ({round} of {ROUNDS})  {series}: {}/s{latency}",
                group.name,
                thousands(run.per_second)
            ));
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
            let database = servers.plain().context("no database")?;
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
    let meter = Meter::start(stage, servers, series).await?;
    let measured = timeout(patience, load::run(&target, &plan, &ProgressBar::new_spinner())).await;
    servers.alive()?;
    let measured = measured.context("the calls do not end")??;
    if measured.failures() > 0 {
        let failed = measured.failed.iter().map(|(code, count)| format!("{count} × {code}"));
        let failed = failed.collect::<Vec<_>>().join(", ");
        bail!("calls failed: {failed}\n{}", servers.said(series));
    }
    if measured.calls == 0 {
        bail!("no call was answered in time\n{}", servers.said(series));
    }
    let cost = meter.read(stage, series, measured.made).await?;
    Ok(Run { cost: Some(cost), ..Run::from(&measured) })
}
