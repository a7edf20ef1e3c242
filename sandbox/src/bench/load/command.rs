//! `kopilka-bench load`.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, bail};
use clap::{Args, value_parser};
use secrecy::SecretString;
use service_kit::shutdown;

use super::report::Report;
use super::{Call, Pace, Plan, Spread, Target, progress_bar, run_until};

const CALLERS: u16 = 64;
const OPEN_CALLERS: u16 = 1024;

/// Calls a billing-svc for some time, and says how many calls it answers and how long they take.
///
/// Without --rate the loop is closed: --in-flight callers each call again when they were answered. That finds what the
/// server can do. With --rate the loop is open: so many calls are due each second, whatever was answered, and latencies are
/// counted from when a call was due. That finds how long people wait at a load that they bring, stalls included.
///
/// Users are named bench:0, bench:1, … Fill an empty database with them and their money by `kopilka-bench seed`. A server
/// that does not know them gives each the free operations of a new user; when these are spent, charges are refused
/// with INSUFFICIENT_FUNDS, which counts as failed.
///
/// THE CHARGES ARE REAL: never point this at a database that matters.
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub struct LoadArgs {
    /// Where billing-svc listens for gRPC; several instances separated by commas. No TLS.
    #[arg(long, default_value = "http://127.0.0.1:50051", value_delimiter = ',')]
    pub url: Vec<String>,
    /// A file that holds a caller's token; none is sent without it.
    ///
    /// charge, get-user-info, replay and decline need the role gateway, service or admin; charge-complete and charge-refund
    /// need service or admin.
    #[arg(long, value_name = "FILE")]
    pub token_file: Option<PathBuf>,
    /// What is called.
    #[arg(long, value_enum, default_value_t = Call::Charge)]
    pub call: Call,
    /// How many users there are.
    #[arg(long, default_value_t = 100_000, value_parser = value_parser!(u32).range(1..))]
    pub users: u32,
    /// Which of them are called.
    #[arg(long, value_enum, default_value_t = Spread::Uniform)]
    pub spread: Spread,
    /// How many calls wait for an answer at the same time; 64 when not given, with --rate 1024 at most.
    ///
    /// Closed loop: the number of callers. Open loop: a bound; what is due while it is reached is sent late, and this
    /// program says so.
    #[arg(long, value_parser = value_parser!(u16).range(1..))]
    pub in_flight: Option<u16>,
    /// Open loop: calls due each second, evenly; those of one millisecond together.
    #[arg(long, value_name = "PER_SECOND")]
    pub rate: Option<f64>,
    /// HTTP/2 connections, dealt to the URLs in turns.
    ///
    /// A server takes a limited number of calls at once on each (BILLING_MAX_STREAMS); further ones wait here.
    #[arg(long, default_value_t = 4, value_parser = value_parser!(u16).range(1..))]
    pub connections: u16,
    /// For so long first, uncounted.
    #[arg(long, default_value = "2s", value_parser = humantime::parse_duration)]
    pub warm_up: Duration,
    /// Then for so long, counted. Ctrl-C ends it earlier, with what was counted so far.
    #[arg(long, default_value = "10s", value_parser = humantime::parse_duration)]
    pub time: Duration,
    /// The kind of operation that is charged, of the server's price list.
    #[arg(long, default_value = "generate")]
    pub kind: String,
    /// Print one JSON object instead of text. Times are in microseconds.
    #[arg(long)]
    pub json: bool,
}

const EXAMPLES: &str = "\
Examples:
  What does this server carry?
    kopilka-bench load --token-file token --in-flight 256
  How long does a charge take when 2000 a second are asked for?
    kopilka-bench load --token-file token --rate 2000 --time 60s
  Is one busy user slower than many?
    kopilka-bench load --token-file token --spread one
  Three instances, for a script:
    kopilka-bench load --url http://10.0.0.1:50051,http://10.0.0.2:50051,http://10.0.0.3:50051 --json

What it says:
  calls    answered as expected: a success; for decline, the refusal PRICE_CHANGED
  refused  how many of these are refusals
  failed   everything else, by gRPC code and reason. Nothing is repeated. A caller of a closed loop waits 10 ms after a
           failure. No answer in 10 seconds is DEADLINE_EXCEEDED
  latency  of calls. charge-complete and charge-refund: of both RPCs together. Open loop: from when the call was due, and
           arrivals that were never sent count with what they had waited

Where it runs matters: on the server's machine it takes processor time from the server, and a slow link is measured too.
The exit code is 0 if anything was answered as expected; a script should look at \"failed\".";

impl LoadArgs {
    /// Runs it, and prints what was measured.
    ///
    /// # Errors
    /// An option makes no sense; the token can't be read; nothing answers at a URL; no call was answered as expected.
    pub async fn run(self) -> anyhow::Result<()> {
        let (target, plan) = (self.target()?, self.plan());
        let stop = shutdown::on_signal();
        let measured = run_until(&target, &plan, &progress_bar(plan.call.name())?, &stop).await?;
        let report = Report { target: &target, plan: &plan, measured: &measured };
        let text = if self.json { report.json()? } else { report.text() };
        writeln!(io::stdout().lock(), "{text}").context("standard output")?;
        if measured.calls == 0 && !measured.stopped {
            let unsent = measured.arrivals.is_some_and(|arrivals| arrivals.unsent == arrivals.due);
            bail!(if unsent {
                "the time was over before anything that was due in it was sent: the rate is far too high for this server"
            } else {
                "no call was answered as expected"
            });
        }
        Ok(())
    }

    fn target(&self) -> anyhow::Result<Target> {
        let token = self.token_file.as_deref().map(read_token).transpose()?;
        Ok(Target { urls: self.url.clone(), token, connections: self.connections.into() })
    }

    fn plan(&self) -> Plan {
        let pace = match self.rate {
            Some(per_second) => {
                Pace::Open { per_second, in_flight: self.in_flight.unwrap_or(OPEN_CALLERS).into() }
            }
            None => Pace::Closed { in_flight: self.in_flight.unwrap_or(CALLERS).into() },
        };
        Plan {
            call: self.call,
            users: self.users,
            spread: self.spread,
            pace,
            warm_up: self.warm_up,
            time: self.time,
            kind: self.kind.clone(),
        }
    }
}

fn read_token(path: &Path) -> anyhow::Result<SecretString> {
    let text =
        fs::read_to_string(path).with_context(|| format!("can't read {}", path.display()))?;
    let token = text.trim();
    if token.is_empty() {
        bail!("{} holds no token", path.display());
    }
    Ok(SecretString::from(token))
}
