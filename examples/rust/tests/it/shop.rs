//! The bot of the examples with its queue and its worker, and a user who writes to it.

use std::sync::{Arc, Mutex};

use axum::{Json, Router, extract::State, http::StatusCode, routing::post};
use kopilka_example::{bot, jobs::Jobs, worker::Worker};
use proto::billing::v1::GetUserInfoRequest;
use proto::client::{BillingClient, Connection};
use sandbox::telegram::{TelegramStandIn, TelegramUser};
use secrecy::ExposeSecret;
use serde_json::Value;
use teloxide::Bot;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::live::Live;
use crate::redis_server::Redis;

/// The user: `tg:7` of billing.
const USER: i64 = 7;

pub struct Shop {
    pub billing: Live,
    pub telegram: TelegramStandIn,
    pub user: TelegramUser,
    pub jobs: Jobs,
    pub worker: Worker,
    pub painter: Painter,
    polling: JoinHandle<()>,
    _redis: Redis,
}

/// Whatever makes the pictures.
#[derive(Clone, Default)]
pub struct Painter {
    pub prompts: Arc<Mutex<Vec<String>>>,
    pub broken: Arc<Mutex<bool>>,
}

impl Painter {
    async fn start(&self) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        let routes = Router::new().route("/", post(paint)).with_state(self.clone());
        tokio::spawn(async move { axum::serve(listener, routes).await });
        url
    }

    pub fn prompts(&self) -> Vec<String> {
        self.prompts.lock().unwrap().clone()
    }
}

async fn paint(State(painter): State<Painter>, Json(asked): Json<Value>) -> (StatusCode, Vec<u8>) {
    painter.prompts.lock().unwrap().push(asked["prompt"].as_str().unwrap().to_owned());
    if *painter.broken.lock().unwrap() {
        return (StatusCode::INTERNAL_SERVER_ERROR, Vec::new());
    }
    (StatusCode::OK, include_bytes!("../../../../docs/screenshot.png").to_vec())
}

impl Shop {
    /// With one free operation, and so many rubles.
    pub async fn open(rubles: i64) -> Self {
        Self::open_with(rubles, &[]).await
    }

    /// The same, with variables of billing-svc's environment.
    pub async fn open_with(rubles: i64, settings: &[(&str, &str)]) -> Self {
        let settings = [&[("BILLING_FREE_OPERATIONS", "1")], settings].concat();
        let billing = Live::start(&settings);
        if rubles > 0 {
            billing.top_up("tg:7", rubles).await;
        }
        let redis = Redis::start();
        let jobs = Jobs::connect(&redis.url).await.unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let telegram = TelegramStandIn::start(listener);
        let user = telegram.user(USER);
        let bot = Bot::new(telegram.token().expose_secret());
        let bot = bot.set_api_url(telegram.url().parse().unwrap());
        let connection = Connection::new(&billing.config("gateway")).unwrap();
        let mut dispatcher = bot::wire(bot.clone(), &connection, jobs.clone());
        let polling = tokio::spawn(async move { dispatcher.dispatch().await });
        let painter = Painter::default();
        let worker = Worker {
            billing: BillingClient::new(&billing.config("worker")).unwrap(),
            bot,
            http: reqwest::Client::new(),
            pictures_url: painter.start().await,
        };
        Self { billing, telegram, user, jobs, worker, painter, polling, _redis: redis }
    }

    /// Does the oldest job.
    pub async fn work(&self) -> anyhow::Result<()> {
        self.worker.work(&self.jobs, "1").await.unwrap().unwrap()
    }

    /// Waits until the bot has dealt with all updates that were sent so far: it answers a later one.
    pub async fn settle(&self) {
        let greetings = || self.texts().iter().filter(|text| *text == "Что сделать?").count();
        let before = greetings();
        self.user.send_text("/start");
        self.user.sees(|_| greetings() > before).await.unwrap();
    }

    /// What the bot wrote.
    pub fn texts(&self) -> Vec<String> {
        let messages = self.user.messages().into_iter().filter(|message| message.from_bot);
        messages.map(|message| message.text).collect()
    }

    /// Whole rubles there and held, and the free operations that are left.
    pub async fn money(&self) -> (i64, i64, i64) {
        let billing = BillingClient::new(&self.billing.config("service")).unwrap();
        let request = GetUserInfoRequest { user_id: "tg:7".to_owned() };
        let user = billing.get_user_info(request).await.unwrap().user.unwrap();
        let units = |money: Option<proto::google::r#type::Money>| money.map_or(0, |it| it.units);
        (units(user.balance), units(user.held), user.free_operations_left)
    }
}

impl Drop for Shop {
    fn drop(&mut self) {
        self.polling.abort();
    }
}
