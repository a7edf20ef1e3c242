//! What users pay in: payments, their refunds, and what a provider says of them.

use super::{Amount, PaymentId, RefundId, RequestId, Timestamp, UserId};

/// Who takes the money.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Provider {
    /// YooKassa.
    Yookassa,
    /// Telegram Stars.
    TelegramStars,
    /// The sandbox's own bank.
    Sandbox,
}

impl Provider {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Yookassa, Self::TelegramStars, Self::Sandbox];

    /// Its name in the account `topups:<provider>`, in metrics and logs.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Yookassa => "yookassa",
            Self::TelegramStars => "telegram_stars",
            Self::Sandbox => "sandbox",
        }
    }
}

/// An amount in a currency of a provider's, which need not be the deployment's. Telegram Stars are `XTR`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProviderAmount {
    /// Micros of `currency`.
    pub amount: Amount,
    /// Three capital letters.
    pub currency: String,
}

/// Where a payment stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PaymentState {
    /// Kept here; the provider may not know it yet.
    Created,
    /// Waits for the user to pay.
    Pending,
    /// The provider has the money.
    Paid,
    /// The user has it.
    Credited,
    /// The provider says that it will not be paid.
    Canceled,
    /// Asked about for as long as is planned, and given up.
    Expired,
    /// Given back, in part or whole.
    Refunded,
    /// The payer's bank took it back; the outcome is open.
    Disputed,
}

/// Why a paid payment waits for a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ParkReason {
    /// Another amount was paid than was promised.
    AmountMismatch,
    /// In another currency.
    CurrencyMismatch,
    /// The user would have more than [`super::MAX_BALANCE`].
    BalanceLimit,
}

/// One top-up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Payment {
    /// Its id; UUIDv7.
    pub payment_id: PaymentId,
    /// Whose.
    pub user_id: UserId,
    /// The caller's id of it.
    pub request_id: RequestId,
    /// The name of the caller who made it.
    pub caller: String,
    /// Who takes the money.
    pub provider: Provider,
    /// What was promised to be credited.
    pub amount: Amount,
    /// What the provider takes for it.
    pub price: ProviderAmount,
    /// Where the caller wants the user to be sent afterwards; part of what makes a repeated request the same.
    pub return_url: Option<String>,
    /// Where the receipt goes; likewise.
    pub receipt_email: Option<String>,
    /// Where it stands.
    pub state: PaymentState,
    /// The provider's name for it; unique with `provider`. Known from `Pending` on, for Stars from `Paid` on.
    pub provider_payment_id: Option<String>,
    /// Where the user pays.
    pub confirmation_url: Option<String>,
    /// How it was paid, in the provider's words.
    pub method: Option<String>,
    /// What the provider has received. Set from `Paid` on.
    pub received: Option<ProviderAmount>,
    /// Why it waits for a person; only while `Paid`.
    pub parked: Option<ParkReason>,
    /// What was credited.
    pub credited: Amount,
    /// The payment whose invoice was paid once more.
    pub repeat_of: Option<PaymentId>,
    /// When it was made.
    pub create_time: Timestamp,
    /// When this row last changed.
    pub update_time: Timestamp,
    /// When we learned that it was paid.
    pub paid_time: Option<Timestamp>,
    /// When it was credited.
    pub credit_time: Option<Timestamp>,
    /// When the provider is to be asked again. `None`: only when somebody asks.
    pub next_check: Option<Timestamp>,
    /// How often it was asked about on schedule.
    pub checks: i64,
}

/// Who began a refund.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RefundOrigin {
    /// An administrator here.
    Admin,
    /// Somebody at the provider's.
    Provider,
    /// The payer's bank.
    Dispute,
    /// The rule for an invoice that was paid twice.
    Rule,
}

/// Where a refund stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RefundState {
    /// Taken from the balance; the provider has not confirmed it.
    Pending,
    /// The payer has the money.
    Succeeded,
    /// Back in the balance: the provider refused, or the dispute was won.
    Reversed,
}

/// Money of one payment on its way back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PaymentRefund {
    /// Its id; UUIDv7.
    pub refund_id: RefundId,
    /// Of which payment.
    pub payment_id: PaymentId,
    /// Whose.
    pub user_id: UserId,
    /// Who began it.
    pub origin: RefundOrigin,
    /// Where it stands.
    pub state: RefundState,
    /// What was taken from the balance; zero for a payment that was never credited.
    pub amount: Amount,
    /// What the payer gets.
    pub price: ProviderAmount,
    /// For people.
    pub reason: String,
    /// The provider's name for it; unique with the payment. Disputes that were told by letter have none.
    pub provider_refund_id: Option<String>,
    /// When it began.
    pub create_time: Timestamp,
    /// When it ended.
    pub settle_time: Option<Timestamp>,
    /// When the provider is to be asked again; only while `Pending` and ours to carry out.
    pub next_try: Option<Timestamp>,
    /// How often it was asked.
    pub tries: i64,
}

/// What a provider says now about one payment of its own. Money follows this, and nothing else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// The provider's name for it.
    pub provider_payment_id: String,
    /// Where it stands there.
    pub status: ProviderStatus,
    /// What was or is to be paid.
    pub received: ProviderAmount,
    /// How, in the provider's words.
    pub method: Option<String>,
    /// All refunds and disputes of it.
    pub refunds: Vec<ReportedRefund>,
}

/// Where a payment stands at its provider's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProviderStatus {
    /// It can still be paid.
    Pending,
    /// The provider has the money, also where some was given back since.
    Paid,
    /// It will not be paid.
    Canceled,
}

/// A refund or dispute, as a provider reports it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReportedRefund {
    /// The provider's name for it.
    pub provider_refund_id: String,
    /// How much, in the payment's currency there.
    pub amount: ProviderAmount,
    /// Did the payer's bank take it?
    pub dispute: bool,
    /// How it stands there.
    pub state: ReportedRefundState,
}

/// How a refund stands at its provider's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReportedRefundState {
    /// Under way; for a dispute: open.
    Pending,
    /// The payer has it; for a dispute: lost.
    Succeeded,
    /// It did not happen; for a dispute: won.
    Canceled,
}

/// What happens to the second payment of one invoice of Telegram Stars.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RepeatRule {
    /// It is credited like the first.
    Credit,
    /// It is given back.
    Refund,
}

/// What became of a refund that we asked a provider for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RefundAnswer {
    /// The payer has the money.
    Succeeded {
        /// The provider's name for it.
        provider_refund_id: String,
    },
    /// The provider has it and has not ended it.
    Accepted {
        /// The provider's name for it.
        provider_refund_id: String,
        /// When to look again.
        next_try: Timestamp,
    },
    /// It will not happen, and why.
    Refused {
        /// In the provider's words, for people.
        why: String,
    },
    /// No answer: once more then.
    Unanswered {
        /// When.
        next_try: Timestamp,
    },
}

/// What the payer's bank decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DisputeOutcome {
    /// It took the money and looks into it.
    Opened,
    /// In the house's favour.
    Won,
    /// In the payer's favour.
    Lost,
}

/// How a payment that nobody has paid ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Closing {
    /// The provider would not take it: canceled.
    Refused,
    /// Nobody asks about it any more: expired.
    GivenUp,
}
