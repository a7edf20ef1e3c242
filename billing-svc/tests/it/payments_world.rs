//! Payments on a real store, with the stand-ins of those who take the money.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use billing_svc::ledger::*;
use billing_svc::payments::catalogue::Catalogue;
use billing_svc::payments::telegram_stars::TelegramStars;
use billing_svc::payments::yookassa::{self, ReceiptSettings, Yookassa};
use billing_svc::payments::{
    self, NewTopUp, Notification, Pace, PaymentError, PaymentProvider, Payments, Settings, TopUp,
};
use secrecy::SecretString;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::books::{self, Books, request};
use crate::harness::Database;
use crate::payments_bot_api::{BotApi, TOKEN};
use crate::payments_shop::{SECRET_KEY, SHOP_ID, Shop};

const HOUR: Duration = Duration::from_secs(60 * 60);

/// What a test's deployment has decided.
pub struct Deployment {
    pub settings: Settings,
    pub receipts: Option<ReceiptSettings>,
    pub notification_ips: Vec<&'static str>,
    /// Connections of the pool.
    pub pool: u32,
}

impl Default for Deployment {
    /// Nothing happens by itself but what was put into the inbox or was begun: no check is due for hours, no list is read.
    fn default() -> Self {
        let soon = Duration::from_millis(20);
        let pace = Pace { inbox: soon, due: soon, feed: HOUR, events: soon, retry: soon };
        let settings = Settings {
            checks: vec![HOUR],
            repeated_invoice: RepeatRule::Credit,
            max_waiting: 10_000,
            pace,
        };
        Self { settings, receipts: None, notification_ips: Vec::new(), pool: 12 }
    }
}

pub struct World {
    pub books: Books,
    pub shop: Shop,
    pub bot_api: BotApi,
    pub payments: Payments,
    deployment: Deployment,
    running: Vec<(CancellationToken, JoinHandle<()>)>,
}

impl World {
    pub async fn open(database: &Database) -> Self {
        Self::with(database, Deployment::default()).await
    }

    /// Nothing runs in the background yet.
    pub async fn with(database: &Database, deployment: Deployment) -> Self {
        let policy =
            Policy { repeated_invoice: deployment.settings.repeated_invoice, ..books::POLICY };
        let books = Books::of(database, policy, deployment.pool).await;
        let (shop, bot_api) = (Shop::open().await, BotApi::open().await);
        let payments = payments_of(&books, &shop, &bot_api, &deployment);
        Self { books, shop, bot_api, payments, deployment, running: Vec::new() }
    }

    /// One more instance of the service on the same database.
    pub fn another(&self) -> Payments {
        payments_of(&self.books, &self.shop, &self.bot_api, &self.deployment)
    }

    /// Runs the background tasks of an instance.
    pub fn run(&mut self, payments: &Payments) {
        let shutdown = CancellationToken::new();
        let running = tokio::spawn(payments::run(payments.clone(), shutdown.clone()));
        self.running.push((shutdown, running));
    }

    pub fn start(&mut self) {
        self.run(&self.payments.clone());
    }

    /// Ends the background tasks.
    pub async fn halt(&mut self) {
        for (shutdown, running) in self.running.drain(..) {
            shutdown.cancel();
            running.await.unwrap();
        }
    }

    /// Ends everything and proves the invariants.
    pub async fn prove(mut self) {
        self.halt().await;
        let Self { books, payments, .. } = self;
        drop(payments);
        books.prove().await;
    }

    pub fn providers(&self) -> Vec<Arc<dyn PaymentProvider>> {
        providers(&self.shop, &self.bot_api, &self.deployment)
    }

    /// 100 roubles by YooKassa, to be paid.
    pub async fn invoice(&self, user: &UserId) -> Payment {
        self.create(new_top_up(user, Provider::Yookassa)).await.unwrap().payment
    }

    /// 100 roubles for 75 Stars, to be paid.
    pub async fn stars_invoice(&self, user: &UserId) -> Payment {
        self.create(new_top_up(user, Provider::TelegramStars)).await.unwrap().payment
    }

    pub async fn create(&self, new: NewTopUp) -> Result<TopUp, PaymentError> {
        self.payments.create(new, None).await
    }

