//! All of Kopilka out of its images: from a message in the chat to a picture.

use proto::billing::v1::OperationState;
use reqwest::Client;
use sandbox::system::free_address;
use serde_json::json;

use crate::container::{Container, Ports, Run, folder};
use crate::service::{billing, operator};
use crate::until;

/// One of the users that the stand-in of Telegram begins with.
const USER: &str = "5000000001";

#[tokio::test]
#[ignore = "needs the images: make image-test"]
async fn a_picture_is_made_by_the_images_together() {
    let folders = [folder(), folder(), folder(), folder()];
    let [ledger, bot, images, stand_ins] = folders.each_ref().map(tempfile::TempDir::path);
    let (billing_at, gateway_at, worker_at) = (Ports::free(), Ports::free(), Ports::free());
    let [page, telegram, fal, yookassa] = [(); 4].map(|()| free_address().unwrap());
    let url = |ports: &Ports| format!("http://{}", ports.grpc);

    let standing_in = Run::of("sandbox")
        .arguments(&["stand-ins"])
        .data(stand_ins)
        .env("SANDBOX_LISTEN", page)
        .env("SANDBOX_TELEGRAM_LISTEN", telegram)
        .env("SANDBOX_FAL_LISTEN", fal)
        .env("SANDBOX_YOOKASSA_LISTEN", yookassa)
        .env("SANDBOX_FAL_PACE", "100ms")
        .env("BILLING_URL", url(&billing_at))
        .env("BILLING_TOKEN", "nobody-looks-at-it")
        .start();
    let secrets = until("the stand-ins run", async || secrets(&standing_in)).await;
    let billing = billing(ledger, &billing_at).start();
    let gateway = Run::of("bot-gateway")
        .data(bot)
        .env("GATEWAY_LISTEN", gateway_at.grpc)
        .env("GATEWAY_HTTP_LISTEN", gateway_at.http)
        .env("BILLING_URL", url(&billing_at))
        .env("WORKER_URL", url(&worker_at))
        .env("TELEGRAM_API_URL", format!("http://{telegram}"))
        .env("TELEGRAM_BOT_TOKEN", &secrets.0)
        .start();
    let worker = Run::of("image-worker")
        .data(images)
        .env("WORKER_LISTEN", worker_at.grpc)
        .env("WORKER_HTTP_LISTEN", worker_at.http)
        .env("BILLING_URL", url(&billing_at))
        .env("GATEWAY_URL", url(&gateway_at))
        .env("FAL_QUEUE_URL", format!("http://{fal}"))
        .env("FAL_KEY", &secrets.1)
        .start();
    for (container, at) in [(&billing, &billing_at), (&gateway, &gateway_at), (&worker, &worker_at)]
    {
        container.ready(at.http).await;
    }

    let text = Client::new().post(format!("http://{page}/api/users/{USER}/text"));
    let sent = text.json(&json!({"text": "кот"})).send().await.unwrap();
    assert!(sent.status().is_success(), "{}", sent.status());
    let operator = operator(&billing_at);
    // Completed is what was delivered.
    until("the picture is delivered", async || {
        let operations = operator.operations(&format!("tg:{USER}")).await.unwrap();
        let state = operations.first()?.state();
        assert_ne!(state, OperationState::Refunded, "{}", worker.logs());
        (state == OperationState::Completed).then_some(())
    })
    .await;
    for container in [&gateway, &worker, &billing, &standing_in] {
        assert_eq!(container.stop(), "0", "{}", container.logs());
    }
}

/// The bot's token and the key of fal.ai that the stand-ins say they take.
fn secrets(stand_ins: &Container) -> Option<(String, String)> {
    let said = stand_ins.logs();
    let value = |name: &str| {
        let line = said.lines().find_map(|line| line.trim().strip_prefix(name));
        line.and_then(|rest| rest.strip_prefix('=')).map(str::to_owned)
    };
    // Said last, so everything was.
    value("YOOKASSA_SECRET_KEY")?;
    Some((value("TELEGRAM_BOT_TOKEN")?, value("FAL_KEY")?))
}
