//! A bot on teloxide that sells pictures. It charges over gRPC, and hands the jobs to a queue.

use proto::billing::v1::{
    ChargeRequest, CreatePaymentRequest, GetUserInfoRequest, PaymentProvider,
};
use proto::client::{BillingClient, ClientConfig, Connection, PaymentClient, Refusal};
use proto::money::{shown, shown_missing, to_decimal, to_money};
use teloxide::dispatching::DefaultKey;
use teloxide::dptree::case;
use teloxide::prelude::*;
use teloxide::types::{InlineKeyboardButton, InlineKeyboardMarkup, Me};
use teloxide::utils::command::BotCommands;

use crate::guard::{Asked, check_balance};
use crate::jobs::{Job, Jobs};
use crate::variable;

#[derive(Clone, BotCommands)]
#[command(rename_rule = "lowercase")]
enum Command {
    Start,
    Balance,
    Generate(String),
    Upscale,
}

/// What a picture is asked for with.
const HINT: &str = "Напишите, что нарисовать: /generate кот в шляпе";

// [1 bot]
/// The bot with its handlers, which ask for what they need by its type.
pub fn wire(
    bot: Bot,
    connection: &Connection,
    jobs: Jobs,
) -> Dispatcher<Bot, anyhow::Error, DefaultKey> {
    let billing = BillingClient::over(connection);
    let payments = PaymentClient::over(connection);
    let commands = Update::filter_message()
        .filter_command::<Command>()
        .branch(case![Command::Start].endpoint(start))
        .branch(case![Command::Balance].endpoint(balance))
        .branch(case![Command::Generate(prompt)].filter(is_empty).endpoint(hint))
        .branch(case![Command::Generate(prompt)].endpoint(generate))
        .branch(case![Command::Upscale].endpoint(upscale));
    let buttons = Update::filter_callback_query()
        .branch(dptree::filter_map(pack).endpoint(pay))
        .branch(
            dptree::filter(|press: CallbackQuery| is(press, "payment_menu")).endpoint(payment_menu),
        )
        .branch(dptree::filter(|press: CallbackQuery| is(press, "create")).endpoint(create));
    let handlers = dptree::filter_map(Asked::read).branch(commands).branch(buttons);
    Dispatcher::builder(bot, handlers).dependencies(dptree::deps![billing, payments, jobs]).build()
}

/// Answers until Ctrl-C.
pub async fn run() -> anyhow::Result<()> {
    let token = variable("BILLING_TOKEN")?.into();
    let billing = Connection::new(&ClientConfig::new(variable("BILLING_URL")?, Some(token)))?;
    let jobs = Jobs::connect(&variable("REDIS_URL")?).await?;
    wire(Bot::new(variable("TELEGRAM_BOT_TOKEN")?), &billing, jobs).dispatch().await;
    Ok(())
}
// [end]

// [2]
pub(crate) fn menu() -> InlineKeyboardMarkup {
    InlineKeyboardMarkup::new([
        [InlineKeyboardButton::callback("🎨 Создать", "create")],
        [InlineKeyboardButton::callback("💰 Оплатить / Баланс", "payment_menu")],
    ])
}

async fn start(bot: Bot, asked: Asked) -> anyhow::Result<()> {
    bot.send_message(asked.chat_id, "Что сделать?").reply_markup(menu()).await?;
    Ok(())
}

fn is(press: CallbackQuery, data: &str) -> bool {
    press.data.as_deref() == Some(data)
}

async fn create(bot: Bot, asked: Asked, press: CallbackQuery) -> anyhow::Result<()> {
    bot.answer_callback_query(press.id).await?;
    hint(bot, asked).await
}

async fn payment_menu(
    bot: Bot,
    asked: Asked,
    press: CallbackQuery,
    billing: BillingClient,
) -> anyhow::Result<()> {
    let pack =
        |rubles| InlineKeyboardButton::callback(format!("{rubles} ₽"), format!("pay:{rubles}"));
    let packs = InlineKeyboardMarkup::new([[100, 300, 500].map(pack)]);
    let text = balance_text(&billing, &asked.user_id).await?;
    bot.answer_callback_query(press.id).await?;
    bot.send_message(asked.chat_id, text).reply_markup(packs).await?;
    Ok(())
}

