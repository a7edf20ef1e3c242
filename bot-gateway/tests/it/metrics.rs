//! What an operator's Prometheus reads of the gateway.

use crate::harness::{World, until_async};

#[tokio::test]
async fn messages_deliveries_and_queues_are_counted() {
    let world = World::new().await;
    let gateway = world.gateway(&[]).await;
    let user = world.telegram.user(1);
    user.send_text("/help");
    world.all_done("inbox", 1).await;
    let operation = world.operation(1);
    let message = world.message_of_the_bot(&user).await;
    gateway.deliver(&operation, &user, message, 1).await.unwrap();

    // The metrics are those of the whole process, so other tests count along: no numbers.
    let url = format!("{}/metrics", gateway.http_url);
    for series in [
        r#"gateway_updates_stored_total{intake="polling",seen="new"}"#,
        r#"gateway_queue_items_total{queue="inbox",end="done"}"#,
        r#"gateway_queue_items_total{queue="inbox",end="dead"}"#,
        r#"gateway_queue_rows{queue="inbox",state="ready"}"#,
        r#"gateway_queue_oldest_seconds{queue="inbox"}"#,
        r#"gateway_queue_oldest_seconds{queue="checkouts"}"#,
        r#"gateway_queue_oldest_seconds{queue="notices"}"#,
        r#"gateway_telegram_requests_total{outcome="ok"}"#,
        "gateway_telegram_throttled_total",
        r#"gateway_deliveries_total{end="delivered"}"#,
        r#"gateway_deliveries_total{end="retry"}"#,
        r#"gateway_delivery_seconds_bucket{le="0.5"}"#,
        r#"gateway_polls_failed_total{reason="conflict"}"#,
        "gateway_events_watched",
    ] {
        until_async(async || {
            let page = reqwest::get(&url).await.unwrap().text().await.unwrap();
            page.lines().any(|line| line.starts_with(series))
        })
        .await;
    }
    gateway.stop().await;
}
