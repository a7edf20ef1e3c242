//! What was measured, for people and for scripts.

use std::collections::BTreeMap;
use std::time::Duration;

use indicatif::HumanCount;
use serde::Serialize;

use super::{Measured, Pace, Plan, Target};

/// An open loop that sent more than one in so many arrivals late says so loudly.
const LATE_ONE_IN: u64 = 100;

/// A run and what it found.
#[derive(Debug)]
pub(super) struct Report<'a> {
    pub(super) target: &'a Target,
    pub(super) plan: &'a Plan,
    pub(super) measured: &'a Measured,
}

/// One object, for scripts.
#[derive(Debug, Serialize)]
struct Json<'a> {
    urls: &'a [String],
    call: &'static str,
    kind: &'a str,
    users: u32,
    spread: &'static str,
    /// Absent in a closed loop.
    #[serde(skip_serializing_if = "Option::is_none")]
    rate: Option<f64>,
    in_flight: usize,
    connections: usize,
    warm_up_seconds: f64,
    seconds: f64,
    stopped: bool,
    calls: u64,
    calls_per_second: f64,
    refused: u64,
    failed: &'a BTreeMap<String, u64>,
    latency_us: Latency,
    #[serde(skip_serializing_if = "Option::is_none")]
    arrivals: Option<Arrivals>,
}

#[derive(Debug, Serialize)]
struct Latency {
    mean: f64,
    p50: u64,
    p90: u64,
    p99: u64,
    p99_9: u64,
    max: u64,
}

#[derive(Debug, Serialize)]
struct Arrivals {
    due: u64,
    late: u64,
    unsent: u64,
}

impl Report<'_> {
    /// One line of JSON.
    pub(super) fn json(&self) -> serde_json::Result<String> {
        let (plan, measured) = (self.plan, self.measured);
        let latency = |percent| measured.latency.value_at_percentile(percent);
        serde_json::to_string(&Json {
            urls: &self.target.urls,
            call: plan.call.name(),
            kind: &plan.kind,
            users: plan.users,
            spread: plan.spread.name(),
            rate: match plan.pace {
                Pace::Closed { .. } => None,
                Pace::Open { per_second, .. } => Some(per_second),
            },
            in_flight: plan.pace.in_flight(),
            connections: self.target.connections_for(plan.pace.in_flight()),
            warm_up_seconds: plan.warm_up.as_secs_f64(),
            seconds: measured.elapsed.as_secs_f64(),
            stopped: measured.stopped,
            calls: measured.calls,
            calls_per_second: measured.per_second(),
            refused: measured.refused,
            failed: &measured.failed,
            latency_us: Latency {
                mean: measured.latency.mean(),
                p50: latency(50.0),
                p90: latency(90.0),
                p99: latency(99.0),
                p99_9: latency(99.9),
                max: measured.latency.max(),
            },
            arrivals: measured.arrivals.map(|arrivals| Arrivals {
                due: arrivals.due,
                late: arrivals.late,
                unsent: arrivals.unsent,
            }),
        })
    }

    /// Some lines.
    pub(super) fn text(&self) -> String {
        let measured = self.measured;
        let (rate, latency) = (measured.per_second().round() as u64, self.latencies());
        let mut lines = vec![
            self.heading(),
            String::new(),
            format!("calls    {}   {}/s", HumanCount(measured.calls), HumanCount(rate)),
            format!("latency  {latency}"),
            format!("refused  {}", HumanCount(measured.refused)),
            format!("failed   {}", HumanCount(measured.failures())),
        ];
        for (why, count) in &measured.failed {
            lines.push(format!("         {} × {why}", HumanCount(*count)));
        }
        lines.extend(self.warnings());
        lines.join("\n")
    }

    fn heading(&self) -> String {
        let plan = self.plan;
        let in_flight = HumanCount(plan.pace.in_flight() as u64);
        let pace = match plan.pace {
            Pace::Closed { .. } => format!("{in_flight} in flight"),
            Pace::Open { per_second, .. } => {
                format!("{per_second} due each second, at most {in_flight} in flight")
            }
        };
        format!(
            "{} · {} · {} of {} users · {pace} · {} s after {} s of warm-up",
            plan.call.name(),
            self.target.urls.join(", "),
            plan.spread.name(),
            HumanCount(plan.users.into()),
            seconds(self.measured.elapsed),
            seconds(plan.warm_up),
        )
    }

    fn latencies(&self) -> String {
        let measured = self.measured;
        if measured.latency.is_empty() {
            return "none".to_owned();
        }
        let named = [
            ("p50", measured.p50()),
            ("p90", measured.p90()),
            ("p99", measured.p99()),
            ("p99.9", measured.p99_9()),
            ("max", measured.max()),
        ];
        named.map(|(name, time)| format!("{name} {}", short(time))).join("   ")
    }

    fn warnings(&self) -> Vec<String> {
        let mut warnings = Vec::new();
        if self.measured.stopped {
            warnings
                .push("\nSTOPPED before its time: this is what was counted until then.".to_owned());
        }
        let Some(arrivals) = self.measured.arrivals else { return warnings };
        let (due, late, unsent) =
            (HumanCount(arrivals.due), HumanCount(arrivals.late), HumanCount(arrivals.unsent));
        if arrivals.unsent > 0 {
            warnings.push(format!(
                "\nTHE RATE WAS NOT KEPT: {unsent} of {due} arrivals were never sent, {late} were sent late. The server \
                 carries less than this, or more calls in flight are needed. The unsent ones are in the latencies with what \
                 they had waited."
            ));
        } else if arrivals.late > arrivals.due / LATE_ONE_IN {
            warnings.push(format!(
                "\nTHE RATE WAS NOT KEPT EVENLY: {late} of {due} arrivals were sent over 1 ms late, because so many calls \
                 were in flight as may be, or because this machine did not keep up. Their latencies include it."
            ));
        }
        warnings
    }
}

fn seconds(time: Duration) -> String {
    format!("{:.1}", time.as_secs_f64())
}

/// Three digits or so, in the unit that fits.
fn short(time: Duration) -> String {
    let micros = time.as_micros();
    match micros {
        0..1_000 => format!("{micros} µs"),
        1_000..1_000_000 => format!("{:.2} ms", time.as_secs_f64() * 1e3),
        1_000_000.. => format!("{:.2} s", time.as_secs_f64()),
    }
}
