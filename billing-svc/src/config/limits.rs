//! What is taken at most: by one instance, of one caller, of one user.

use std::num::NonZeroU32;
use std::str::FromStr;

use clap::Args;
use rust_decimal::Decimal;

use crate::grpc::Limits;
use crate::ledger::{Amount, MAX_MOVEMENT, UserLimits};

/// The limits as they stand in the environment; 0 means none where the text says so.
#[derive(Debug, Clone, Copy, Args)]
pub struct LimitConfig {
    /// The largest message that is read, in bytes: 131072 (a notification of a payment provider fits) to 67108864. A larger one
    /// is answered INVALID_ARGUMENT.
    #[arg(
        long,
        env = "BILLING_MAX_MESSAGE_BYTES",
        default_value_t = 4 << 20,
        value_name = "BYTES",
        value_parser = clap::value_parser!(u32).range(128 << 10..=64 << 20)
    )]
    max_message_bytes: u32,

    /// Calls under way on one connection: 1 to 1000000. Further ones wait in the client.
    #[arg(
        long,
        env = "BILLING_MAX_STREAMS",
        default_value_t = 1024,
        value_name = "COUNT",
        value_parser = clap::value_parser!(u32).range(1..=1_000_000)
    )]
    max_streams: u32,

    /// Calls under way on all connections of this instance: 1 to 1000000. The next one is answered UNAVAILABLE / OVERLOADED.
    /// Times the largest message this bounds the memory of what is read. Health and reflection are not counted.
    #[arg(
        long,
        env = "BILLING_MAX_CALLS",
        default_value_t = 4096,
        value_name = "COUNT",
        value_parser = clap::value_parser!(u32).range(1..=1_000_000)
    )]
    max_calls: u32,

    /// Calls a second of one caller of BILLING_AUTH_FILE, at this instance: up to 1000000, as many again at once after a quiet
    /// second; 0: no limit. Health and reflection are not counted. Beyond: LIMIT_EXCEEDED, `limit` is `caller_rate`.
    #[arg(
        long,
        env = "BILLING_CALLER_RATE",
        default_value_t = 0,
        value_name = "PER_SECOND",
        value_parser = clap::value_parser!(u32).range(0..=1_000_000)
    )]
    caller_rate: u32,

    /// Charge and CreatePayment calls a second for one user, together, at this instance: up to 1000000, as many again at once
    /// after a quiet second; 0: no limit. Beyond: LIMIT_EXCEEDED, `limit` is `user_rate`.
    #[arg(
        long,
        env = "BILLING_USER_RATE",
        default_value_t = 0,
        value_name = "PER_SECOND",
        value_parser = clap::value_parser!(u32).range(0..=1_000_000)
    )]
    user_rate: u32,

    /// Operations of one user that may be held at once (CHARGED, whatever paid for them), over all instances: up to 1000000;
    /// 0: no limit. A charge beyond is LIMIT_EXCEEDED, `limit` is `open_holds`, and is not kept: the same request may be
    /// sent again.
    #[arg(
        long,
        env = "BILLING_MAX_OPEN_HOLDS",
        default_value_t = 0,
        value_name = "COUNT",
        value_parser = clap::value_parser!(i64).range(0..=1_000_000)
    )]
    max_open_holds: i64,

    /// Money, own and promotional, that one user may spend on one day, over all instances: a decimal up to 1000000000, like
    /// 500 or 99.90; 0: no limit. Counted is what was charged since 00:00 UTC, less what was refunded of it. A charge beyond is
    /// LIMIT_EXCEEDED, `limit` is `daily_spend`, and is not kept.
    #[arg(
        long,
        env = "BILLING_MAX_DAILY_SPEND",
        default_value = "0",
        value_name = "AMOUNT",
        value_parser = spend
    )]
    max_daily_spend: Amount,
}

impl LimitConfig {
    /// Those of one instance.
    pub(super) fn of_instance(&self) -> Limits {
        Limits {
            max_message_bytes: whole(self.max_message_bytes),
            max_streams: self.max_streams,
            max_calls: whole(self.max_calls),
            caller_rate: NonZeroU32::new(self.caller_rate),
            user_rate: NonZeroU32::new(self.user_rate),
        }
    }

    /// Those of each user, which the ledger decides.
    pub(super) fn of_user(&self) -> UserLimits {
        UserLimits {
            open_holds: (self.max_open_holds > 0).then_some(self.max_open_holds),
            daily_spend: (!self.max_daily_spend.is_zero()).then_some(self.max_daily_spend),
        }
    }
}

/// A range that every platform's `usize` holds.
fn whole(number: u32) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

fn spend(text: &str) -> Result<Amount, &'static str> {
    const TAKES: &str = "a decimal of at most six places, 0 to 1000000000, like 500 or 99.90";
    let decimal = Decimal::from_str(text).map_err(|_| TAKES)?;
    let micros = decimal.checked_mul(Decimal::from(1_000_000)).filter(Decimal::is_integer);
    let amount = micros.and_then(|micros| i64::try_from(micros).ok()).map(Amount::from_micros);
    amount.filter(|amount| !amount.is_negative() && *amount <= MAX_MOVEMENT).ok_or(TAKES)
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::config::Config;

    fn limits(flags: &[&str]) -> Result<LimitConfig, String> {
        let config = Config::try_parse_from(["billing-svc"].iter().chain(flags));
        config.map(|config| config.limits).map_err(|error| error.to_string())
    }

    #[test]
    fn nobody_is_limited_by_surprise() {
        let limits = limits(&[]).unwrap();
        let expected = Limits {
            max_message_bytes: 4 << 20,
            max_streams: 1024,
            max_calls: 4096,
            caller_rate: None,
            user_rate: None,
        };
        assert_eq!(limits.of_instance(), expected);
        assert_eq!(limits.of_user(), UserLimits::default());
    }

    #[test]
    fn each_limit_is_set_by_itself() {
        let set = limits(&[
            "--max-message-bytes=131072",
            "--max-streams=7",
            "--max-calls=8",
            "--caller-rate=9",
            "--user-rate=10",
            "--max-open-holds=11",
            "--max-daily-spend=99.90",
        ])
        .unwrap();
        let expected = Limits {
            max_message_bytes: 131_072,
            max_streams: 7,
            max_calls: 8,
            caller_rate: NonZeroU32::new(9),
            user_rate: NonZeroU32::new(10),
        };
        assert_eq!(set.of_instance(), expected);
        let expected =
            UserLimits { open_holds: Some(11), daily_spend: Some(Amount::from_micros(99_900_000)) };
        assert_eq!(set.of_user(), expected);
    }

    #[test]
    fn a_limit_that_is_none_is_refused() {
        let table = [
            ("--max-message-bytes=131071", "131072..=67108864"),
            ("--max-message-bytes=67108865", "131072..=67108864"),
            ("--max-streams=0", "1..=1000000"),
            ("--max-calls=0", "1..=1000000"),
            ("--caller-rate=-1", "0..=1000000"),
            ("--user-rate=1000001", "0..=1000000"),
            ("--max-open-holds=-1", "0..=1000000"),
            ("--max-daily-spend=-0.01", "a decimal"),
            ("--max-daily-spend=0.0000001", "a decimal"),
            ("--max-daily-spend=1000000000.01", "a decimal"),
            ("--max-daily-spend=79228162514264337593543950335", "a decimal"),
            ("--max-daily-spend=much", "a decimal"),
        ];
        for (flag, expected) in table {
            let error = limits(&[flag]).expect_err(flag);
            assert!(error.contains(expected), "{flag}: {error}");
        }
    }
}
