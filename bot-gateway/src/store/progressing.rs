//! The upkeep of «Генерирую…» messages: which are due, and who does it.

use std::time::{Duration, SystemTime};

use service_kit::time::{from_micros, to_micros};

use super::{Request, Store, StoreError, requests::COLUMNS};

/// Jobs older than this are not kept alive any more: their hold has long ended.
const OLDEST: Duration = Duration::from_secs(24 * 3600);

/// A request whose message is due.
#[derive(Clone, Debug)]
pub struct DueProgress {
    /// The request.
    pub request: Request,
    /// How many edits were made.
    pub step: i32,
}

impl Store {
    /// Running jobs whose message is due, most overdue first.
    pub async fn due_progress(
        &self,
        now: SystemTime,
        limit: u32,
    ) -> Result<Vec<DueProgress>, StoreError> {
        let sql = format!(
            "SELECT {COLUMNS}, progress_step FROM requests
             WHERE state = 'handed_over' AND progress_at <= $1 AND create_time > $2 ORDER BY progress_at LIMIT $3"
        );
        let values =
            [to_micros(now).into(), to_micros(now - OLDEST).into(), i64::from(limit).into()];
        let rows = self.rows(&sql, values).await?;
        rows.iter()
            .map(|row| {
                Ok(DueProgress {
                    request: Request::from_row(row)?,
                    step: row.try_get("", "progress_step")?,
                })
            })
            .collect()
    }

    /// Takes the upkeep that is due: it is due again at `next`, after `step` edits; an edit is under way until
    /// `busy_until`. `false`: another gateway took it, or the end is on its way.
    pub async fn claim_progress(
        &self,
        due: &DueProgress,
        now: SystemTime,
        next: SystemTime,
        step: i32,
        busy_until: SystemTime,
    ) -> Result<bool, StoreError> {
        let changed = self
            .write(
                "UPDATE requests SET progress_at = $3, progress_step = $4, progress_busy_until = $5
                 WHERE request_id = $1 AND state = 'handed_over' AND progress_at <= $2",
                [
                    due.request.request_id.as_str().into(),
                    to_micros(now).into(),
                    to_micros(next).into(),
                    step.into(),
                    to_micros(busy_until).into(),
                ],
            )
            .await?;
        Ok(changed == 1)
    }

    /// The edit is over: a delivery need not wait for it.
    pub async fn end_progress(&self, request_id: &str) -> Result<(), StoreError> {
        self.write(
            "UPDATE requests SET progress_busy_until = NULL WHERE request_id = $1",
            [request_id.into()],
        )
        .await?;
        Ok(())
    }

    /// Until when an edit of this request's message may be under way.
    pub async fn progress_busy_until(
        &self,
        request_id: &str,
    ) -> Result<Option<SystemTime>, StoreError> {
        let row = self
            .row(
                "SELECT progress_busy_until FROM requests WHERE request_id = $1",
                [request_id.into()],
            )
            .await?;
        let Some(row) = row else { return Ok(None) };
        let until: Option<i64> = row.try_get("", "progress_busy_until")?;
        Ok(until.map(from_micros))
    }
}
