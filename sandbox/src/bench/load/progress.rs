//! What a terminal shows while a run lasts.

use std::time::{Duration, Instant};

use indicatif::{HumanCount, ProgressBar, ProgressStyle};

use super::course::Course;

/// How often it changes.
pub(super) const EVERY: Duration = Duration::from_millis(250);

/// A bar for [`super::run`] on standard error; hidden where that is no terminal.
///
/// # Errors
/// Never, as long as its template is one.
pub fn progress_bar(name: &str) -> anyhow::Result<ProgressBar> {
    let style = "{prefix} {wide_bar:.cyan/dim} {elapsed_precise} {msg}";
    let bar = ProgressBar::new(0).with_prefix(name.to_owned());
    bar.set_style(ProgressStyle::with_template(style)?);
    Ok(bar)
}

/// Tells a bar how a run goes.
#[derive(Debug)]
pub(super) struct Progress<'a> {
    bar: &'a ProgressBar,
    course: &'a Course,
    told: (Instant, u64),
}

impl<'a> Progress<'a> {
    pub(super) fn new(bar: &'a ProgressBar, course: &'a Course) -> Self {
        bar.reset();
        bar.set_length(millis(course.whole()));
        Self { bar, course, told: (course.start, 0) }
    }

    pub(super) fn tell(&mut self) {
        let (now, calls) = (Instant::now(), self.course.calls());
        let (before, known) = self.told;
        let seconds = (now - before).as_secs_f64();
        if seconds > 0.0 {
            let rate = ((calls - known) as f64 / seconds).round() as u64;
            let warming = if self.course.is_warming(now) { " (warm-up)" } else { "" };
            self.bar.set_message(format!("{} calls/s{warming}", HumanCount(rate)));
        }
        self.bar.set_position(millis(now - self.course.start).min(millis(self.course.whole())));
        self.told = (now, calls);
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
