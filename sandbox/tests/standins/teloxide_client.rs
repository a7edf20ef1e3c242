//! teloxide works against the stand-in unchanged.

use bytes::Bytes;
use sandbox::telegram::BOT_ID;
use secrecy::ExposeSecret;
use teloxide::payloads::{
    AnswerCallbackQuerySetters, EditMessageTextSetters, GetUpdatesSetters, SendMessageSetters,
    SendPhotoSetters,
};
use teloxide::prelude::{Bot, Requester};
use teloxide::types::{
    BotCommand, ChatAction, ChatId, InlineKeyboardButton, InlineKeyboardMarkup, InputFile,
    InputMedia, InputMediaPhoto, LabeledPrice, MessageKind, TelegramTransactionId,
    TransactionPartner, UpdateKind, UserId,
};
use teloxide::{ApiError, RequestError};

use crate::telegram::{Telegram, png};

const USER: ChatId = ChatId(5_000_000_001);

fn bot(telegram: &Telegram) -> Bot {
    let token = telegram.stand_in.token();
    Bot::new(token.expose_secret()).set_api_url(telegram.stand_in.url().parse().unwrap())
}

#[tokio::test]
async fn it_reads_every_kind_of_update() {
    let telegram = Telegram::start().await;
    let bot = bot(&telegram);
    let user = telegram.stand_in.user(USER.0);
    assert_eq!(bot.get_me().await.unwrap().id.0, BOT_ID.unsigned_abs());
    bot.set_my_commands([BotCommand::new("start", "Начать")]).await.unwrap();
    user.send_text("/start");
    user.send_photo(&png(), Some("фото")).unwrap();
    user.send_document("a.txt", "text/plain", Bytes::from_static(b"a"), None).unwrap();
    user.send_sticker();
    user.send_voice();
    user.block();
    user.unblock();
    let sent = bot
        .send_message(USER, "выбор")
        .reply_markup(InlineKeyboardMarkup::new([[InlineKeyboardButton::callback("A", "a")]]))
        .await
        .unwrap();
    user.press("a").unwrap();
    let updates = bot.get_updates().offset(0).timeout(1).await.unwrap();
    let broken: Vec<_> =
        updates.iter().filter(|update| matches!(update.kind, UpdateKind::Error(_))).collect();
    assert!(broken.is_empty(), "{broken:#?}");
    assert_eq!(updates.len(), 8);
    let UpdateKind::CallbackQuery(press) = &updates[7].kind else {
        panic!("{:#?}", updates[7]);
    };
    assert_eq!(press.message.as_ref().unwrap().id(), sent.id);
    bot.answer_callback_query(press.id.clone()).text("да").await.unwrap();
}

#[tokio::test]
async fn it_sends_edits_and_downloads() {
    let telegram = Telegram::start().await;
    let bot = bot(&telegram);
    let user = telegram.stand_in.user(USER.0);
    bot.send_chat_action(USER, ChatAction::UploadPhoto).await.unwrap();
    let photo = bot
        .send_photo(USER, InputFile::memory(png()).file_name("result.png"))
        .caption("готово")
        .await
        .unwrap();
    let album =
        [png(), png()].map(|png| InputMedia::Photo(InputMediaPhoto::new(InputFile::memory(png))));
    assert_eq!(bot.send_media_group(USER, album).await.unwrap().len(), 2);
    bot.send_document(USER, InputFile::memory(png()).file_name("a.png")).await.unwrap();
    assert_eq!(user.sees_photos(3).await.unwrap().len(), 3);
    let message = bot.send_message(USER, "Генерирую…").await.unwrap();
    bot.edit_message_text(USER, message.id, "Готово").await.unwrap();
    let again = bot.edit_message_text(USER, message.id, "Готово").await.unwrap_err();
    assert!(matches!(again, RequestError::Api(ApiError::MessageNotModified)), "{again:?}");
    bot.edit_message_text(USER, message.id, "x")
        .reply_markup(InlineKeyboardMarkup::new([[InlineKeyboardButton::callback("A", "a")]]))
        .await
        .unwrap();
    bot.delete_message(USER, message.id).await.unwrap();
    let file_id = photo.photo().unwrap()[0].file.id.clone();
    let file = bot.get_file(file_id).await.unwrap();
    let mut bytes = Vec::new();
    teloxide::net::Download::download_file(&bot, &file.path, &mut bytes).await.unwrap();
    assert_eq!(bytes, png());
}

