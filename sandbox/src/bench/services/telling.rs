//! What a service's own metrics count, watched until it has counted enough.

use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use tokio::time::sleep;

use super::STALL;
use crate::system::{Service, System};

/// How often a service is asked.
const ASK_EVERY: Duration = Duration::from_millis(20);

/// A counter of a service.
#[derive(Debug)]
pub(super) struct Counter<'a> {
    system: &'a System,
    service: Service,
    http: reqwest::Client,
    url: String,
    /// The metric, and what its labels hold.
    name: &'static str,
    label: &'static str,
}

impl<'a> Counter<'a> {
    /// The sum of a metric's lines whose labels have `label` among them.
    ///
    /// # Errors
    /// Never for a service that has an address.
    pub(super) fn of(
        system: &'a System,
        service: Service,
        name: &'static str,
        label: &'static str,
    ) -> anyhow::Result<Self> {
        let address = system.processes().address(service)?.http;
        let url = format!("http://{address}/metrics");
        Ok(Self { system, service, http: reqwest::Client::new(), url, name, label })
    }

    /// What it says now.
    ///
    /// # Errors
    /// The service is gone.
    pub(super) async fn read(&self) -> anyhow::Result<u64> {
        let answer = self.http.get(&self.url).send().await?.error_for_status()?;
        Ok(sum(&answer.text().await?, self.name, self.label))
    }

    /// Returns once it says at least `wanted`.
    ///
    /// # Errors
    /// It did not rise for [`STALL`]; the service is gone.
    pub(super) async fn reach(&self, wanted: u64) -> anyhow::Result<()> {
        let (mut last, mut moved) = (0, Instant::now());
        loop {
            let now = self.read().await.with_context(|| self.log())?;
            if now >= wanted {
                return Ok(());
            }
            if now > last {
                (last, moved) = (now, Instant::now());
            }
            if moved.elapsed() > STALL {
                let (name, program) = (self.name, self.service.program());
                bail!(
                    "{program} stalled: {name} stood at {now} of {wanted} for {} s\n{}",
                    STALL.as_secs(),
                    self.log()
                );
            }
            sleep(ASK_EVERY).await;
        }
    }

    fn log(&self) -> String {
        self.system.processes().log(self.service)
    }
}

/// In Prometheus' text format.
fn sum(text: &str, name: &str, label: &str) -> u64 {
    text.lines()
        .filter_map(|line| line.strip_prefix(name)?.strip_prefix('{')?.rsplit_once("} "))
        .filter(|(labels, _)| labels.split(',').any(|one| one == label))
        .filter_map(|(_, value)| value.parse::<u64>().ok())
        .sum()
}

#[cfg(test)]
mod tests {
    use super::sum;

    #[test]
    fn lines_of_the_metric_with_the_label_are_added_up() {
        let text = "# TYPE ended counter\nended{kind=\"a\",outcome=\"ok\"} 2\nended{kind=\"b\",outcome=\"ok\"} 3\n\
            ended{kind=\"b\",outcome=\"failed\"} 7\nended_more{outcome=\"ok\"} 11\n";
        assert_eq!(sum(text, "ended", "outcome=\"ok\""), 5);
        assert_eq!(sum(text, "absent", "outcome=\"ok\""), 0);
    }
}
