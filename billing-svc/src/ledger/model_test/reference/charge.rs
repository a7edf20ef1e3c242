//! A charge: who pays, or why nobody does.

use super::{Answer, Reference};
use crate::ledger::model_test::journal::Fact;
use crate::ledger::*;

impl Reference {
    pub(super) fn charge(&mut self, charge: &Charge, now: Timestamp) -> Answer {
        if let Some(first) = self.journal.charged_as(&charge.request_id) {
            let differs = [
                ("user_id", first.user_id != charge.user_id),
                ("kind", first.kind != charge.kind),
                ("quantity", first.quantity != charge.quantity),
                ("max_price", first.max_price != charge.max_price),
                ("hold", first.hold != charge.hold),
                ("labels", first.labels != charge.labels),
            ];
            if let Some((field, _)) = differs.into_iter().find(|(_, differs)| *differs) {
                return Err(Rejection::RequestIdReused { field });
            }
            return match &first.decline {
                Some(decline) => Err(decline_again(&first, decline)),
                None => Ok(self.answer(first.operation_id, true, now)),
            };
        }
        let known = self.prices.prices.iter().find(|price| price.kind == charge.kind);
        let price = known.ok_or(Rejection::UnknownKind)?.clone();
        if let Some(refusal) = self.beyond_a_limit(charge, &price, now) {
            return Err(refusal);
        }
        self.write(&charge.user_id, now);
        let funding = self.fund(charge, &price, now);
        let declined = funding.is_err();
        let operation = Operation {
            operation_id: charge.operation_id,
            user_id: charge.user_id.clone(),
            request_id: charge.request_id.clone(),
            caller: charge.caller.clone(),
            kind: charge.kind.clone(),
            quantity: charge.quantity,
            state: if declined { OperationState::Declined } else { OperationState::Charged },
            unit_price: price.amount,
            price_version: self.prices.version,
            max_price: charge.max_price,
            hold: charge.hold,
            labels: charge.labels.clone(),
            funding: funding.clone().unwrap_or_default(),
            refunded: Amount::ZERO,
            refund_reason: None,
            refund_comment: String::new(),
            decline: funding.err(),
            create_time: now,
            expire_time: now.plus(charge.hold.unwrap_or(self.policy.hold)),
            settle_time: declined.then_some(now),
        };
        self.journal.0.push(Fact::Asked(operation.clone()));
        match &operation.decline {
            Some(decline) => Err(decline_again(&operation, decline)),
            None => Ok(self.answer(operation.operation_id, false, now)),
        }
    }

    /// Unit by unit: a free operation if one is left, else its price in money.
    pub(super) fn fund(
        &self,
        charge: &Charge,
        price: &Price,
        now: Timestamp,
    ) -> Result<Vec<Slice>, Decline> {
        match self.journal.standing(&charge.user_id) {
            Standing::Blocked => return Err(Decline::UserBlocked),
            Standing::InDebt => return Err(Decline::InDebt),
            Standing::Good => {}
        }
        let unit_price = price.amount.micros();
        if charge.max_price.is_some_and(|max| unit_price * charge.quantity > max.micros()) {
            return Err(Decline::PriceChanged);
        }
        let mut purses: Vec<(Source, i64)> = Vec::new();
        for grant in self.live_grants(&charge.user_id, now) {
            let source = match grant.unit {
                Unit::Operation => Source::FreeOperations(grant.grant_id),
                Unit::Money => Source::Promotional(grant.grant_id),
            };
            purses.push((source, grant.remaining));
        }
        purses.push((Source::Balance, self.journal.paid(&charge.user_id)));
        let available = purses
            .iter()
            .filter(|(source, _)| source.unit() == Unit::Money)
            .map(|(_, left)| left)
            .sum();

        let mut required = 0;
        let mut slices: Vec<Slice> = Vec::new();
        for _ in 0..charge.quantity {
            let free = |(source, left): &&mut (Source, i64)| {
                price.free_operations_allowed && source.unit() == Unit::Operation && *left > 0
            };
            match purses.iter_mut().find(free) {
                Some((source, left)) => {
                    *left -= 1;
                    match slices.iter_mut().find(|slice| slice.source == *source) {
                        Some(slice) => slice.amount += 1,
                        None => slices.push(Slice { source: *source, amount: 1 }),
                    }
                }
                None => required += unit_price,
            }
        }
        let mut missing = required;
        for (source, left) in purses.iter().filter(|(source, _)| source.unit() == Unit::Money) {
            let amount = missing.min(*left);
            missing -= amount;
            slices.extend((amount > 0).then_some(Slice { source: *source, amount }));
        }
        if missing > 0 {
            return Err(Decline::InsufficientFunds {
                required: Amount::from_micros(required),
                available: Amount::from_micros(available),
                missing: Amount::from_micros(missing),
            });
        }
        Ok(slices)
    }
}

fn decline_again(operation: &Operation, decline: &Decline) -> Rejection {
    let operation_id = operation.operation_id;
    match *decline {
        Decline::InsufficientFunds { required, available, missing } => {
            let operation_id = Some(operation_id);
            Rejection::InsufficientFunds { required, available, missing, operation_id }
        }
        Decline::PriceChanged => {
            let price = Amount::from_micros(operation.unit_price.micros() * operation.quantity);
            Rejection::PriceChanged { price, operation_id }
        }
        Decline::UserBlocked => Rejection::UserBlocked { operation_id },
        Decline::InDebt => Rejection::InDebt { operation_id },
    }
}