#[tokio::test]
async fn it_understands_the_errors() {
    let telegram = Telegram::start().await;
    let bot = bot(&telegram);
    let user = telegram.stand_in.user(USER.0);
    user.block();
    let blocked = bot.send_message(USER, "x").await.unwrap_err();
    assert!(matches!(blocked, RequestError::Api(ApiError::BotBlocked)), "{blocked:?}");
    let failure = sandbox::telegram::Failure::TooManyRequests { retry_after: 2 };
    telegram.stand_in.fail_next(failure, 1);
    let later = bot.send_message(USER, "x").await.unwrap_err();
    let RequestError::RetryAfter(seconds) = later else {
        panic!("{later:?}");
    };
    assert_eq!(seconds.seconds(), 2);
}

#[tokio::test]
async fn it_sells_for_stars_lists_and_refunds() {
    let telegram = Telegram::start().await;
    let bot = bot(&telegram);
    let user = telegram.stand_in.user(USER.0);
    let price = [LabeledPrice::new("100 ₽", 75)];
    let message = bot.send_invoice(USER, "Пополнение", "100 ₽ на баланс", "p1", "XTR", price);
    let message = message.await.unwrap();
    assert_eq!(message.invoice().unwrap().total_amount, 75);
    let next = async |offset: i32| {
        bot.get_updates().offset(offset).timeout(5).await.unwrap().pop().unwrap()
    };
    let answer = async {
        let update = next(0).await;
        let offset = i32::try_from(update.id.0).unwrap() + 1;
        let UpdateKind::PreCheckoutQuery(query) = update.kind else {
            panic!("{update:#?}");
        };
        assert_eq!((query.invoice_payload.as_str(), query.total_amount), ("p1", 75));
        bot.answer_pre_checkout_query(query.id, true).await.unwrap();
        offset
    };
    let (charge, offset) = tokio::join!(user.pay_invoice(message.id.0.into()), answer);
    let charge = TelegramTransactionId(charge.unwrap());
    let update = next(offset).await;
    let UpdateKind::Message(told) = &update.kind else {
        panic!("{update:#?}");
    };
    assert_eq!(told.successful_payment().unwrap().telegram_payment_charge_id, charge);
    let payer = UserId(USER.0.unsigned_abs());
    bot.refund_star_payment(payer, charge.clone()).await.unwrap();
    let again = bot.refund_star_payment(payer, charge.clone()).await.unwrap_err();
    assert!(again.to_string().contains("CHARGE_ALREADY_REFUNDED"), "{again}");
    let update = next(offset + 1).await;
    let UpdateKind::Message(told) = &update.kind else {
        panic!("{update:#?}");
    };
    let MessageKind::RefundedPayment(told) = &told.kind else {
        panic!("{told:#?}");
    };
    assert_eq!(told.refunded_payment.telegram_payment_charge_id, charge);
    let list = bot.get_star_transactions().await.unwrap().transactions;
    assert_eq!(list.len(), 2);
    assert!(list[0].source.is_some() && list[0].receiver.is_none());
    assert!(list[1].source.is_none() && list[1].receiver.is_some());
    let Some(TransactionPartner::User(partner)) = &list[1].receiver else {
        panic!("{:#?}", list[1]);
    };
    assert_eq!(partner.user.id, payer);
    let sold = partner.invoice_payment().unwrap();
    assert_eq!(sold.invoice_payload.as_deref(), Some("p1"));
    bot.create_invoice_link("a", "b", "p2", "XTR", [LabeledPrice::new("x", 1)]).await.unwrap();
}
