//! What can be asked in a table.
//!
//! ```text
//! charge <user> <request> <kind> [x<quantity>] [max=<money>] [hold=<time>] [label=<text>] [by=<caller>]
//! complete <request>
//! refund <request> [<reason>] [amount=<money>] [as=admin|worker|<caller>] [saying=<text>]
//! extend <request> <time>
//! expire <request>
//! expire-grant <user> <grant>
//! adjust <user> <request> <money> [because=<text>]
//! revoke <user> <request> <grant> [because=<text>]
//! announce <user> <grant>
//! stand <user> <request> GOOD|BLOCKED [because=<text>]
//! publish <request> <kind> <money> [because=<text>]
//! grant <user> <request> <count>-operations|<money> [until=<time>] [priority=<n>] [kind=PROMO] [because=<text>]
//! ```
//! And what happens around it: `wait <time>`, `signup-gives <n>`, `price <kind> <money>|none` (a new list), `block <user>`,
//! `unblock <user>`, `debt <user> <money>` (a payment was spent and charged back), `second-invoice-payment credit|refund`,
//! `limit holds <count>|none`, `limit spend <money>|none`.

use std::collections::BTreeMap;
use std::time::Duration;

use super::world::World;
use crate::ledger::*;

pub enum Step {
    Ask(Command),
    /// It was done to the world.
    Arrange,
}

/// One line, as words and options.
pub struct Script<'a> {
    words: Vec<&'a str>,
    options: BTreeMap<&'a str, &'a str>,
}

impl<'a> Script<'a> {
    pub fn new(line: &'a str) -> Self {
        let options = line.split_whitespace().filter_map(|word| word.split_once('='));
        let words = line.split_whitespace().filter(|word| !word.contains('='));
        Self { words: words.collect(), options: options.collect() }
    }

    pub fn step(&self, world: &mut World) -> Step {
        match self.word(0) {
            "charge" => self.charge(world),
            "complete" => {
                let (user_id, operation_id) = world.charged_as(self.word(1));
                Step::Ask(Command::Complete { user_id, operation_id })
            }
            "refund" => self.refund(world),
            "extend" => {
                let (user_id, operation_id) = world.charged_as(self.word(1));
                let hold = duration(self.word(2));
                Step::Ask(Command::ExtendHold { user_id, operation_id, hold })
            }
            "expire" => {
                let (user_id, operation_id) = world.charged_as(self.word(1));
                Step::Ask(Command::Expire { user_id, operation_id })
            }
            "expire-grant" => {
                let user_id = self.user();
                let grant_id = world.given_as(&user_id, self.word(2));
                Step::Ask(Command::ExpireGrant { user_id, grant_id })
            }
            "adjust" => Step::Ask(Command::AdjustBalance {
                user_id: self.user(),
                request_id: self.request(),
                amount: money(self.word(3)),
                reason: self.reason(),
                caller: "admin".into(),
            }),
            "grant" => self.grant(world),
            "revoke" => {
                let user_id = self.user();
                let grant_id = world.given_as(&user_id, self.word(3));
                Step::Ask(Command::RevokeGrant { user_id, grant_id, by: self.administrator() })
            }
            "announce" => {
                let user_id = self.user();
                let grant_id = world.given_as(&user_id, self.word(2));
                Step::Ask(Command::AnnounceExpiry { user_id, grant_id })
            }
            "stand" => Step::Ask(Command::SetStanding {
                user_id: self.user(),
                standing: match self.word(3) {
                    "GOOD" => Standing::Good,
                    "BLOCKED" => Standing::Blocked,
                    other => panic!("nobody can be made {other}"),
                },
                by: self.administrator(),
            }),
            "publish" => self.publish(),
            _ => match self.money_step(world) {
                Some(step) => step,
                None => self.arrange(world),
            },
        }
    }

    fn charge(&self, world: &mut World) -> Step {
        let charge = Charge {
            user_id: self.user(),
            request_id: self.request(),
            operation_id: OperationId(world.fresh()),
            caller: self.option("by").unwrap_or("bot").into(),
            kind: Kind::parse(self.word(3)).unwrap(),
            quantity: self.words.get(4).map_or(1, |word| number(word.trim_start_matches('x'))),
            max_price: self.option("max").map(money),
            hold: self.option("hold").map(duration),
            labels: self
                .option("label")
                .map(|text| ("label".into(), text.into()))
                .into_iter()
                .collect(),
        };
        world.asks(&charge);
        Step::Ask(Command::Charge(charge))
    }

    fn refund(&self, world: &World) -> Step {
        let (user_id, operation_id) = world.charged_as(self.word(1));
        let reason = match self.words.get(2).copied() {
            None | Some("JOB_FAILED") => RefundReason::JobFailed,
            Some("CONTENT_REJECTED") => RefundReason::ContentRejected,
            Some("CUSTOMER_REQUEST") => RefundReason::CustomerRequest,
            Some(other) => panic!("no table has needed {other} yet"),
        };
        let right = match self.option("as") {
            None | Some("worker") => RefundRight::AnyCharged,
            Some("admin") => RefundRight::Everything,
            Some(caller) => RefundRight::OwnCharges { caller: caller.into() },
        };
        let amount = self.option("amount").map(money);
        let comment = self.option("saying").unwrap_or_default().into();
        Step::Ask(Command::Refund { user_id, operation_id, reason, comment, amount, right })
    }

