use bytes::Bytes;
use reqwest::{Client, multipart};
use sandbox::telegram::{Failure, TelegramStandIn};
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use tokio::net::TcpListener;

const USER: i64 = 5_000_000_001;

pub struct Telegram {
    pub stand_in: TelegramStandIn,
    pub http: Client,
}

impl Telegram {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        Self::over(TelegramStandIn::start(listener))
    }

    pub fn over(stand_in: TelegramStandIn) -> Self {
        Self { stand_in, http: Client::new() }
    }

    pub fn method(&self, name: &str) -> String {
        let token = self.stand_in.token();
        format!("{}/bot{}/{name}", self.stand_in.url(), token.expose_secret())
    }

    pub async fn call(&self, name: &str, params: Value) -> Value {
        let request = self.http.post(self.method(name)).json(&params);
        request.send().await.unwrap().json().await.unwrap()
    }

    async fn updates(&self, offset: i64) -> Vec<Value> {
        let answer = self.call("getUpdates", json!({"offset": offset, "timeout": 0})).await;
        answer["result"].as_array().unwrap().clone()
    }
}

pub fn png() -> Bytes {
    let mut png = std::io::Cursor::new(Vec::new());
    image::RgbImage::from_pixel(60, 40, image::Rgb([20, 160, 90]))
        .write_to(&mut png, image::ImageFormat::Png)
        .unwrap();
    Bytes::from(png.into_inner())
}

#[tokio::test]
async fn an_update_comes_again_until_an_offset_confirms_it() {
    let telegram = Telegram::start().await;
    let user = telegram.stand_in.user(USER);
    let first = user.send_text("/start");
    user.send_text("привет");
    for _ in 0..2 {
        let updates = telegram.updates(0).await;
        assert_eq!(updates.len(), 2);
        assert_eq!(updates[0]["message"]["entities"][0]["type"], "bot_command");
    }
    let updates = telegram.updates(first + 1).await;
    assert_eq!(updates.len(), 1);
    assert_eq!(updates[0]["message"]["text"], "привет");
    assert_eq!(updates[0]["message"]["chat"]["id"], USER);
    assert!(telegram.updates(first + 2).await.is_empty());
    assert_eq!(telegram.stand_in.unconfirmed(), 0);
}

#[tokio::test]
async fn a_long_poll_ends_with_the_first_update_and_a_newer_poll_ends_it_with_409() {
    let telegram = Telegram::start().await;
    let user = telegram.stand_in.user(USER);
    let poll = telegram.call("getUpdates", json!({"timeout": 50}));
    let (answer, _) = tokio::join!(poll, async { user.send_text("here") });
    assert_eq!(answer["result"][0]["message"]["text"], "here");
    let poll = telegram.call("getUpdates", json!({"offset": -1}));
    let older = telegram.call("getUpdates", json!({"offset": 999_999_999, "timeout": 50}));
    let mut changes = telegram.stand_in.changes();
    let newer = async {
        changes.mark_unchanged();
        changes.changed().await.unwrap();
        poll.await
    };
    let (older, newer) = tokio::join!(older, newer);
    assert_eq!(older["error_code"], 409);
    assert_eq!(newer["ok"], true);
}

#[tokio::test]
async fn an_update_can_come_twice_even_after_it_was_confirmed() {
    let telegram = Telegram::start().await;
    let user = telegram.stand_in.user(USER);
    telegram.stand_in.deliver_twice(1);
    let id = user.send_text("once");
    assert_eq!(telegram.updates(0).await.len(), 2);
    assert!(telegram.updates(id + 1).await.is_empty());
    assert!(telegram.stand_in.redeliver(id));
    let again = telegram.updates(id + 1).await;
    assert_eq!(again[0]["update_id"], id);
    assert!(telegram.updates(id + 1).await.is_empty());
}

#[tokio::test]
async fn parameters_may_come_in_the_query_a_form_or_json() {
    let telegram = Telegram::start().await;
    telegram.stand_in.user(USER);
    let chat = USER.to_string();
    let fields = [("chat_id", chat.as_str()), ("text", "hello")];
    let url = telegram.method("sendMessage");
    telegram.http.get(&url).query(&fields).send().await.unwrap();
    telegram.http.post(&url).form(&fields).send().await.unwrap();
    telegram.call("sendmessage", json!({"chat_id": USER, "text": "hello"})).await;
    let seen = telegram.stand_in.user(USER).messages();
    assert_eq!(seen.iter().filter(|message| message.text == "hello").count(), 3);
    assert_eq!(telegram.stand_in.calls_of("sendMessage").len(), 3);
}

