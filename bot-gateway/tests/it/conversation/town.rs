//! A gateway between a stand-in of Telegram, a billing service and a worker, all in this process.

use std::{sync::Arc, time::Duration};

use bot_gateway::{
    Services, Settings,
    bot::{self, BotError},
    config::Config,
    inbox::{self, Inbox, Origin},
    payments::checkout,
    server,
    store::Store,
    telegram::{self, Api, Files},
};
use clap::Parser;
use migrations::{GatewayMigrator, MigrateMode};
use proto::{
    client::{
        BillingClient, ClientConfig, DeliveryClient, ImagesClient, PaymentClient, PromotionClient,
    },
    gateway::v1::{DeliverResultRequest, Result as Pictures, deliver_result_request::Outcome},
    images::v1::SubmitJobRequest,
};
use sandbox::telegram::{BOT_ID, Seen, TelegramStandIn, TelegramUser};
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use service_kit::{
    db::{self, Db},
    queue::Queue,
};
use tempfile::TempDir;
use tokio::{net::TcpListener, task::JoinHandle};
use tokio_util::sync::CancellationToken;

use super::{billing::Billing, worker::Worker};
use crate::harness::until;

/// Everybody the gateway talks to.
pub struct Town {
    pub telegram: TelegramStandIn,
    pub billing: Billing,
    pub worker: Worker,
    billing_url: String,
    worker_url: String,
    folder: TempDir,
}

/// A running gateway; stopped when dropped.
pub struct Running {
    grpc_url: String,
    shutdown: CancellationToken,
    _task: JoinHandle<anyhow::Result<()>>,
}

/// The conversation without an inbox: updates are handed to it by the test, and it can be killed anywhere.
pub struct Conversation {
    services: Services,
    _db: Db,
}

impl Town {
    pub async fn new() -> Arc<Town> {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (billing, worker) = (Billing::new(), Worker::default());
        let (billing_url, worker_url) = (billing.serve().await, worker.serve().await);
        let folder = tempfile::tempdir().unwrap();
        let telegram = TelegramStandIn::start(listener);
        Arc::new(Town { telegram, billing, worker, billing_url, worker_url, folder })
    }

    /// Starts a gateway, which is ready to take updates when this answers.
    pub async fn gateway(&self) -> Running {
        self.gateway_with(&[]).await
    }

    /// Starts a gateway with further arguments.
    pub async fn gateway_with(&self, further: &[&str]) -> Running {
        let grpc = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let http = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let grpc_url = format!("http://{}", grpc.local_addr().unwrap());
        let (token, telegram_url) = (self.telegram.token(), self.telegram.url());
        let database_url = self.database_url();
        let arguments = [
            "bot-gateway",
            "--telegram-bot-token",
            token.expose_secret(),
            "--telegram-api-url",
            &telegram_url,
            "--worker-url",
            &self.worker_url,
            "--billing-url",
            &self.billing_url,
            "--database-url",
            &database_url,
        ];
        let config = Config::try_parse_from(arguments.iter().chain(further)).unwrap();
        let shutdown = CancellationToken::new();
        let metrics = service_kit::telemetry::metrics().unwrap();
        let listeners = server::Listeners { grpc, http };
        let run = server::run(config.check().unwrap(), listeners, metrics, shutdown.clone());
        Running { grpc_url, shutdown, _task: tokio::spawn(run) }
    }

    /// The conversation alone.
    pub async fn conversation(&self) -> Conversation {
        let db = db::open(&self.database_url(), 4).await.unwrap();
        migrations::prepare::<GatewayMigrator>(&db.connection, MigrateMode::Auto).await.unwrap();
        let url = self.telegram.url().parse().unwrap();
        let token = self.telegram.token();
        let bot_id = u64::try_from(BOT_ID).unwrap();
        let queue = |table| Queue::new(db.connection.clone(), table, "test".to_owned());
        let services = Services {
            bot: telegram::bot(&url, &token, Duration::from_secs(17)).unwrap(),
            bot_id,
            billing: BillingClient::new(&ClientConfig::new(&self.billing_url, None)).unwrap(),
            payments: PaymentClient::new(&ClientConfig::new(&self.billing_url, None)).unwrap(),
            promotions: PromotionClient::new(&ClientConfig::new(&self.billing_url, None)).unwrap(),
            images: ImagesClient::new(&ClientConfig::new(&self.worker_url, None)).unwrap(),
            store: Store::new(db.connection.clone()),
            files: Files::new(Api::new(url, token).unwrap()),
            inbox: Inbox::new(queue(inbox::TABLE), queue(checkout::TABLE), bot_id),
            settings: Settings::default(),
        };
        Conversation { services, _db: db }
    }