    fn grant(&self, world: &mut World) -> Step {
        let credits = self.credits(3);
        let kind = match self.option("kind") {
            None | Some("PROMO") => GrantKind::Promo,
            Some("COMPENSATION") => GrantKind::Compensation,
            Some(other) => panic!("{other} is no kind of grant"),
        };
        Step::Ask(Command::GrantCredits(GrantCredits {
            user_id: self.user(),
            request_id: self.request(),
            grant_id: GrantId(world.fresh()),
            credits,
            kind,
            priority: self.option("priority").map_or(0, |text| text.parse().unwrap()),
            expire_time: self.option("until").map(|text| super::world::START.plus(duration(text))),
            reason: self.reason(),
            caller: "admin".into(),
        }))
    }

    fn arrange(&self, world: &mut World) -> Step {
        match self.word(0) {
            "wait" => world.now = world.now.plus(duration(self.word(1))),
            "signup-gives" => world.memory.policy.free_operations = number(self.word(1)),
            "price" => {
                let kind = Kind::parse(self.word(1)).unwrap();
                let prices = &mut world.memory.prices;
                prices.version += 1;
                match self.word(2) {
                    "none" => prices.prices.retain(|price| price.kind != kind),
                    amount => {
                        let price = prices.prices.iter_mut().find(|price| price.kind == kind);
                        price.unwrap().amount = money(amount);
                    }
                }
            }
            "block" => self.judge(world, Standing::Blocked),
            "unblock" => self.judge(world, Standing::Good),
            "debt" => world.charge_back(&self.user(), self.word(2)),
            "limit" => {
                let limits = &mut world.memory.policy.limits;
                let (name, set) = (self.word(1), self.word(2));
                match name {
                    "holds" => limits.open_holds = (set != "none").then(|| number(set)),
                    "spend" => limits.daily_spend = (set != "none").then(|| money(set)),
                    other => panic!("{other} is no limit"),
                }
            }
            "second-invoice-payment" => {
                world.memory.policy.repeated_invoice = match self.word(1) {
                    "credit" => RepeatRule::Credit,
                    "refund" => RepeatRule::Refund,
                    other => panic!("{other} is no rule"),
                }
            }
            other => panic!("{other} is not in the script"),
        }
        Step::Arrange
    }

    fn judge(&self, world: &mut World, standing: Standing) {
        world.is_about(&self.user());
        world.memory.users.get_mut(&self.user()).unwrap().standing = standing;
    }

    fn publish(&self) -> Step {
        let request_id = RequestId::parse(self.word(1)).unwrap();
        let by = Administrator { request_id, reason: self.reason(), caller: "admin".into() };
        let price = Price {
            kind: Kind::parse(self.word(2)).unwrap(),
            amount: money(self.word(3)),
            free_operations_allowed: false,
        };
        Step::Ask(Command::PublishPrices { prices: vec![price], by })
    }

    /// `5-operations`, or money.
    pub fn credits(&self, at: usize) -> Credits {
        match self.word(at).strip_suffix("-operations") {
            Some(count) => Credits { unit: Unit::Operation, amount: number(count) },
            None => Credits { unit: Unit::Money, amount: money(self.word(at)).micros() },
        }
    }

    pub fn words(&self) -> &[&'a str] {
        &self.words
    }

    pub fn word(&self, at: usize) -> &'a str {
        self.words.get(at).unwrap_or_else(|| panic!("a word is missing in {:?}", self.words))
    }

    pub fn option(&self, name: &str) -> Option<&'a str> {
        self.options.get(name).copied()
    }

    pub fn user(&self) -> UserId {
        UserId::parse(self.word(1)).unwrap()
    }

    pub fn request(&self) -> RequestId {
        RequestId::parse(self.word(2)).unwrap()
    }

    pub fn reason(&self) -> String {
        self.option("because").unwrap_or("a reason").into()
    }
}

pub fn number(text: &str) -> i64 {
    text.parse().unwrap_or_else(|_| panic!("{text} is not a number"))
}

/// `12`, `-0.5`, `0.000001`.
pub fn money(text: &str) -> Amount {
    let (sign, digits) = text.strip_prefix('-').map_or((1, text), |digits| (-1, digits));
    let (units, micros) = digits.split_once('.').unwrap_or((digits, "0"));
    let micros = number(&format!("{micros:0<6}"));
    Amount::from_micros(sign * (number(units) * 1_000_000 + micros))
}

/// `1us`, `30s`, `30m`, `24h`, and sums of them: `23h+59m`.
pub fn duration(text: &str) -> Duration {
    let part = |text: &str| {
        let digits = text.trim_end_matches(char::is_alphabetic);
        let unit = match &text[digits.len()..] {
            "us" => 1,
            "s" => 1_000_000,
            "m" => 60_000_000,
            "h" => 3_600_000_000,
            other => panic!("{other} is no unit of time"),
        };
        Duration::from_micros(number(digits) as u64 * unit)
    };
    text.split('+').map(part).sum()
}
