//! The door of the ledger: what a batch needs to see, and what it decides.

use super::draft::Draft;
use super::{
    Changes, Command, Needs, Outcome, Policy, Rejection, State, Timestamp, adjust, charge, settle,
};

/// What a batch decided: an outcome for each command, in order, and what to write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// One for each command.
    pub outcomes: Vec<Result<Outcome, Rejection>>,
    /// All of it or nothing.
    pub changes: Changes,
}

/// What the store has to load before [`decide`] can run.
pub fn needs<'a>(batch: impl IntoIterator<Item = &'a Command>) -> Needs {
    let mut needs = Needs::default();
    for command in batch {
        needs.users.extend(command.user_id().cloned());
        match command {
            Command::Charge(charge) => {
                needs.charges.insert(charge.request_id.clone());
            }
            Command::Complete { operation_id, .. }
            | Command::Refund { operation_id, .. }
            | Command::ExtendHold { operation_id, .. }
            | Command::Expire { operation_id, .. } => {
                needs.operations.insert(*operation_id);
            }
            Command::ExpireGrant { user_id, grant_id } => {
                needs.grants.insert((user_id.clone(), *grant_id));
            }
            Command::AdjustBalance { request_id, .. } => {
                needs.admin_requests.insert(request_id.clone());
            }
            Command::GrantCredits(grant) => {
                needs.admin_requests.insert(grant.request_id.clone());
            }
            _ => {}
        }
    }
    needs
}

/// Decides a batch, each command seeing what those before it did. `now` is the time of the whole batch.
pub fn decide<'a>(
    policy: &Policy,
    state: State,
    batch: impl IntoIterator<Item = &'a Command>,
    now: Timestamp,
) -> Decision {
    let mut draft = Draft::new(policy, state, now);
    let outcomes = batch.into_iter().map(|command| obey(&mut draft, command)).collect();
    Decision { outcomes, changes: draft.into_changes() }
}

fn obey(draft: &mut Draft, command: &Command) -> Result<Outcome, Rejection> {
    match command {
        Command::Charge(command) => charge::charge(draft, command),
        Command::Complete { operation_id, .. } => settle::complete(draft, *operation_id),
        Command::Refund { operation_id, reason, comment, amount, right, .. } => {
            settle::refund(draft, *operation_id, *reason, comment, *amount, right)
        }
        Command::ExtendHold { operation_id, hold, .. } => {
            settle::extend_hold(draft, *operation_id, *hold)
        }
        Command::Expire { operation_id, .. } => settle::expire(draft, *operation_id),
        Command::ExpireGrant { user_id, grant_id } => {
            settle::expire_grant(draft, user_id, *grant_id)
        }
        Command::AdjustBalance { user_id, request_id, amount, reason, caller } => {
            adjust::adjust_balance(draft, user_id, request_id, *amount, reason, caller)
        }
        Command::GrantCredits(command) => adjust::grant_credits(draft, command),
        _ => Err(Rejection::Corrupt { what: "not decided yet".to_owned() }),
    }
}