    pub async fn notify(&self, body: Vec<u8>) -> Result<(), PaymentError> {
        self.payments.notify(Provider::Yookassa, from_nowhere(body)).await
    }

    /// A payment by YooKassa that was paid and credited.
    pub async fn topped_up(&self, user: &UserId) -> Payment {
        let payment = self.invoice(user).await;
        self.shop.pay(name(&payment));
        self.payments.refresh(payment.payment_id).await.unwrap();
        let paid = self.payment(&payment).await;
        assert_eq!(paid.state, PaymentState::Credited);
        paid
    }

    pub async fn payment(&self, payment: &Payment) -> Payment {
        self.books.store.payment(payment.payment_id).await.unwrap().unwrap()
    }

    pub async fn refunds(&self, payment: &Payment) -> Vec<PaymentRefund> {
        self.books.store.refunds_of(&payment.user_id, payment.payment_id).await.unwrap()
    }

    /// The user's own money.
    pub async fn balance(&self, user: &UserId) -> Amount {
        self.books.view(user).await.paid_balance
    }

    /// Waits until the payment stands there.
    pub async fn until(&self, payment: &Payment, state: PaymentState) -> Payment {
        self.wait(async || {
            let now = self.payment(payment).await;
            (now.state == state).then_some(now)
        })
        .await
    }

    /// Waits until the inbox has nothing to follow.
    pub async fn until_followed(&self) {
        let queue = self.books.store.notifications("a test".to_owned());
        self.wait(async || {
            let counts = queue.count().await.unwrap();
            (counts.ready + counts.leased == 0).then_some(())
        })
        .await;
    }

    pub async fn wait<T>(&self, mut look: impl AsyncFnMut() -> Option<T>) -> T {
        let found = async {
            loop {
                if let Some(found) = look().await {
                    return found;
                }
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(60), found).await.expect("it never came to be")
    }
}

fn payments_of(books: &Books, shop: &Shop, bot_api: &BotApi, deployment: &Deployment) -> Payments {
    let providers = providers(shop, bot_api, deployment);
    let (store, committer) = (books.store.clone(), books.committer.clone());
    Payments::new(store, committer, providers, deployment.settings.clone())
}

fn providers(
    shop: &Shop,
    bot_api: &BotApi,
    deployment: &Deployment,
) -> Vec<Arc<dyn PaymentProvider>> {
    let catalogue = Catalogue::default;
    let blocks = deployment.notification_ips.iter().map(|block| block.parse().unwrap());
    let settings = yookassa::Settings {
        shop_id: SHOP_ID.to_owned(),
        secret_key: SecretString::from(SECRET_KEY),
        api_url: shop.url.parse().unwrap(),
        return_url: "https://t.me/somewhere".to_owned(),
        notification_ips: blocks.collect(),
        receipts: deployment.receipts.clone(),
    };
    let (url, token) = (bot_api.url.parse().unwrap(), SecretString::from(TOKEN));
    vec![
        Arc::new(Yookassa::new(settings, catalogue(), "RUB").unwrap()),
        Arc::new(TelegramStars::new(url, token, catalogue()).unwrap()),
    ]
}

pub fn new_top_up(user: &UserId, provider: Provider) -> NewTopUp {
    NewTopUp {
        user_id: user.clone(),
        request_id: request(&format!("top-up-{}", Uuid::now_v7())),
        caller: "gateway".to_owned(),
        provider,
        amount: Amount::units(100),
        return_url: None,
        receipt_email: None,
    }
}

pub fn from_nowhere(body: Vec<u8>) -> Notification {
    Notification { body, headers: BTreeMap::new(), source_ip: None }
}

pub fn from(source_ip: &str, body: Vec<u8>) -> Notification {
    let source_ip: IpAddr = source_ip.parse().unwrap();
    Notification { source_ip: Some(source_ip), ..from_nowhere(body) }
}

/// The provider's name for it.
pub fn name(payment: &Payment) -> &str {
    payment.provider_payment_id.as_deref().unwrap()
}

pub fn administrator(request_id: &str) -> Administrator {
    Administrator {
        request_id: request(request_id),
        reason: "a test".to_owned(),
        caller: "admin".to_owned(),
    }
}
