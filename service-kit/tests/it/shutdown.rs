//! Signals.

use nix::sys::signal::{Signal, raise};
use service_kit::shutdown;

#[tokio::test]
async fn both_signals_ask_for_the_end() {
    for signal in [Signal::SIGTERM, Signal::SIGINT] {
        let token = shutdown::on_signal();
        assert!(!token.is_cancelled());
        raise(signal).unwrap();
        token.cancelled().await;
    }
}
