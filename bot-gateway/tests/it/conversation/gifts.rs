//! Promo codes and invitations.

use super::{
    billing::promotions::PromoCode,
    town::{Town, answers, last_says},
};

fn code(operations: i64) -> PromoCode {
    PromoCode { operations, over: None }
}

#[tokio::test]
async fn a_promo_code_gives_what_it_promises_once() {
    let town = Town::new().await;
    let _gateway = town.gateway().await;
    let user = town.telegram.user(1);
    town.billing.books().promotions.codes.insert("NEW-YEAR", code(5));
    user.send_text("/promo new-year");
    last_says(&user, "Промокод принят: 5 бесплатных операций.").await;
    user.send_text("/promo NEW-YEAR");
    last_says(&user, "уже активировали и получили: 5 бесплатных операций.").await;
    assert_eq!(town.billing.books().promotions.redeemed.len(), 1);
}

#[tokio::test]
async fn a_promo_code_is_asked_for_until_it_is_right() {
    let town = Town::new().await;
    let _gateway = town.gateway().await;
    let user = town.telegram.user(1);
    town.billing.books().promotions.codes.insert("GIFT", code(1));
    user.send_text("/promo");
    last_says(&user, "Пришлите промокод").await;
    user.send_text("мой код");
    last_says(&user, "Это не похоже на промокод").await;
    user.send_text("GIFF");
    last_says(&user, "Такого промокода нет").await;
    town.telegram.deliver_twice(1);
    user.send_text("gift");
    last_says(&user, "1 бесплатная операция").await;
    user.send_text("кот");
    assert_eq!(town.job(1).await.prompt, "кот");
}

#[tokio::test]
async fn each_refusal_of_a_promo_code_has_words_of_its_own() {
    let town = Town::new().await;
    let _gateway = town.gateway().await;
    let (user, english) = (town.telegram.user(1), town.telegram.user_named(2, "Ann", "en"));
    let over = |over| PromoCode { operations: 1, over: Some(over) };
    town.billing
        .books()
        .promotions
        .codes
        .extend([("OLD", over("PROMO_CODE_EXPIRED")), ("GONE", over("PROMO_CODE_USED_UP"))]);
    for (words, ru, en) in [
        ("/promo old", "Срок этого промокода истёк", "has expired"),
        ("/promo gone", "уже разобрали", "used up"),
        ("/promo a", "не похоже на промокод", "does not look like"),
        ("/promo nothing", "Такого промокода нет", "no such promo code"),
    ] {
        user.send_text(words);
        says(&user, ru).await;
        english.send_text(words);
        says(&english, en).await;
    }
    town.billing.books().promotions.too_many = true;
    user.send_text("/promo old");
    last_says(&user, "Слишком много неверных промокодов").await;
    town.billing.block(1);
    user.send_text("/promo old");
    last_says(&user, "Аккаунт заблокирован").await;
}

/// Said by any message: a question may follow.
async fn says(user: &sandbox::telegram::TelegramUser, part: &str) {
    crate::harness::until(|| answers(user).iter().any(|seen| seen.text.contains(part))).await;
}

#[tokio::test]
async fn an_invitation_shows_the_link_and_what_became_of_it() {
    let town = Town::new().await;
    let _gateway = town.gateway().await;
    let (user, friend) = (town.telegram.user(1), town.telegram.user(2));
    user.send_text("/invite");
    let invitation = last_says(&user, "Пригласите друга").await;
    let link = invitation.text.lines().nth(1).unwrap().to_owned();
    assert!(link.starts_with("https://t.me/") && link.ends_with("?start=ref_codetg1"), "{link}");
    assert!(invitation.text.contains("вы получите подарок: 3 бесплатные операции"));
    assert!(invitation.text.contains("Другу — 2 бесплатные операции"), "{invitation:?}");
    assert!(invitation.text.contains("Пришли по ссылке: 0"));
    assert!(invitation.buttons[0].url.starts_with("https://t.me/share/url?url=https"));

    town.telegram.deliver_twice(1);
    friend.send_text("/start ref_codetg1");
    let greeting = last_says(&friend, "Вас пригласили!").await;
    assert!(greeting.text.starts_with("Привет!"), "{greeting:?}");
    assert!(greeting.text.contains("2 бесплатные операции"));
    user.send_text("/invite");
    last_says(&user, "Пришли по ссылке: 1, пополнили баланс: 0").await;
}

#[tokio::test]
async fn an_invitation_that_does_not_count_says_why_where_that_helps() {
    let town = Town::new().await;
    let _gateway = town.gateway().await;
    let user = town.telegram.user(1);
    let english = town.telegram.user_named(2, "Ann", "en");
    for (why, ru, en) in [
        ("SELF", "Это ваша собственная ссылка", "This is your own link"),
        ("LOOP", "пришёл по вашему приглашению", "came by your invitation"),
        ("INVITED", "Вас уже пригласили раньше", "You were invited before"),
        ("CUSTOMER", "кто ещё не пополнял баланс", "have not topped up yet"),
    ] {
        town.billing.books().promotions.refuse = Some(why);
        user.send_text("/start ref_x");
        last_says(&user, ru).await;
        english.send_text("/start ref_x");
        last_says(&english, en).await;
    }
    town.billing.books().promotions.refuse = Some("UNKNOWN_CODE");
    for silent in ["/start ref_x", "/start campaign_5", "/start"] {
        let before = answers(&user).len();
        user.send_text(silent);
        crate::harness::until(|| answers(&user).len() > before).await;
        let greeting = answers(&user).pop().unwrap();
        assert!(greeting.text.ends_with("или выберите действие ниже."), "{greeting:?}");
    }
}

#[tokio::test]
async fn an_invitation_survives_a_billing_service_that_stumbles() {
    let town = Town::new().await;
    let _gateway = town.gateway().await;
    let user = town.telegram.user(1);
    // More than the client tries by itself.
    town.billing.books().promotions.failing = 6;
    user.send_text("/start ref_codetg2");
    last_says(&user, "Вас пригласили!").await;
}

#[tokio::test]
async fn without_gifts_there_are_no_invitations() {
    let town = Town::new().await;
    let _gateway = town.gateway().await;
    let (user, friend) = (town.telegram.user(1), town.telegram.user(2));
    town.billing.books().promotions.gifts = (0, 0);
    user.send_text("/invite");
    last_says(&user, "Подарков за приглашения сейчас нет").await;
    friend.send_text("/start ref_codetg1");
    let greeting = last_says(&friend, "Привет!").await;
    assert!(!greeting.text.contains("пригласили"), "{greeting:?}");
}
