//! The worker: what it makes is spent, what it can't make is given back, and what it was killed in is run again.

use crate::shop::Shop;

#[tokio::test]
async fn a_picture_is_sent_and_spent() {
    let shop = Shop::open(100).await;
    shop.user.send_text("/upscale");
    shop.user.sees_text("Улучшаю…").await.unwrap();
    shop.user.send_text("/generate a cat");
    shop.settle().await;
    shop.work().await.unwrap();
    shop.work().await.unwrap();
    shop.user.sees_photos(2).await.unwrap();
    assert_eq!(shop.painter.prompts(), ["upscale", "a cat"]);
    assert_eq!(shop.money().await, (90, 0, 0));
    shop.jobs.recover("1").await.unwrap();
    assert_eq!(shop.jobs.waiting().await.unwrap(), 0);
}

#[tokio::test]
async fn a_job_that_fails_gives_everything_back_and_its_error_goes_on() {
    let shop = Shop::open(100).await;
    *shop.painter.broken.lock().unwrap() = true;
    shop.user.send_text("/generate a cat");
    shop.user.send_text("/generate a dog");
    shop.settle().await;
    for _ in 0..2 {
        assert!(shop.work().await.unwrap_err().to_string().contains("500"));
    }
    assert_eq!(shop.painter.prompts().len(), 2);
    assert_eq!(shop.money().await, (100, 0, 1));
}

#[tokio::test]
async fn a_job_whose_worker_was_killed_is_run_again_and_paid_once() {
    let shop = Shop::open(100).await;
    shop.user.send_text("/upscale");
    shop.user.send_text("/generate a cat");
    shop.settle().await;
    shop.work().await.unwrap();
    // Killed here, with the job in hand.
    let taken = shop.jobs.take("1").await.unwrap().unwrap();
    assert_eq!(shop.jobs.waiting().await.unwrap(), 0);
    shop.jobs.recover("1").await.unwrap();
    shop.work().await.unwrap();
    assert_eq!(shop.money().await, (90, 0, 0));
    // Killed between its end and its leaving the list: nobody pays for another run.
    shop.worker.make_picture(&taken.job).await.unwrap();
    assert_eq!(shop.painter.prompts(), ["upscale", "a cat"]);
    assert_eq!(shop.user.sees_photos(2).await.unwrap().len(), 2);
    assert_eq!(shop.money().await, (90, 0, 0));
}
