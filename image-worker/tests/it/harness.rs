//! Starts the service with everything around it, and speaks to it.

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use clap::Parser;
use image_worker::{Config, Listeners};
use proto::client::{CallError, ClientConfig, ImagesClient};
use proto::gateway::v1::ReplyTo;
use proto::images::v1::{Job, JobState, SubmitJobRequest, WatchJobRequest};
use sandbox::fal::FalStandIn;
use secrecy::ExposeSecret;
use service_kit::db::Db;
use service_kit::queue::{Queue, Row};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::{CancellationToken, DropGuard};
use uuid::Uuid;

use crate::peers::{Billing, Gateway};

pub const USER: &str = "tg:42";
pub const CHAT: i64 = 4_200_000_000;

/// A whole system of one worker; its folder outlives the worker, so that it can be started again.
pub struct System {
    pub fal: FalStandIn,
    pub billing: Billing,
    pub gateway: Gateway,
    pub images: ImagesClient,
    pub address: String,
    pub folder: TempDir,
    args: Vec<String>,
    worker: Option<Worker>,
    others: Vec<Worker>,
}

struct Worker {
    /// Stops it when dropped.
    stop: DropGuard,
    task: JoinHandle<anyhow::Result<()>>,
}

pub async fn listener() -> TcpListener {
    TcpListener::bind("127.0.0.1:0").await.unwrap()
}

impl System {
    pub async fn start() -> Self {
        Self::with(&[]).await
    }

    /// With these flags on top.
    pub async fn with(flags: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let fal = FalStandIn::start(listener().await);
        fal.set_pace(Duration::from_millis(5));
        let billing = Billing::start().await;
        let gateway = Gateway::start().await;
        let database = format!("sqlite://{}/images.db?mode=rwc", folder.path().display());
        let blobs = format!("file://{}/blobs", folder.path().display());
        let (fal_url, key) = (fal.url(), fal.key());
        let basic = [
            ("--database-url", database.as_str()),
            ("--blob-url", &blobs),
            ("--billing-url", &billing.url),
            ("--gateway-url", &gateway.url),
            ("--fal-queue-url", &fal_url),
            ("--fal-key", key.expose_secret()),
            ("--poll-interval", "10ms"),
            ("--retry-backoff", "10ms"),
            ("--lost-attempt-wait", "10ms"),
            ("--lease", "2s"),
        ];
        let overridden = |name: &str| flags.contains(&name);
        let mut args = vec!["image-worker".to_owned()];
        for (name, value) in basic.iter().filter(|(name, _)| !overridden(name)) {
            args.extend([(*name).to_owned(), (*value).to_owned()]);
        }
        args.extend(flags.iter().map(|flag| (*flag).to_owned()));
        let (worker, address) = Worker::start(&args).await;
        let images = client(&address);
        gateway.fetch_from(images.clone());
        Self {
            fal,
            billing,
            gateway,
            images,
            address,
            folder,
            args,
            worker: Some(worker),
            others: Vec::new(),
        }
    }

    /// Stops the worker as SIGTERM would; fails if it does not end well.
    pub async fn stop(&mut self) {
        if let Some(worker) = self.worker.take() {
            drop(worker.stop);
            worker.task.await.unwrap().unwrap();
        }
    }

    /// Starts the worker again on what it left.
    pub async fn start_again(&mut self) {
        let (worker, address) = Worker::start(&self.args).await;
        self.images = client(&address);
        self.address = address;
        self.gateway.fetch_from(self.images.clone());
        self.worker = Some(worker);
    }

    /// Starts one more worker on the same database and pictures.
    pub async fn start_another(&mut self) {
        let (worker, _) = Worker::start(&self.args).await;
        self.others.push(worker);
    }

    /// Uploads a picture of this user.
    pub async fn upload(&self, picture: &[u8]) -> String {
        let bytes = Bytes::copy_from_slice(picture);
        self.images.upload_input(USER, "image/png", bytes).await.unwrap()
    }

    /// Charges and submits a `generate`; answers its id.
    pub async fn generate(&self, prompt: &str) -> String {
        let request = generate(&self.billing.charge(), prompt);
        let operation_id = request.operation_id.clone();
        self.images.submit_job(request).await.unwrap();
        operation_id
    }

    /// The job once it ended.
    pub async fn end_of(&self, operation_id: &str) -> Job {
        self.until(operation_id, |state| {
            matches!(state, JobState::Succeeded | JobState::Failed | JobState::Canceled)
        })
        .await
    }

    /// The job once it is in a state that fits.
    pub async fn until(&self, operation_id: &str, fits: impl Fn(JobState) -> bool) -> Job {
        let request = WatchJobRequest { operation_id: operation_id.to_owned() };
        let mut changes = self.images.watch_job(request).await.unwrap();
        while let Some(change) = changes.message().await.unwrap() {
            let job = change.job.unwrap();
            if fits(job.state()) {
                return job;
            }
        }
        panic!("the job ended in another state");
    }

    /// How many jobs the table holds, in whatever state.
    pub async fn jobs_kept(&self) -> u64 {
        let db = self.look().await;
        let counts = queue(&db).count().await.unwrap();
        counts.ready + counts.leased + counts.done + counts.dead
    }

    /// The row of a job.
    pub async fn row(&self, operation_id: &str) -> Row {
        let db = self.look().await;
        queue(&db).get(operation_id).await.unwrap().unwrap()
    }

    async fn look(&self) -> Db {
        let url = format!("sqlite://{}/images.db", self.folder.path().display());
        service_kit::db::open_read_only(&url).await.unwrap()
    }
}

impl Worker {
    async fn start(args: &[String]) -> (Self, String) {
        let config = Config::try_parse_from(args).unwrap();
        let listeners = Listeners { grpc: listener().await, http: listener().await };
        let address = listeners.grpc.local_addr().unwrap();
        let stop = CancellationToken::new();
        let task = tokio::spawn(image_worker::run(config, listeners, stop.clone()));
        (Self { stop: stop.drop_guard(), task }, format!("http://{address}"))
    }
}

fn queue(db: &Db) -> Queue {
    Queue::new(db.connection.clone(), "jobs", String::new())
}

fn client(url: &str) -> ImagesClient {
    ImagesClient::new(&ClientConfig::new(url, None)).unwrap()
}

/// A good `generate` of this operation.
pub fn generate(operation_id: &str, prompt: &str) -> SubmitJobRequest {
    SubmitJobRequest {
        operation_id: operation_id.to_owned(),
        user_id: USER.to_owned(),
        kind: "generate".to_owned(),
        prompt: prompt.to_owned(),
        input_ids: Vec::new(),
        options: BTreeMap::new(),
        reply_to: Some(ReplyTo { chat_id: CHAT, message_id: 7, locale: "ru".to_owned() }),
    }
}

pub fn new_id() -> String {
    Uuid::now_v7().to_string()
}

/// The reason and the `field` of a refusal.
pub fn why(error: &CallError) -> (&str, &str) {
    (&error.reason, error.metadata.get("field").map_or("", String::as_str))
}

/// A real PNG, different for each shade.
pub fn png(shade: u8) -> Vec<u8> {
    use image::{ImageFormat, Rgb, RgbImage};
    let mut file = std::io::Cursor::new(Vec::new());
    RgbImage::from_pixel(64, 64, Rgb([shade, 80, 160]))
        .write_to(&mut file, ImageFormat::Png)
        .unwrap();
    file.into_inner()
}

/// Waits until it is so.
pub async fn eventually(what: impl Fn() -> bool) {
    for _ in 0..3000 {
        if what() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("it never came about");
}