    /// Waits for the worker to have `count` jobs; answers the last.
    pub async fn job(&self, count: usize) -> SubmitJobRequest {
        until(|| self.worker.jobs().len() >= count).await;
        let jobs = self.worker.jobs();
        assert_eq!(jobs.len(), count);
        jobs.last().cloned().unwrap()
    }

    fn database_url(&self) -> String {
        format!("sqlite://{}?mode=rwc", self.folder.path().join("gateway.db").display())
    }
}

impl Running {
    /// The worker's picture for a job reaches its user.
    pub async fn deliver(&self, job: &SubmitJobRequest) {
        let mut config = ClientConfig::new(&self.grpc_url, None);
        config.deadline = Duration::from_secs(120);
        let result = Pictures { count: 1, mime_types: vec!["image/png".to_owned()] };
        let request = DeliverResultRequest {
            operation_id: job.operation_id.clone(),
            reply_to: job.reply_to.clone(),
            outcome: Some(Outcome::Result(result)),
        };
        DeliveryClient::new(&config).unwrap().deliver_result(request).await.unwrap();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.shutdown.cancel();
    }
}

impl Conversation {
    /// Handles a text of a user, as update `update_id` in its `attempt`.
    pub async fn text(
        &self,
        user: i64,
        words: &str,
        update_id: i64,
        attempt: u32,
    ) -> Result<(), BotError> {
        let person = json!({"id": user, "is_bot": false, "first_name": "A", "language_code": "ru"});
        let update = json!({"update_id": update_id, "message": {
            "message_id": update_id, "date": 1_700_000_000, "from": person, "text": words,
            "chat": {"id": user, "type": "private", "first_name": "A"}}});
        self.handle(update, update_id, attempt).await
    }

    /// Handles a press of a user on a button of message 1.
    pub async fn press(
        &self,
        user: i64,
        data: &str,
        update_id: i64,
        attempt: u32,
    ) -> Result<(), BotError> {
        let person = json!({"id": user, "is_bot": false, "first_name": "A", "language_code": "ru"});
        let update = json!({"update_id": update_id, "callback_query": {
            "id": update_id.to_string(), "from": person, "chat_instance": "1", "data": data,
            "message": {"message_id": 1, "date": 1_700_000_000, "text": "menu",
                "chat": {"id": user, "type": "private", "first_name": "A"}}}});
        self.handle(update, update_id, attempt).await
    }

    /// The inbox gave the update up.
    pub async fn give_up(&self, user: i64, update_id: i64) -> Result<(), BotError> {
        bot::give_up(user, Some(&self.origin(update_id, 10)), &self.services).await
    }

    async fn handle(&self, update: Value, update_id: i64, attempt: u32) -> Result<(), BotError> {
        let update = serde_json::from_str(&update.to_string()).unwrap();
        bot::handle(update, self.origin(update_id, attempt), &self.services).await
    }

    fn origin(&self, update_id: i64, attempt: u32) -> Origin {
        Origin { update_id, bot_id: self.services.bot_id, attempt }
    }
}

/// What the bot wrote, oldest first.
pub fn answers(user: &TelegramUser) -> Vec<Seen> {
    user.messages().into_iter().filter(|seen| seen.from_bot).collect()
}

/// Waits until the newest message of the bot says this.
pub async fn last_says(user: &TelegramUser, part: &str) -> Seen {
    until(|| answers(user).last().is_some_and(|seen| seen.text.contains(part))).await;
    answers(user).pop().unwrap()
}

/// Sends words and waits until a new message answers them with this.
pub async fn asks(user: &TelegramUser, words: &str, part: &str) -> Seen {
    let before = answers(user).len();
    user.send_text(words);
    until(|| answers(user).len() > before).await;
    last_says(user, part).await
}

/// Waits until the bot says this over the chat, in its latest words there.
pub async fn toast_says(town: &Town, part: &str) {
    until(|| {
        let calls = town.telegram.calls_of("answerCallbackQuery");
        let words = calls.iter().rev().find_map(|call| call.params["text"].as_str());
        words.is_some_and(|words| words.contains(part))
    })
    .await;
}
