//! `kopilka-bench`: see [`sandbox::bench`].

use std::process::ExitCode;

use sandbox::bench;
use tokio::runtime::Runtime;

fn main() -> ExitCode {
    match Runtime::new().map_err(Into::into).and_then(|runtime| runtime.block_on(bench::run())) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("kopilka-bench: {error:#}");
            ExitCode::FAILURE
        }
    }
}
