//! Rows as they are read.

use std::time::SystemTime;

use sea_orm::{DbErr, QueryResult};
use serde_json::Value as Json;

use super::QueueError;
use crate::time::from_micros;

/// What is read of each row.
pub(super) const COLUMNS: &str = "seq, id, key, state, owner, lease_until, fence, attempt, run_at, payload, create_time, update_time, trace_context";

/// A row that this process may work on until `lease_until`.
#[derive(Debug, Clone, PartialEq)]
pub struct Leased {
    /// Of the row, unique in its table.
    pub id: String,
    /// Rows of one key are handled in order, one at a time.
    pub key: Option<String>,
    /// As it was saved last.
    pub payload: Json,
    /// Which attempt this is, from 1.
    pub attempt: u32,
    /// The fencing token of this claim: rises with each.
    pub fence: i64,
    /// When another owner may claim it, as of the claim; `Queue::extend` moves it.
    pub lease_until: SystemTime,
    /// When it was put in.
    pub create_time: SystemTime,
    /// The place in a trace where it was put in; see [`crate::telemetry::adopt`].
    pub trace_context: Option<String>,
}

/// Where a row stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RowState {
    /// To be claimed, from its `run_at` on.
    Ready,
    /// An owner works on it, or did when it died.
    Leased,
    /// Ended well.
    Done,
    /// Given up on.
    Dead,
}

impl RowState {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            RowState::Ready => "ready",
            RowState::Leased => "leased",
            RowState::Done => "done",
            RowState::Dead => "dead",
        }
    }

    fn parse(text: &str) -> Result<Self, DbErr> {
        [RowState::Ready, RowState::Leased, RowState::Done, RowState::Dead]
            .into_iter()
            .find(|state| state.as_str() == text)
            .ok_or_else(|| DbErr::Type(format!("no state of a queue's row: {text:?}")))
    }
}

/// A row, to look at.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// Unique in its table.
    pub id: String,
    /// Rows of one key are handled in order, one at a time.
    pub key: Option<String>,
    /// Where it stands.
    pub state: RowState,
    /// Who leased it.
    pub owner: Option<String>,
    /// Until when.
    pub lease_until: Option<SystemTime>,
    /// How often it was claimed, resets left out.
    pub attempt: u32,
    /// How often it was claimed.
    pub fence: i64,
    /// When it may be claimed, while it is ready.
    pub run_at: SystemTime,
    /// As it was saved last.
    pub payload: Json,
    /// When it was put in.
    pub create_time: SystemTime,
    /// When it was last written.
    pub update_time: SystemTime,
    /// The place in a trace where it was put in.
    pub trace_context: Option<String>,
}

impl Row {
    pub(super) fn read(row: &QueryResult) -> Result<Self, QueueError> {
        let id: String = row.try_get("", "id")?;
        let payload: String = row.try_get("", "payload")?;
        let time = |column: &str| row.try_get("", column).map(from_micros);
        let state: String = row.try_get("", "state")?;
        let lease_until: Option<i64> = row.try_get("", "lease_until")?;
        Ok(Self {
            payload: serde_json::from_str(&payload)
                .map_err(|_| QueueError::Payload { id: id.clone() })?,
            id,
            key: row.try_get("", "key")?,
            state: RowState::parse(&state)?,
            owner: row.try_get("", "owner")?,
            lease_until: lease_until.map(from_micros),
            attempt: u32::try_from(row.try_get::<i32>("", "attempt")?).unwrap_or(0),
            fence: row.try_get("", "fence")?,
            run_at: time("run_at")?,
            create_time: time("create_time")?,
            update_time: time("update_time")?,
            trace_context: row.try_get("", "trace_context")?,
        })
    }
}

/// A row that was just leased, and its place among those of the same claim.
pub(super) fn read_leased(row: &QueryResult) -> Result<((SystemTime, i64), Leased), QueueError> {
    let seq: i64 = row.try_get("", "seq")?;
    let read = Row::read(row)?;
    let place = (read.run_at, seq);
    let leased = Leased {
        lease_until: read.lease_until.unwrap_or(read.update_time),
        id: read.id,
        key: read.key,
        payload: read.payload,
        attempt: read.attempt,
        fence: read.fence,
        create_time: read.create_time,
        trace_context: read.trace_context,
    };
    Ok((place, leased))
}

/// How many rows are in each state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// To be claimed, now or later.
    pub ready: u64,
    /// Being worked on.
    pub leased: u64,
    /// Ended well and not pruned yet.
    pub done: u64,
    /// Given up on.
    pub dead: u64,
}

impl Counts {
    pub(super) fn read(rows: &[QueryResult]) -> Result<Self, QueueError> {
        let mut counts = Self::default();
        for row in rows {
            let state: String = row.try_get("", "state")?;
            let number: i64 = row.try_get("", "number")?;
            let number = u64::try_from(number).unwrap_or(0);
            match RowState::parse(&state)? {
                RowState::Ready => counts.ready = number,
                RowState::Leased => counts.leased = number,
                RowState::Done => counts.done = number,
                RowState::Dead => counts.dead = number,
            }
        }
        Ok(counts)
    }
}
