//! A gateway with its neighbours, on a SQLite file in a folder of its own.

use std::{path::PathBuf, process::Stdio, time::Duration};

use bot_gateway::{config::Config, server, store::Store};
use bytes::Bytes;
use clap::Parser;
use migrations::{GatewayMigrator, MigrateMode};
use proto::{
    client::{CallError, ClientConfig, DeliveryClient},
    gateway::v1::{
        DeliverResultRequest, DeliveryStatus, Failure, FailureReason, ReplyTo, Result as Pictures,
        deliver_result_request::Outcome,
    },
};
use sandbox::telegram::{TelegramStandIn, TelegramUser};
use sea_orm::{ConnectionTrait, Statement};
use secrecy::ExposeSecret;
use service_kit::db;
use teloxide::{prelude::Requester, types::ChatId};
use tempfile::TempDir;
use test_postgres::TestDatabase;
use tokio::{
    net::TcpListener,
    process::{Child, Command},
    task::JoinHandle,
};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::{bank::Bank, images::Images};

pub const WEBHOOK_SECRET: &str = "the-webhook_secret";

/// Patience with what happens elsewhere.
const PATIENCE: Duration = Duration::from_secs(90);

/// A PNG of 8 by 8 red pixels.
pub const PNG: [u8; 74] = [
    0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0x00, 0x00, 0x00, 0x0d, 0x49, 0x48, 0x44, 0x52,
    0x00, 0x00, 0x00, 0x08, 0x00, 0x00, 0x00, 0x08, 0x08, 0x02, 0x00, 0x00, 0x00, 0x4b, 0x6d, 0x29,
    0xdc, 0x00, 0x00, 0x00, 0x11, 0x49, 0x44, 0x41, 0x54, 0x78, 0x9c, 0x63, 0x38, 0x21, 0x27, 0x87,
    0x15, 0x31, 0x0c, 0x2d, 0x09, 0x00, 0x90, 0xbf, 0x41, 0x01, 0xcf, 0x70, 0xa1, 0x3c, 0x00, 0x00,
    0x00, 0x00, 0x49, 0x45, 0x4e, 0x44, 0xae, 0x42, 0x60, 0x82,
];

/// What a gateway lives among.
pub struct World {
    pub telegram: TelegramStandIn,
    pub images: Images,
    pub bank: Bank,
    images_url: String,
    bank_url: String,
    folder: TempDir,
    /// In place of the SQLite file.
    postgres: Option<TestDatabase>,
}

impl World {
    pub async fn new() -> World {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let images = Images::default();
        let bank = Bank::new();
        let (images_url, bank_url) = (images.serve().await, bank.serve().await);
        let folder = tempfile::tempdir().unwrap();
        let telegram = TelegramStandIn::start(listener);
        World { telegram, images, bank, images_url, bank_url, folder, postgres: None }
    }

    /// Gateways share a database on PostgreSQL.
    pub async fn on_postgres() -> World {
        let postgres = Some(TestDatabase::new().await);
        World { postgres, ..World::new().await }
    }

    /// Starts a gateway with further arguments; it is ready when this answers.
    pub async fn gateway(&self, args: &[String]) -> Gateway {
        let gateway = self.launch(args).await;
        gateway.is_ready().await;
        gateway
    }

    /// A gateway that takes updates by webhook.
    pub async fn webhook_gateway(&self) -> Gateway {
        // The stand-in is told the URL when the gateway starts, so the port is chosen here.
        let http = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", http.local_addr().unwrap());
        let args = ["--telegram-webhook-url", &url, "--telegram-webhook-secret", WEBHOOK_SECRET];
        let gateway = self.launch_on(http, &args.map(str::to_owned)).await;
        gateway.is_ready().await;
        gateway
    }

    /// Starts a gateway without waiting for it.
    pub async fn launch(&self, args: &[String]) -> Gateway {
        self.launch_on(TcpListener::bind("127.0.0.1:0").await.unwrap(), args).await
    }

    async fn launch_on(&self, http: TcpListener, args: &[String]) -> Gateway {
        let grpc = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (grpc_url, http_url) = (
            format!("http://{}", grpc.local_addr().unwrap()),
            format!("http://{}", http.local_addr().unwrap()),
        );
        let args = self.arguments().into_iter().chain(args.iter().cloned());
        let checked =
            Config::try_parse_from(["bot-gateway".to_owned()].into_iter().chain(args)).unwrap();
        let shutdown = CancellationToken::new();
        let metrics = service_kit::telemetry::metrics().unwrap();
        let listeners = server::Listeners { grpc, http };
        let run = server::run(checked.check().unwrap(), listeners, metrics, shutdown.clone());
        Gateway { grpc_url, http_url, shutdown, task: tokio::spawn(run) }
    }

    /// The real program, to be killed.
    pub fn process(&self) -> Child {
        Command::new(env!("CARGO_BIN_EXE_bot-gateway"))
            .args(self.arguments())
            .args(["--listen", "127.0.0.1:0", "--http-listen", "127.0.0.1:0"])
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .unwrap()
    }

    /// What a gateway of this world is told.
    pub fn arguments(&self) -> Vec<String> {
        let token = self.telegram.token().expose_secret().to_owned();
        [
            ["--telegram-bot-token", &token],
            ["--telegram-api-url", &self.telegram.url()],
            ["--worker-url", &self.images_url],
            ["--billing-url", &self.bank_url],
            ["--database-url", &self.database_url()],
            ["--migrate", "auto"],
        ]
        .concat()
        .into_iter()
        .map(str::to_owned)
        .collect()
    }