#[tokio::test]
async fn a_photo_is_uploaded_once_and_sent_again_by_its_file_id() {
    let telegram = Telegram::start().await;
    let user = telegram.stand_in.user(USER);
    let part = multipart::Part::bytes(png().to_vec()).file_name("a.png");
    let form = multipart::Form::new()
        .text("chat_id", USER.to_string())
        .text("caption", "вот")
        .part("photo", part);
    let sent = telegram.http.post(telegram.method("sendPhoto")).multipart(form);
    let sent: Value = sent.send().await.unwrap().json().await.unwrap();
    let file_id = sent["result"]["photo"][0]["file_id"].clone();
    let again = telegram.call("sendPhoto", json!({"chat_id": USER, "photo": file_id})).await;
    assert_eq!(again["ok"], true);
    let photos = user.sees_photos(2).await.unwrap();
    assert_eq!(photos, [png(), png()]);
}

#[tokio::test]
async fn a_users_album_is_separate_updates_with_files_to_download() {
    let telegram = Telegram::start().await;
    let user = telegram.stand_in.user(USER);
    user.send_album(&[png(), png()], Some("склей")).unwrap();
    let updates = telegram.updates(0).await;
    let (first, second) = (&updates[0]["message"], &updates[1]["message"]);
    assert_eq!(first["media_group_id"], second["media_group_id"]);
    assert_eq!(first["caption"], "склей");
    assert!(second.get("caption").is_none());
    let file = telegram.call("getFile", json!({"file_id": first["photo"][0]["file_id"]})).await;
    let token = telegram.stand_in.token();
    let path = file["result"]["file_path"].as_str().unwrap();
    let url = format!("{}/file/bot{}/{path}", telegram.stand_in.url(), token.expose_secret());
    let bytes = telegram.http.get(url).send().await.unwrap().bytes().await.unwrap();
    assert_eq!(image::guess_format(&bytes).unwrap(), image::ImageFormat::Jpeg);
}

#[tokio::test]
async fn a_file_above_20_mb_cannot_be_downloaded_by_the_bot() {
    let telegram = Telegram::start().await;
    let user = telegram.stand_in.user(USER);
    let bytes = Bytes::from(vec![0; 25 * 1024 * 1024]);
    user.send_document("big.bin", "application/octet-stream", bytes, None).unwrap();
    let updates = telegram.updates(0).await;
    let file_id = &updates[0]["message"]["document"]["file_id"];
    let answer = telegram.call("getFile", json!({"file_id": file_id})).await;
    assert_eq!(answer["description"], "Bad Request: file is too big");
}

#[tokio::test]
async fn edits_that_change_nothing_are_refused_in_telegrams_words() {
    let telegram = Telegram::start().await;
    telegram.stand_in.user(USER);
    let sent = telegram
        .call(
            "sendMessage",
            json!({"chat_id": USER, "text": "a &lt; <b>b</b>", "parse_mode": "HTML"}),
        )
        .await;
    assert_eq!(sent["result"]["text"], "a < b");
    assert_eq!(sent["result"]["entities"], json!([{"type": "bold", "offset": 4, "length": 1}]));
    let id = &sent["result"]["message_id"];
    let edit = json!({"chat_id": USER, "message_id": id, "text": "c"});
    let edited = telegram.call("editMessageText", edit.clone()).await;
    assert_eq!(edited["result"]["text"], "c");
    let again = telegram.call("editMessageText", edit).await;
    assert_eq!(again["error_code"], 400);
    let description = again["description"].as_str().unwrap();
    assert!(description.starts_with("Bad Request: message is not modified"));
}

