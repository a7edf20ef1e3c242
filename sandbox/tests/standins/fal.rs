use reqwest::{Client, RequestBuilder, StatusCode};
use sandbox::fal::{Failure, FalStandIn};
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use tokio::net::TcpListener;

struct Fal {
    stand_in: FalStandIn,
    http: Client,
}

impl Fal {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        Self { stand_in: FalStandIn::start(listener), http: Client::new() }
    }

    fn with_key(&self, request: RequestBuilder) -> RequestBuilder {
        let key = self.stand_in.key();
        request.header("authorization", format!("Key {}", key.expose_secret()))
    }

    async fn submit(&self, app: &str, body: Value) -> (StatusCode, Value) {
        let url = format!("{}/{app}", self.stand_in.url());
        let response = self.with_key(self.http.post(url)).json(&body).send().await.unwrap();
        (response.status(), response.json().await.unwrap())
    }

    async fn get(&self, url: &Value) -> (StatusCode, Value) {
        let response = self.with_key(self.http.get(url.as_str().unwrap())).send().await.unwrap();
        (response.status(), response.json().await.unwrap())
    }

    /// Submits, polls to the end, answers the response.
    async fn run(&self, app: &str, body: Value) -> (StatusCode, Value) {
        let (_, accepted) = self.submit(app, body).await;
        while self.get(&accepted["status_url"]).await.0 == StatusCode::ACCEPTED {}
        self.get(&accepted["response_url"]).await
    }
}

fn picture() -> String {
    use base64::Engine;
    let mut png = std::io::Cursor::new(Vec::new());
    image::RgbImage::from_pixel(40, 30, image::Rgb([200, 40, 40]))
        .write_to(&mut png, image::ImageFormat::Png)
        .unwrap();
    let encoded = base64::engine::general_purpose::STANDARD.encode(png.into_inner());
    format!("data:image/png;base64,{encoded}")
}

#[tokio::test]
async fn a_prompt_becomes_a_png_of_the_size_that_the_answer_says() {
    let fal = Fal::start().await;
    let body = json!({"prompt": "Рыжий кот в очках читает газету", "num_images": 2});
    let (status, answer) = fal.run("fal-ai/flux/schnell", body).await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(answer["has_nsfw_concepts"], json!([false, false]));
    let first = &answer["images"][0];
    let file = fal.http.get(first["url"].as_str().unwrap());
    let bytes = file.send().await.unwrap().bytes().await.unwrap();
    if let Ok(folder) = std::env::var("SANDBOX_KEEP") {
        std::fs::write(format!("{folder}/generate.png"), &bytes).unwrap();
    }
    let drawn = image::load_from_memory(&bytes).unwrap();
    assert_eq!(json!(drawn.width()), first["width"]);
    assert_eq!(fal.stand_in.submits_of("Рыжий кот в очках читает газету"), 1);
}

#[tokio::test]
async fn the_status_is_202_until_completed_and_needs_no_path_below_the_app() {
    let fal = Fal::start().await;
    fal.stand_in.hold();
    let (_, accepted) = fal.submit("fal-ai/flux/dev", json!({"prompt": "a cat"})).await;
    let status_url = accepted["status_url"].as_str().unwrap();
    assert!(status_url.contains("/fal-ai/flux/requests/"));
    assert_eq!(fal.get(&accepted["status_url"]).await.0, StatusCode::ACCEPTED);
    let (early, _) = fal.get(&accepted["response_url"]).await;
    assert_eq!(early, StatusCode::BAD_REQUEST);
    fal.stand_in.release();
    loop {
        let (status, body) = fal.get(&accepted["status_url"]).await;
        if status == StatusCode::OK {
            assert_eq!(body["status"], "COMPLETED");
            break;
        }
    }
}

#[tokio::test]
async fn inputs_travel_as_data_uris_and_one_image_apps_answer_image() {
    let fal = Fal::start().await;
    let (status, answer) =
        fal.run("fal-ai/esrgan", json!({"image_url": picture(), "prompt": ""})).await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(answer["image"]["width"], 80);
    let body = json!({"prompt": "Добавь шляпу", "image_urls": [picture(), picture()]});
    let (status, answer) = fal.run("fal-ai/nano-banana/edit", body).await;
    assert_eq!(status, StatusCode::OK);
    if let Ok(folder) = std::env::var("SANDBOX_KEEP") {
        let file = fal.http.get(answer["images"][0]["url"].as_str().unwrap());
        let bytes = file.send().await.unwrap().bytes().await.unwrap();
        std::fs::write(format!("{folder}/edit.png"), bytes).unwrap();
    }
    assert_eq!(fal.stand_in.submits()[1].pictures, 2);
}

#[tokio::test]
async fn what_is_wrong_with_the_input_shows_in_the_response_as_a_422() {
    let fal = Fal::start().await;
    let (status, answer) = fal.run("fal-ai/flux/dev", json!({"prompt": ""})).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(answer["detail"][0]["loc"], json!(["body", "prompt"]));
    let broken = json!({"prompt": "x", "image_url": "data:image/png;base64,AAAA"});
    let (status, answer) = fal.run("fal-ai/flux-pro/kontext", broken).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(answer["detail"][0]["type"], "image_load_error");
    fal.stand_in.fail_next(Failure::ContentRefused, 1);
    let (status, answer) = fal.run("fal-ai/flux/dev", json!({"prompt": "x"})).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(answer["detail"][0]["type"], "content_policy_violation");
    let (status, _) = fal.run("fal-ai/flux/dev", json!({"prompt": "x"})).await;
    assert_eq!(status, StatusCode::OK, "the failure was planned for one request");
}

#[tokio::test]
async fn a_dropped_connection_hides_that_the_submit_was_accepted() {
    let fal = Fal::start().await;
    fal.stand_in.fail_next(Failure::DropConnection, 1);
    let url = format!("{}/fal-ai/flux/dev", fal.stand_in.url());
    let request = fal.with_key(fal.http.post(url));
    request.json(&json!({"prompt": "lost"})).send().await.unwrap_err();
    assert_eq!(fal.stand_in.submits_of("lost"), 1);
}

#[tokio::test]
async fn refusals_accept_nothing() {
    let fal = Fal::start().await;
    let url = format!("{}/fal-ai/flux/dev", fal.stand_in.url());
    let keyless = fal.http.post(&url).json(&json!({"prompt": "x"}));
    assert_eq!(keyless.send().await.unwrap().status(), StatusCode::UNAUTHORIZED);
    fal.stand_in.fail_next(Failure::TooManyRequests { retry_after: 7 }, 1);
    let response =
        fal.with_key(fal.http.post(&url)).json(&json!({"prompt": "x"})).send().await.unwrap();
    assert_eq!(response.status(), StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(response.headers()["retry-after"], "7");
    assert!(fal.stand_in.submits().is_empty());
}

#[tokio::test]
async fn only_what_has_not_completed_can_be_cancelled() {
    let fal = Fal::start().await;
    fal.stand_in.hold();
    let (_, accepted) = fal.submit("fal-ai/flux/dev", json!({"prompt": "a cat"})).await;
    let cancel = || fal.with_key(fal.http.put(accepted["cancel_url"].as_str().unwrap()));
    assert_eq!(cancel().send().await.unwrap().status(), StatusCode::ACCEPTED);
    let again = cancel().send().await.unwrap();
    assert_eq!(again.status(), StatusCode::BAD_REQUEST);
    assert_eq!(again.json::<Value>().await.unwrap()["status"], "ALREADY_COMPLETED");
}
