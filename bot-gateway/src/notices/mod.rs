//! What happened to users' money, told to them: once, unasked, in their language.
//!
//! ```text
//! billing-svc ─WatchEvents─► [`watch`] ─► the queue `notices` ─► AckEvents
//!                                              └─► [`tell`]: the payment's message is edited, a new message is sent
//! ```
//!
//! An event is acknowledged once it is a row of the queue. It may come again, to this gateway or another one on the same
//! database, and is known by the row's id then. Rows of one user are told in order. Telegram has no idempotency key, so what
//! may be repeated comes first: the edit of the payment's own message. The new message, which an edit notifies nobody of, is
//! sent after its intent is stored; where nobody knows whether it went out, it is not sent again.

mod news;
pub mod tell;
pub mod watch;

pub use news::{DisputeStep, Gift, GiftFrom, News, StandingStep};

/// The queue's table.
pub const TABLE: &str = "notices";