#[tokio::test]
async fn a_press_is_answered_once() {
    let telegram = Telegram::start().await;
    let user = telegram.stand_in.user(USER);
    let keyboard = json!({"inline_keyboard": [[{"text": "Да", "callback_data": "yes"}]]});
    let ask = json!({"chat_id": USER, "text": "?", "reply_markup": keyboard});
    telegram.call("sendMessage", ask).await;
    user.press("Да").unwrap();
    let press = telegram.updates(0).await[0]["callback_query"].clone();
    assert_eq!(press["data"], "yes");
    let answer = json!({"callback_query_id": press["id"], "text": "Хорошо"});
    assert_eq!(telegram.call("answerCallbackQuery", answer.clone()).await["ok"], true);
    assert_eq!(user.chat()["notice"]["text"], "Хорошо");
    assert_eq!(telegram.call("answerCallbackQuery", answer).await["error_code"], 400);
    let long = json!({"inline_keyboard": [[{"text": "x", "callback_data": "я".repeat(33)}]]});
    let refused = json!({"chat_id": USER, "text": "?", "reply_markup": long});
    let refused = telegram.call("sendMessage", refused).await;
    assert_eq!(refused["description"], "Bad Request: BUTTON_DATA_INVALID");
}

#[tokio::test]
async fn a_user_who_blocked_the_bot_gets_nothing_and_the_bot_is_told() {
    let telegram = Telegram::start().await;
    let user = telegram.stand_in.user(USER);
    user.block();
    let message = json!({"chat_id": USER, "text": "x"});
    let refused = telegram.call("sendMessage", message.clone()).await;
    assert_eq!(refused["error_code"], 403);
    assert_eq!(refused["description"], "Forbidden: bot was blocked by the user");
    let update = &telegram.updates(0).await[0]["my_chat_member"];
    assert_eq!(update["new_chat_member"]["status"], "kicked");
    user.unblock();
    assert_eq!(telegram.call("sendMessage", message).await["ok"], true);
}

#[tokio::test]
async fn planned_failures_meet_as_many_calls_as_planned() {
    let telegram = Telegram::start().await;
    telegram.stand_in.user(USER);
    let message = json!({"chat_id": USER, "text": "x"});
    telegram.stand_in.fail_method("sendMessage", Failure::TooManyRequests { retry_after: 3 }, 1);
    let refused = telegram.call("sendMessage", message.clone()).await;
    assert_eq!(refused["parameters"]["retry_after"], 3);
    assert_eq!(refused["description"], "Too Many Requests: retry after 3");
    telegram.stand_in.fail_next(Failure::DropAfter, 1);
    let lost = telegram.http.post(telegram.method("sendMessage")).json(&message);
    lost.send().await.unwrap_err();
    let sent = telegram.call("sendMessage", message).await;
    assert_eq!(sent["ok"], true);
    assert_eq!(telegram.stand_in.user(USER).messages().len(), 2);
}

#[tokio::test]
async fn a_wrong_token_and_an_unknown_method_are_told_apart() {
    let telegram = Telegram::start().await;
    let url = format!("{}/bot1:x/getMe", telegram.stand_in.url());
    let answer: Value = telegram.http.get(url).send().await.unwrap().json().await.unwrap();
    assert_eq!(answer["error_code"], 401);
    assert_eq!(telegram.call("sendNothing", json!({})).await["error_code"], 404);
    let lost = telegram.call("sendMessage", json!({"chat_id": 1, "text": "x"})).await;
    assert_eq!(lost["description"], "Bad Request: chat not found");
    telegram.stand_in.user(USER);
    let empty = telegram.call("sendMessage", json!({"chat_id": USER, "text": " "})).await;
    assert_eq!(empty["description"], "Bad Request: message text is empty");
}

#[tokio::test]
async fn a_restart_keeps_chats_files_and_unconfirmed_updates() {
    let folder = tempfile::tempdir().unwrap();
    let open = async || {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        Telegram::over(TelegramStandIn::open(listener, folder.path()).unwrap())
    };
    let before = open().await;
    let user = before.stand_in.user_named(USER, "Третий", "ru");
    user.send_photo(&png(), Some("фото")).unwrap();
    before.stand_in.flush().unwrap();
    drop(before);
    let after = open().await;
    let update = &after.updates(0).await[0];
    assert_eq!(update["message"]["caption"], "фото");
    let seen = after.stand_in.user(USER).messages();
    let file_id = seen[0].photo.clone().unwrap();
    assert!(after.stand_in.file(&file_id).is_some());
    assert_eq!(after.stand_in.users()[0]["first_name"], "Третий");
}
