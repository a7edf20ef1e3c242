//! Jobs whose user blocked the bot, and users who came back.
//!
//! `waiting` names such jobs, by user. `returned` notes when a user last came back, because a return and an attempt to
//! deliver may pass each other: the attempt meets the block, the user is back, nothing waits yet that could be woken, and only
//! then the job is put off for hours. So a return is noted *before* what waits is woken, and a job is put off only where,
//! *after* it could be woken, no other note is found than before its attempt: one of the two always sees the other.
//!
//! Notes are compared for being the same, not for being later than something: no two clocks need to agree, and one
//! return never leads to attempts without end.

use sea_orm::{ConnectionTrait, Value};
use service_kit::queue::Leased;

use super::store::detached;
use super::{Job, Jobs, StoreError};
use crate::clock::Time;

impl Jobs {
    /// Notes that this job waits for its user to come back.
    pub async fn note_waiting(&self, job: &Job) -> Result<(), StoreError> {
        let sql = "INSERT INTO waiting (operation_id, user_id) VALUES ($1, $2) \
                   ON CONFLICT (operation_id) DO NOTHING";
        self.write(sql, [job.operation_id.clone().into(), job.spec.user_id.clone().into()]).await?;
        Ok(())
    }

    /// The opposite.
    pub async fn forget_waiting(&self, operation_id: &str) -> Result<(), StoreError> {
        self.write("DELETE FROM waiting WHERE operation_id = $1", [operation_id.into()]).await?;
        Ok(())
    }

    /// The user is back: lets everything that waits for them be tried now, and what meets the old block at this very
    /// moment be tried once more. Answers how many waited.
    pub async fn wake_waiting(&self, user_id: &str) -> Result<u32, StoreError> {
        let (jobs, user_id) = (self.clone(), user_id.to_owned());
        detached(async move {
            jobs.note_return(&user_id).await?;
            jobs.wake_all(&user_id).await
        })
        .await?
    }

    /// The note of the user's last return, while it is kept: another one than before means that they came back since.
    pub async fn last_return(&self, user_id: &str) -> Result<Option<Time>, StoreError> {
        let sql = "SELECT return_time FROM returned WHERE user_id = $1";
        let row = self.connection.query_one_raw(self.statement(sql, [user_id.into()])).await?;
        let note: Option<i64> = row.map(|row| row.try_get("", "return_time")).transpose()?;
        Ok(note.map(Time))
    }

    /// Makes a job due that was given back. Answers whether it was not claimed since.
    pub async fn wake(&self, operation_id: &str) -> Result<bool, StoreError> {
        let (queue, id) = (self.queue.clone(), operation_id.to_owned());
        Ok(detached(async move { queue.wake(&id).await }).await??)
    }

    /// Puts a job off until `later` that was given back until `soon`, unless it was woken or claimed since.
    pub async fn put_off(
        &self,
        leased: &Leased,
        soon: Time,
        later: Time,
    ) -> Result<(), StoreError> {
        let sql = "UPDATE jobs SET run_at = $1 \
                   WHERE id = $2 AND fence = $3 AND state = 'ready' AND run_at = $4";
        let values = [later.0.into(), leased.id.clone().into(), leased.fence.into(), soon.0.into()];
        self.write(sql, values).await?;
        Ok(())
    }

    /// Deletes the notes of returns before `before`; answers how many.
    pub async fn forget_returns(&self, before: Time) -> Result<u64, StoreError> {
        self.write("DELETE FROM returned WHERE return_time < $1", [before.0.into()]).await
    }

    /// Never the same note twice for a user, whatever the clocks of several workers say.
    async fn note_return(&self, user_id: &str) -> Result<(), StoreError> {
        let sql = "INSERT INTO returned (user_id, return_time) VALUES ($1, $2) \
                   ON CONFLICT (user_id) DO UPDATE SET return_time = \
                   CASE WHEN excluded.return_time > returned.return_time \
                   THEN excluded.return_time ELSE returned.return_time + 1 END";
        self.write(sql, [user_id.into(), Time::now().0.into()]).await?;
        Ok(())
    }

    async fn wake_all(&self, user_id: &str) -> Result<u32, StoreError> {
        let sql = "SELECT operation_id FROM waiting WHERE user_id = $1 ORDER BY operation_id";
        let mut woken = 0;
        for row in self.connection.query_all_raw(self.statement(sql, [user_id.into()])).await? {
            let id: String = row.try_get("", "operation_id")?;
            woken += u32::from(self.wake(&id).await?);
        }
        Ok(woken)
    }

    /// Answers how many rows it wrote.
    async fn write<const N: usize>(
        &self,
        sql: &str,
        values: [Value; N],
    ) -> Result<u64, StoreError> {
        let (statement, connection) = (self.statement(sql, values), self.connection.clone());
        let done = detached(async move { connection.execute_raw(statement).await }).await??;
        Ok(done.rows_affected())
    }
}
