//! What administrators do.

use super::{Answer, Reference};
use crate::ledger::model_test::journal::Fact;
use crate::ledger::*;

impl Reference {
    pub(super) fn adjust(
        &mut self,
        user_id: &UserId,
        amount: Amount,
        by: &Administrator,
        now: Timestamp,
    ) -> Answer {
        let before = self.asked_before(by, Some(("user_id", user_id)), |first| match first {
            AdminAction::AdjustBalance(first) => Some(vec![("amount", *first != amount)]),
            _ => None,
        })?;
        if before.is_some() {
            return Ok(Outcome::Adjusted { user: self.view(user_id, now), replayed: true });
        }
        let available = Amount::from_micros(self.journal.paid(user_id));
        if (available + amount).is_negative() && amount.is_negative() {
            return Err(Rejection::InsufficientFunds {
                required: -amount,
                available,
                missing: -amount - available,
                operation_id: None,
            });
        }
        if !amount.is_negative() {
            self.room_for(user_id, amount)?;
        }
        self.write(user_id, now);
        self.keep(by, Some(user_id), AdminAction::AdjustBalance(amount), now);
        Ok(Outcome::Adjusted { user: self.view(user_id, now), replayed: false })
    }

    pub(super) fn grant(&mut self, command: &GrantCredits, now: Timestamp) -> Answer {
        let GrantCredits { user_id, credits, kind, priority, expire_time, .. } = command;
        let by = &Administrator {
            request_id: command.request_id.clone(),
            reason: command.reason.clone(),
            caller: command.caller.clone(),
        };
        let of = if credits.unit == Unit::Money { "amount" } else { "operations" };
        let before = self.asked_before(by, Some(("user_id", user_id)), |first| match first {
            AdminAction::GrantCredits {
                credits: first,
                kind: first_kind,
                priority: first_priority,
                expire_time: first_end,
                ..
            } => Some(vec![
                (of, first != credits),
                ("kind", first_kind != kind),
                ("priority", first_priority != priority),
                ("expire_time", first_end != expire_time),
            ]),
            _ => None,
        })?;
        if let Some(AdminRequest { action: AdminAction::GrantCredits { grant_id, .. }, .. }) =
            before
        {
            return Ok(self.granted(user_id, grant_id, true, now));
        }
        if expire_time.is_some_and(|end| end <= now) {
            return Err(Rejection::InvalidField { field: "expire_time", takes: "" });
        }
        if credits.unit == Unit::Money {
            self.room_for(user_id, Amount::from_micros(credits.amount))?;
        }
        self.write(user_id, now);
        self.give(user_id, command.grant_id, *credits, *kind, *priority, *expire_time, now);
        let action = AdminAction::GrantCredits {
            grant_id: command.grant_id,
            credits: *credits,
            kind: *kind,
            priority: *priority,
            expire_time: *expire_time,
        };
        self.keep(by, Some(user_id), action, now);
        Ok(self.granted(user_id, command.grant_id, false, now))
    }

    pub(super) fn revoke(
        &mut self,
        user_id: &UserId,
        grant_id: GrantId,
        by: &Administrator,
        now: Timestamp,
    ) -> Answer {
        let before = self.asked_before(by, Some(("user_id", user_id)), |first| match first {
            AdminAction::RevokeGrant(first) => Some(vec![("grant_id", *first != grant_id)]),
            _ => None,
        })?;
        if before.is_some() {
            return Ok(self.granted(user_id, grant_id, true, now));
        }
        let grant = self.journal.grant(grant_id).filter(|grant| grant.user_id == *user_id);
        let grant = grant.ok_or(Rejection::GrantNotFound)?;
        self.write(user_id, now);
        self.lose(&grant);
        self.keep(by, Some(user_id), AdminAction::RevokeGrant(grant_id), now);
        Ok(self.granted(user_id, grant_id, false, now))
    }

    pub(super) fn judge(
        &mut self,
        user_id: &UserId,
        standing: Standing,
        by: &Administrator,
        now: Timestamp,
    ) -> Answer {
        let before = self.asked_before(by, Some(("user_id", user_id)), |first| match first {
            AdminAction::SetStanding(first) => Some(vec![("standing", *first != standing)]),
            _ => None,
        })?;
        if before.is_none() {
            self.write(user_id, now);
            self.journal.0.push(Fact::Judged { user_id: user_id.clone(), standing });
            self.keep(by, Some(user_id), AdminAction::SetStanding(standing), now);
        }
        Ok(Outcome::Adjusted { user: self.view(user_id, now), replayed: before.is_some() })
    }

    pub(super) fn publish(
        &mut self,
        prices: &[Price],
        by: &Administrator,
        now: Timestamp,
    ) -> Answer {
        let before = self.asked_before(by, None, |first| match first {
            AdminAction::PublishPrices(first) => Some(vec![("prices", first.prices != *prices)]),
            _ => None,
        })?;
        if let Some(AdminRequest { action: AdminAction::PublishPrices(prices), .. }) = before {
            return Ok(Outcome::Prices { prices, replayed: true });
        }
        self.prices = PriceList { version: self.prices.version + 1, prices: prices.to_vec() };
        self.keep(by, None, AdminAction::PublishPrices(self.prices.clone()), now);
        Ok(Outcome::Prices { prices: self.prices.clone(), replayed: false })
    }

    pub(super) fn granted(
        &self,
        user_id: &UserId,
        id: GrantId,
        replayed: bool,
        now: Timestamp,
    ) -> Outcome {
        let grant = self.journal.grant(id).expect("it was given");
        Outcome::Granted { grant, user: self.view(user_id, now), replayed }
    }

    #[expect(clippy::too_many_arguments, reason = "the fields of a grant")]
    pub(super) fn give(
        &mut self,
        user_id: &UserId,
        grant_id: GrantId,
        credits: Credits,
        kind: GrantKind,
        priority: i32,
        expire_time: Option<Timestamp>,
        now: Timestamp,
    ) {
        self.journal.0.push(Fact::Given(Grant {
            grant_id,
            user_id: user_id.clone(),
            kind,
            unit: credits.unit,
            given: credits.amount,
            remaining: credits.amount,
            priority,
            create_time: now,
            expire_time,
            announced: false,
        }));
    }

    /// All money of a user, with this much more, stays within the cap.
    pub(super) fn room_for(&self, user_id: &UserId, more: Amount) -> Result<(), Rejection> {
        let grants = self.journal.grants().into_iter();
        let promotional: i64 = grants
            .filter(|grant| grant.user_id == *user_id && grant.unit == Unit::Money)
            .map(|grant| grant.remaining)
            .sum();
        let own = self.journal.paid(user_id) + self.journal.held(user_id).micros();
        if own + promotional + more.micros() > MAX_BALANCE.micros() {
            return Err(Rejection::InvalidField { field: "amount", takes: "" });
        }
        Ok(())
    }
}