/// How many rubles a button of the packs stands for.
#[derive(Clone, Copy)]
struct Pack(u32);

fn pack(press: CallbackQuery) -> Option<Pack> {
    Some(Pack(press.data?.strip_prefix("pay:")?.parse().ok()?))
}

async fn pay(
    bot: Bot,
    me: Me,
    asked: Asked,
    press: CallbackQuery,
    Pack(rubles): Pack,
    payments: PaymentClient,
) -> anyhow::Result<()> {
    let request = CreatePaymentRequest {
        // Pressed once, paid once: the same update makes the same payment.
        request_id: format!("pay-{}", asked.update),
        user_id: asked.user_id,
        provider: PaymentProvider::Yookassa.into(),
        amount: Some(to_money(rubles.into(), "RUB")?),
        return_url: me.tme_url().into(),
        ..Default::default()
    };
    let payment = match payments.create_payment(request).await {
        Ok(created) => created.payment.unwrap_or_default(),
        Err(error) => {
            let sorry = "Оплата сейчас недоступна, попробуйте позже.";
            bot.answer_callback_query(press.id).text(sorry).show_alert(true).await?;
            return Err(error.into());
        }
    };
    let link = InlineKeyboardButton::url("Перейти к оплате", payment.confirmation_url.parse()?);
    bot.answer_callback_query(press.id).await?;
    let link = InlineKeyboardMarkup::new([[link]]);
    bot.send_message(asked.chat_id, "Счёт готов.").reply_markup(link).await?;
    Ok(())
}
// [end]

// [7]
async fn balance_text(billing: &BillingClient, user_id: &str) -> anyhow::Result<String> {
    let request = GetUserInfoRequest { user_id: user_id.to_owned() };
    let user = billing.get_user_info(request).await?.user.unwrap_or_default();
    let (left, total) = (user.free_operations_left, user.free_operations_total);
    let money = user.balance.unwrap_or_default();
    let balance = shown(to_decimal(&money), &money.currency_code, "ru");
    Ok(format!("Баланс: {balance}\nБесплатных операций: {left} из {total}"))
}
// [end]

async fn balance(bot: Bot, asked: Asked, billing: BillingClient) -> anyhow::Result<()> {
    bot.send_message(asked.chat_id, balance_text(&billing, &asked.user_id).await?).await?;
    Ok(())
}

// [3 5]
async fn generate(
    bot: Bot,
    asked: Asked,
    prompt: String,
    billing: BillingClient,
    jobs: Jobs,
) -> anyhow::Result<()> {
    check_balance(&bot, &billing, &asked, "generate", async |operation| {
        bot.send_message(asked.chat_id, "Генерирую…").await?;
        // Last: whatever fails before it gives everything back, and leaves no job behind.
        let operation_id = operation.operation_id;
        jobs.push(&Job { operation_id, prompt, chat_id: asked.chat_id.0 }).await
    })
    .await
}
// [end]

fn is_empty(prompt: String) -> bool {
    prompt.trim().is_empty()
}

async fn hint(bot: Bot, asked: Asked) -> anyhow::Result<()> {
    bot.send_message(asked.chat_id, HINT).await?;
    Ok(())
}

// [6]
async fn upscale(bot: Bot, asked: Asked, billing: BillingClient, jobs: Jobs) -> anyhow::Result<()> {
    let request = ChargeRequest {
        request_id: format!("tg-{}", asked.update),
        user_id: asked.user_id,
        kind: "upscale".to_owned(),
        ..Default::default()
    };
    let charged = match billing.charge(request).await {
        Ok(charged) => charged,
        Err(error) => {
            let Some(Refusal::InsufficientFunds { missing, currency, .. }) = error.refusal() else {
                return Err(error.into());
            };
            let text = format!("Не хватает {}", shown_missing(missing, &currency, "ru"));
            bot.send_message(asked.chat_id, text).reply_markup(menu()).await?;
            return Ok(());
        }
    };
    let operation_id = charged.operation.unwrap_or_default().operation_id;
    let (prompt, chat_id) = ("upscale".to_owned(), asked.chat_id.0);
    jobs.push(&Job { operation_id, prompt, chat_id }).await?;
    bot.send_message(asked.chat_id, "Улучшаю…").await?;
    Ok(())
}
// [end]
