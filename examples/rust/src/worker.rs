//! The worker: it makes pictures, sends them, and settles the operations that paid for them.

use std::env;

use anyhow::Context;
use proto::billing::v1::{
    CompleteRequest, GetOperationRequest, OperationState, RefundReason, RefundRequest,
};
use proto::client::{BillingClient, ClientConfig};
use teloxide::prelude::*;
use teloxide::types::InputFile;

use crate::jobs::{Job, Jobs};
use crate::variable;

/// Makes pictures.
pub struct Worker {
    /// Charges are settled here, with the role `worker`.
    pub billing: BillingClient,
    /// Sends the pictures.
    pub bot: Bot,
    /// Asked for pictures, at `pictures_url`.
    pub http: reqwest::Client,
    /// Whatever makes the pictures.
    pub pictures_url: String,
}

impl Worker {
    // [4 5]
    /// Makes, sends and settles.
    pub async fn make_picture(&self, job: &Job) -> anyhow::Result<()> {
        let operation_id = job.operation_id.clone();
        let request = GetOperationRequest { operation_id: operation_id.clone() };
        let operation = self.billing.get_operation(request).await?.operation.unwrap_or_default();
        if operation.state() != OperationState::Charged {
            // An earlier run settled it, or its hold ended: nobody pays for this run.
            return Ok(());
        }
        if let Err(error) = self.send_picture(job).await {
            // To the very source it came from; asked twice, it is given back once.
            let refund = RefundRequest {
                operation_id,
                reason: RefundReason::JobFailed.into(),
                comment: error.to_string().chars().take(500).collect(),
                amount: None,
            };
            self.billing.refund(refund).await.context(error.to_string())?;
            return Err(error);
        }
        self.billing.complete(CompleteRequest { operation_id }).await?;
        Ok(())
    }
    // [end]

    async fn send_picture(&self, job: &Job) -> anyhow::Result<()> {
        let prompt = serde_json::json!({ "prompt": job.prompt });
        let answer = self.http.post(&self.pictures_url).json(&prompt).send().await?;
        let picture = answer.error_for_status()?.bytes().await?.to_vec();
        let picture = InputFile::memory(picture).file_name("picture.png");
        self.bot.send_photo(ChatId(job.chat_id), picture).await?;
        Ok(())
    }

    /// Does the oldest job; `None`: there was none for a while.
    pub async fn work(
        &self,
        jobs: &Jobs,
        name: &str,
    ) -> anyhow::Result<Option<anyhow::Result<()>>> {
        let Some(taken) = jobs.take(name).await? else { return Ok(None) };
        let done = self.make_picture(&taken.job).await;
        jobs.done(name, &taken).await?;
        Ok(Some(done))
    }
}

/// Works until it is killed. `WORKER_NAME` (default `1`) tells several workers apart.
pub async fn run() -> anyhow::Result<()> {
    let name = env::var("WORKER_NAME").unwrap_or_else(|_| "1".to_owned());
    let token = variable("BILLING_TOKEN")?.into();
    let mut bot = Bot::new(variable("TELEGRAM_BOT_TOKEN")?);
    if let Ok(url) = env::var("TELEGRAM_API_URL") {
        bot = bot.set_api_url(url.parse()?);
    }
    let worker = Worker {
        billing: BillingClient::new(&ClientConfig::new(variable("BILLING_URL")?, Some(token)))?,
        bot,
        http: reqwest::Client::builder().timeout(std::time::Duration::from_secs(120)).build()?,
        pictures_url: variable("PICTURES_URL")?,
    };
    let jobs = Jobs::connect(&variable("REDIS_URL")?).await?;
    jobs.recover(&name).await?;
    loop {
        if let Some(Err(error)) = worker.work(&jobs, &name).await? {
            tracing::error!(%error, "a job failed");
        }
    }
}
