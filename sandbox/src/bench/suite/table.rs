//! What people read.

use super::ratios::{Better, Found};
use super::results::Measurement;

/// The measurements, group by group: medians, and how far the runs are apart.
pub fn measurements(measurements: &[Measurement]) -> String {
    let names = measurements.iter().map(|measurement| measurement.series.to_string().len());
    let width = names.max().unwrap_or_default();
    let mut text = String::new();
    let mut group = "";
    for measurement in measurements {
        if measurement.group != group {
            group = measurement.group;
            let title = format!("{group:<width$}  {:>9}  {:>6}", "per s", "spread");
            line(
                &mut text,
                &format!("\n{title}  {:>9}  {:>9}  {:>9}", "p50 ms", "p99 ms", "p99.9 ms"),
            );
        }
        let ms =
            |us: Option<f64>| us.map_or_else(|| "-".to_owned(), |us| format!("{:.2}", us / 1e3));
        let figures = format!(
            "{:>9}  {:>5.0}%  {:>9}  {:>9}  {:>9}",
            thousands(measurement.per_second()),
            measurement.spread() * 100.0,
            ms(measurement.latency(|latency| latency.p50)),
            ms(measurement.latency(|latency| latency.p99)),
            ms(measurement.latency(|latency| latency.p999)),
        );
        line(&mut text, &format!("{:<width$}  {figures}", measurement.series.to_string()));
    }
    text
}

/// What a call costs each side: medians.
pub fn costs(measurements: &[Measurement]) -> String {
    let measured = |one: &&Measurement| one.cost(|cost| Some(cost.service_us)).is_some();
    let measured: Vec<_> = measurements.iter().filter(measured).collect();
    let width = measured.iter().map(|one| one.series.to_string().len()).max().unwrap_or_default();
    let mut text = String::new();
    if measured.is_empty() {
        return text;
    }
    let title =
        format!("{:<width$}  {:>10}  {:>13}", "cost of a call", "service µs", "PostgreSQL µs");
    line(&mut text, &format!("\n{title}  {:>7}  {:>9}", "load µs", "WAL bytes"));
    for one in measured {
        let whole = |part: Option<f64>| part.map_or_else(|| "-".to_owned(), thousands);
        let figures = format!(
            "{:>10}  {:>13}  {:>7}  {:>9}",
            whole(one.cost(|cost| Some(cost.service_us))),
            whole(one.cost(|cost| cost.postgres_us)),
            whole(one.cost(|cost| Some(cost.load_us))),
            whole(one.cost(|cost| cost.wal_bytes)),
        );
        line(&mut text, &format!("{:<width$}  {figures}", one.series.to_string()));
    }
    text
}

/// The ratios, with what they are held to.
pub fn ratios(found: &[Found]) -> String {
    let mut text = String::new();
    if found.is_empty() {
        return text;
    }
    line(&mut text, &format!("\n{:<18}  {:>6}  {:<15}  goal, aim", "ratio", "value", "rounds"));
    for found in found {
        let ratio = found.ratio;
        let rounds: Vec<_> = found.rounds.iter().map(|round| format!("{round:.2}")).collect();
        let sign = match ratio.better {
            Better::More => "≥",
            Better::Less => "≤",
        };
        let verdict = if found.reached() { "" } else { "  NOT REACHED" };
        let rounds = rounds.join(" ");
        line(
            &mut text,
            &format!(
                "{:<18}  {:>6.2}  {rounds:<15}  {sign} {}, {}{verdict}",
                ratio.name, found.value, ratio.goal, ratio.aim
            ),
        );
    }
    text
}

fn line(text: &mut String, line: &str) {
    text.push_str(line);
    text.push('\n');
}

/// `12,345`.
pub fn thousands(number: f64) -> String {
    let digits = format!("{number:.0}");
    let mut text = String::with_capacity(digits.len() + 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::super::cost::Cost;
    use super::super::ratios::RATIOS;
    use super::super::results::{Latency, Run};
    use super::super::series::{ONE_TRANSACTION, POSTGRES, Series, Subject};
    use super::*;

    fn measured(subject: Subject, figures: &[f64]) -> Measurement {
        let latency = Latency { p50: 1500.0, p90: 2000.0, p99: 3250.0, p999: 4000.0, max: 5000.0 };
        let run = |per_second: &f64| Run {
            per_second: *per_second,
            calls: 1,
            refused: 0,
            seconds: 1.0,
            latency: (subject != Subject::Pgbench).then_some(latency),
            cost: (subject == POSTGRES).then_some(Cost {
                service_us: 71.4,
                postgres_us: Some(80.6),
                load_us: 40.0,
                wal_bytes: Some(1234.0),
            }),
        };
        let series = Series::charge(subject, 64);
        Measurement { group: "at_64", series, runs: figures.iter().map(run).collect() }
    }

    #[test]
    fn people_read_medians_and_how_far_runs_are_apart() {
        let table = measurements(&[
            measured(POSTGRES, &[13_000.0, 12_345.4, 12_000.0]),
            measured(ONE_TRANSACTION, &[950.0]),
            measured(Subject::Pgbench, &[3_000.0, 3_000.0]),
        ]);
        let expected = "
at_64                                  per s  spread     p50 ms     p99 ms   p99.9 ms
kopilka-pg charge uniform 64          12,345      8%       1.50       3.25       4.00
one-transaction charge uniform 64        950      0%       1.50       3.25       4.00
pgbench charge uniform 64              3,000      0%          -          -          -
";
        assert_eq!(table, expected);
    }

    #[test]
    fn people_read_what_a_call_costs_where_it_was_measured() {
        let table = costs(&[measured(POSTGRES, &[1.0]), measured(ONE_TRANSACTION, &[1.0])]);
        let expected = "
cost of a call                service µs  PostgreSQL µs  load µs  WAL bytes
kopilka-pg charge uniform 64          71             81       40      1,234
";
        assert_eq!(table, expected);
        assert_eq!(costs(&[measured(ONE_TRANSACTION, &[1.0])]), "");
    }

    #[test]
    fn a_ratio_that_is_missed_stands_out() {
        let of = |name: &str, value: f64| {
            let ratio = RATIOS.iter().find(|ratio| ratio.name == name).unwrap();
            Found { ratio, value, rounds: vec![value, value + 0.1] }
        };
        let table = ratios(&[of("charge_pg_64", 3.4), of("p99_over_p50", 2.0)]);
        let expected = "
ratio                value  rounds           goal, aim
charge_pg_64          3.40  3.40 3.50        ≥ 3.5, 5  NOT REACHED
p99_over_p50          2.00  2.00 2.10        ≤ 3, 2
";
        assert_eq!(table, expected);
    }

    #[test]
    fn thousands_are_told_apart() {
        let table = [(0.0, "0"), (999.4, "999"), (1000.0, "1,000"), (1_234_567.0, "1,234,567")];
        for (number, text) in table {
            assert_eq!(thousands(number), text);
        }
    }
}
