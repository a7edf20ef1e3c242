//! How long processes were on a processor, as Linux tells it.

use std::fs;
use std::time::Duration;

use anyhow::Context;
use nix::unistd::{SysconfVar, sysconf};

/// What /proc tells of a process: proc(5) numbers the fields.
struct Stat {
    path: String,
    /// From field 3 on.
    fields: Vec<String>,
}

impl Stat {
    fn read(process: u32) -> anyhow::Result<Self> {
        let path = format!("/proc/{process}/stat");
        let text = fs::read_to_string(&path).with_context(|| format!("can't read {path}"))?;
        // After the name, which may hold anything, in parentheses.
        let (_, fields) = text.rsplit_once(") ").with_context(|| format!("{path} has no name"))?;
        Ok(Self { fields: fields.split_whitespace().map(str::to_owned).collect(), path })
    }

    fn number(&self, field: usize) -> anyhow::Result<u64> {
        let text = self.fields.get(field - 3).with_context(|| format!("{} is short", self.path))?;
        Ok(text.parse()?)
    }

    /// The sum of fields that count ticks of the clock.
    fn time(&self, fields: &[usize]) -> anyhow::Result<Duration> {
        let a_second = sysconf(SysconfVar::CLK_TCK)?.context("a clock has ticks")?;
        let mut ticks = 0;
        for field in fields {
            ticks += self.number(*field)?;
        }
        Ok(Duration::from_secs_f64(ticks as f64 / a_second as f64))
    }
}

/// Of one process, in user mode and in the kernel.
///
/// # Errors
/// There is no such process, or this is no Linux.
pub fn spent(process: u32) -> anyhow::Result<Duration> {
    Stat::read(process)?.time(&[14, 15])
}

/// The same of a process with all that it has started, also of what has ended since.
///
/// # Errors
/// There is no such process, or this is no Linux.
pub fn spent_by_family(process: u32) -> anyhow::Result<Duration> {
    let mut sum = Stat::read(process)?.time(&[14, 15, 16, 17])?;
    for entry in fs::read_dir("/proc").context("/proc")? {
        let name = entry?.file_name();
        let Some(other) = name.to_str().and_then(|name| name.parse().ok()) else { continue };
        // It may have ended in this moment: then its parent has its time.
        let Ok(stat) = Stat::read(other) else { continue };
        if stat.number(4)? == u64::from(process) {
            sum += stat.time(&[14, 15])?;
        }
    }
    Ok(sum)
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    #[test]
    fn what_a_child_took_is_its_parents_too() {
        let own = std::process::id();
        let before = spent_by_family(own).unwrap();
        let script = "i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done";
        assert!(Command::new("sh").args(["-c", script]).status().unwrap().success());
        assert!(spent_by_family(own).unwrap() > before, "two hundred thousand turns take time");
        assert!(spent(own).unwrap() <= spent_by_family(own).unwrap());
    }
}