    pub fn database_url(&self) -> String {
        match &self.postgres {
            Some(database) => database.url(),
            None => format!("sqlite://{}?mode=rwc", self.path("gateway.db").display()),
        }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The tables while no gateway runs.
    pub async fn store(&self) -> (Store, db::Db) {
        let db = db::open(&self.database_url(), 4).await.unwrap();
        migrations::prepare::<GatewayMigrator>(&db.connection, MigrateMode::Auto).await.unwrap();
        (Store::new(db.connection.clone()), db)
    }

    /// The ids in the inbox with their states, in the order of arrival.
    pub async fn inbox(&self) -> Vec<(String, String)> {
        self.rows("inbox").await
    }

    /// The same of any queue.
    pub async fn rows(&self, table: &str) -> Vec<(String, String)> {
        let db = db::open_read_only(&self.database_url()).await.unwrap();
        let sql = format!("SELECT id, state FROM {table} ORDER BY seq");
        let statement = Statement::from_string(db.connection.get_database_backend(), sql);
        let rows = db.connection.query_all_raw(statement).await.unwrap();
        rows.iter()
            .map(|row| (row.try_get("", "id").unwrap(), row.try_get("", "state").unwrap()))
            .collect()
    }

    /// Waits until so many rows of a queue are done, and none is anything else.
    pub async fn all_done(&self, table: &str, count: usize) {
        until_async(async || {
            let rows = self.rows(table).await;
            rows.len() == count && rows.iter().all(|(_, state)| state == "done")
        })
        .await;
    }

    /// Waits until the inbox is as it should be.
    pub async fn inbox_becomes(&self, fits: impl Fn(&[(String, String)]) -> bool) {
        until_async(async || fits(&self.inbox().await)).await;
    }

    /// A message of the bot in the user's chat, as «Генерирую…» would be; answers its id.
    pub async fn message_of_the_bot(&self, user: &TelegramUser) -> i64 {
        i64::from(self.bot().send_message(ChatId(user.id()), "Генерирую…").await.unwrap().id.0)
    }

    /// The bot, to send in its name.
    pub fn bot(&self) -> teloxide::Bot {
        let url = self.telegram.url().parse().unwrap();
        teloxide::Bot::new(self.telegram.token().expose_secret()).set_api_url(url)
    }

    /// A new operation with a result of `count` small pictures.
    pub fn operation(&self, count: usize) -> String {
        let operation_id = Uuid::now_v7().to_string();
        self.images.put(&operation_id, vec![Bytes::from_static(&PNG); count]);
        operation_id
    }
}

/// A running gateway.
pub struct Gateway {
    pub grpc_url: String,
    pub http_url: String,
    shutdown: CancellationToken,
    pub task: JoinHandle<anyhow::Result<()>>,
}

impl Gateway {
    async fn is_ready(&self) {
        let url = format!("{}/readyz", self.http_url);
        until_async(async || {
            reqwest::get(&url).await.is_ok_and(|answer| answer.status().is_success())
        })
        .await;
    }

    /// Asks it to stop and waits until it has.
    pub async fn stop(self) {
        self.shutdown.cancel();
        self.task.await.unwrap().unwrap();
    }

    pub fn client(&self) -> DeliveryClient {
        self.client_with_token(None)
    }

    pub fn client_with_token(&self, token: Option<&str>) -> DeliveryClient {
        let mut config = ClientConfig::new(&self.grpc_url, token.map(Into::into));
        config.deadline = Duration::from_secs(120);
        DeliveryClient::new(&config).unwrap()
    }

    /// Delivers `count` pictures to a user, into a message where there is one.
    pub async fn deliver(
        &self,
        operation_id: &str,
        user: &TelegramUser,
        message_id: i64,
        count: i32,
    ) -> Result<DeliveryStatus, CallError> {
        self.ask(result(operation_id, user, message_id, count)).await
    }

    /// Tells a user that a job failed.
    pub async fn fail(
        &self,
        operation_id: &str,
        user: &TelegramUser,
        message_id: i64,
    ) -> Result<DeliveryStatus, CallError> {
        let mut request = result(operation_id, user, message_id, 1);
        request.outcome =
            Some(Outcome::Failure(Failure { reason: FailureReason::JobFailed.into() }));
        self.ask(request).await
    }

    pub async fn ask(&self, request: DeliverResultRequest) -> Result<DeliveryStatus, CallError> {
        self.client().deliver_result(request).await.map(|answer| answer.status())
    }
}

/// A request that says: these pictures, to this user.
pub fn result(
    operation_id: &str,
    user: &TelegramUser,
    message_id: i64,
    count: i32,
) -> DeliverResultRequest {
    DeliverResultRequest {
        operation_id: operation_id.to_owned(),
        reply_to: Some(ReplyTo { chat_id: user.id(), message_id, locale: "ru".to_owned() }),
        outcome: Some(Outcome::Result(Pictures {
            count,
            mime_types: vec!["image/png".to_owned(); count as usize],
        })),
    }
}

/// Waits until it is so.
pub async fn until(is_so: impl Fn() -> bool) {
    until_async(async || is_so()).await;
}

/// Waits until it is so.
pub async fn until_async(is_so: impl AsyncFn() -> bool) {
    let watch = async {
        while !is_so().await {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(PATIENCE, watch).await.expect("it did not come about in time");
}

/// How many pictures the bot has put into the chat, as photos and as files.
pub fn pictures(user: &TelegramUser) -> usize {
    let messages = user.messages();
    messages
        .iter()
        .filter(|seen| seen.from_bot && (seen.photo.is_some() || seen.document.is_some()))
        .count()
}
