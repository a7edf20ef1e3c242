//! Running jobs, one step after the other.
//!
//! * [`machine`] decides: a pure function from a job and what just happened to the job's next phase. No clock, no
//!   randomness, no input or output.
//! * `effects` acts: the one call to the outside that a phase asks for.
//! * `task` carries one leased job along: stores each phase under the fencing token before the effect that it
//!   announces, keeps the lease alive, and drops everything the moment the lease is lost.
//! * `runner` claims jobs, bounds how many run at once, and drains on shutdown.
//! * `housekeeping` deletes what nobody needs any more and ends what waited too long.

pub mod machine;

mod await_result;
mod effects;
mod housekeeping;
mod runner;
mod task;

pub use effects::World;
pub use housekeeping::{KEEP_INPUT, housekeep};
pub use runner::{Runner, RunnerConfig};
