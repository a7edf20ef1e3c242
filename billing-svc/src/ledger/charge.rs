//! Takes the price of an operation and holds it, or keeps the refusal.

use super::draft::Draft;
use super::{
    Account, Amount, Charge, Decline, Operation, OperationState, Outcome, Plan, Price, Reference,
    Rejection, Slice, Standing, UserLimits, plan,
};

pub(super) fn charge(draft: &mut Draft, command: &Charge) -> Result<Outcome, Rejection> {
    if let Some(first) = draft.charge(&command.request_id) {
        if let Some(field) = differing_field(first, command) {
            return Err(Rejection::RequestIdReused { field });
        }
        if let Some(decline) = &first.decline {
            return Err(refusal(first, decline));
        }
        return Ok(Outcome::Operation {
            operation: first.clone(),
            user: draft.view(&command.user_id),
            replayed: true,
        });
    }
    let price = draft.prices().price(&command.kind).ok_or(Rejection::UnknownKind)?.clone();

    within_limits(draft, command, &price)?;
    draft.write_user(&command.user_id);
    match fund(draft, command, &price) {
        Ok(plan) => Ok(hold(draft, command, &price, plan.slices)),
        Err(decline) => {
            let mut operation = operation(draft, command, &price);
            operation.state = OperationState::Declined;
            operation.settle_time = Some(draft.now());
            let rejection = refusal(&operation, &decline);
            operation.decline = Some(decline);
            draft.add_operation(operation);
            Err(rejection)
        }
    }
}

/// What pays, or why nothing does. The order of the checks is the order of precedence.
fn fund(draft: &Draft, command: &Charge, price: &Price) -> Result<Plan, Decline> {
    match draft.standing(&command.user_id) {
        Standing::Blocked => return Err(Decline::UserBlocked),
        Standing::InDebt => return Err(Decline::InDebt),
        Standing::Good => {}
    }
    let total = price.amount.times(command.quantity);
    if command.max_price.is_some_and(|max| total > max) {
        return Err(Decline::PriceChanged);
    }
    let grants = draft.grants_of(&command.user_id);
    let balance = draft.available(&command.user_id);
    let plan = plan(price, command.quantity, grants, balance, draft.now());
    if plan.missing > Amount::ZERO {
        return Err(Decline::InsufficientFunds {
            required: plan.required,
            available: plan.available,
            missing: plan.missing,
        });
    }
    Ok(plan)
}

/// Asked before anything is written, and only of a charge that would be held: another refusal comes first, and is kept.
/// A user who is new can't be refused here: they have no holds and no money.
fn within_limits(draft: &Draft, command: &Charge, price: &Price) -> Result<(), Rejection> {
    let limits = draft.policy().limits;
    if limits == UserLimits::default() {
        return Ok(());
    }
    match fund(draft, command, price) {
        Ok(plan) => limits.admit(draft.usage(&command.user_id), plan.required, draft.now()),
        Err(_) => Ok(()),
    }
}

fn hold(draft: &mut Draft, command: &Charge, price: &Price, slices: Vec<Slice>) -> Outcome {
    for slice in &slices {
        draft.transfer(
            &command.user_id,
            slice.source.account(),
            Account::Held,
            slice.source.unit(),
            slice.amount,
            Reference::Operation(command.operation_id),
        );
    }
    let mut operation = operation(draft, command, price);
    operation.funding = slices;
    draft.add_operation(operation.clone());
    Outcome::Operation { operation, user: draft.view(&command.user_id), replayed: false }
}

/// The operation before anything was taken for it.
fn operation(draft: &Draft, command: &Charge, price: &Price) -> Operation {
    let hold = command.hold.unwrap_or(draft.policy().hold);
    Operation {
        operation_id: command.operation_id,
        user_id: command.user_id.clone(),
        request_id: command.request_id.clone(),
        caller: command.caller.clone(),
        kind: command.kind.clone(),
        quantity: command.quantity,
        state: OperationState::Charged,
        unit_price: price.amount,
        price_version: draft.prices().version,
        max_price: command.max_price,
        hold: command.hold,
        labels: command.labels.clone(),
        funding: Vec::new(),
        refunded: Amount::ZERO,
        refund_reason: None,
        refund_comment: String::new(),
        decline: None,
        create_time: draft.now(),
        expire_time: draft.now().plus(hold),
        settle_time: None,
    }
}

/// The same refusal, the first time and ever after.
fn refusal(operation: &Operation, decline: &Decline) -> Rejection {
    let operation_id = operation.operation_id;
    match decline {
        Decline::InsufficientFunds { required, available, missing } => {
            Rejection::InsufficientFunds {
                required: *required,
                available: *available,
                missing: *missing,
                operation_id: Some(operation_id),
            }
        }
        Decline::PriceChanged => Rejection::PriceChanged { price: operation.price(), operation_id },
        Decline::UserBlocked => Rejection::UserBlocked { operation_id },
        Decline::InDebt => Rejection::InDebt { operation_id },
    }
}

/// The first field in which a repeated request differs from the first, by its name in the proto.
fn differing_field(first: &Operation, again: &Charge) -> Option<&'static str> {
    if first.user_id != again.user_id {
        Some("user_id")
    } else if first.kind != again.kind {
        Some("kind")
    } else if first.quantity != again.quantity {
        Some("quantity")
    } else if first.max_price != again.max_price {
        Some("max_price")
    } else if first.hold != again.hold {
        Some("hold")
    } else if first.labels != again.labels {
        Some("labels")
    } else {
        None
    }
}
