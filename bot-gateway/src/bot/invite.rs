//! Invitations: /invite shows a user's own link, /start with one notes who invited.

use proto::{
    billing::v1::{AcceptReferralRequest, GetReferralRequest, GetReferralResponse},
    client::CallError,
};
use teloxide::{
    prelude::Requester,
    types::{InlineKeyboardButton, InlineKeyboardMarkup},
};
use url::Url;

use super::{
    BotError, conversation,
    keyboard::{self, menu_button},
    session::Session,
    text::text,
};
use crate::telegram::send;

/// What comes before the code in a link's parameter.
const PREFIX: &str = "ref_";
/// Tries of the whole update before a greeting goes without its invitation.
const ATTEMPTS: u32 = 4;

/// /invite: the link, what both get, what became of it.
pub async fn show(session: &Session) -> Result<(), BotError> {
    let locale = session.locale;
    let request = GetReferralRequest { user_id: session.user_id.clone() };
    let referral = match session.services.promotions.get_referral(request).await {
        Ok(referral) => referral,
        Err(error) => {
            let (text, keyboard) = conversation::later(session, error.into())?;
            session.say(text, keyboard).await?;
            return Ok(());
        }
    };
    if is_off(&referral) {
        session.say(text!(locale, "invite-off"), Some(keyboard::to_menu(locale))).await?;
        return Ok(());
    }
    let link = link(session, &referral.code).await?;
    let text = text!(
        locale,
        "invite-words",
        link = link.as_str(),
        mine = operations(session, referral.inviter_operations),
        theirs = operations(session, referral.invitee_operations),
        invited = referral.invited,
        rewarded = referral.rewarded,
    );
    let share = Url::parse_with_params(
        "https://t.me/share/url",
        [("url", link.as_str()), ("text", &text!(locale, "invite-share-words"))],
    );
    let mut rows = vec![vec![menu_button(locale)]];
    if let Ok(share) = share {
        let button = InlineKeyboardButton::url(text!(locale, "invite-share"), share);
        rows.insert(0, vec![button]);
    }
    session.say(text, Some(InlineKeyboardMarkup::new(rows))).await?;
    Ok(())
}

/// /start with a parameter: what is to be added to the greeting; `None`: nothing, the parameter is no invitation or says
/// nothing to this user.
pub async fn accept(session: &Session, parameter: &str) -> Result<Option<String>, BotError> {
    let Some(code) = parameter.strip_prefix(PREFIX) else { return Ok(None) };
    let request = AcceptReferralRequest { user_id: session.user_id.clone(), code: code.to_owned() };
    match session.services.promotions.accept_referral(request).await {
        Ok(accepted) if accepted.invitee_operations > 0 => {
            let given = operations(session, accepted.invitee_operations);
            Ok(Some(text!(session.locale, "invited", given = given)))
        }
        Ok(_) => Ok(None),
        // The invitation would be lost with this greeting: both may wait a little.
        Err(error) if error.is_retryable() && session.origin.attempt < ATTEMPTS => {
            Err(error.into())
        }
        Err(error) => Ok(refusal(session, &error)),
    }
}

/// Why it doesn't count, where the user can make something of it; a link that is broken or comes too often just starts.
fn refusal(session: &Session, error: &CallError) -> Option<String> {
    let locale = session.locale;
    match (error.reason.as_str(), error.metadata.get("why").map(String::as_str)) {
        ("REFERRAL_REFUSED", Some("SELF")) => Some(text!(locale, "invited-self")),
        ("REFERRAL_REFUSED", Some("LOOP")) => Some(text!(locale, "invited-loop")),
        ("REFERRAL_REFUSED", Some("INVITED")) => Some(text!(locale, "invited-before")),
        ("REFERRAL_REFUSED", Some("CUSTOMER")) => Some(text!(locale, "invited-customer")),
        (reason, why) => {
            tracing::info!(reason, why, "an invitation was not taken");
            None
        }
    }
}

fn is_off(referral: &GetReferralResponse) -> bool {
    referral.inviter_operations == 0 && referral.invitee_operations == 0
}

fn operations(session: &Session, count: i64) -> String {
    text!(session.locale, "given-operations", count = count)
}

/// Telegram alone knows the bot's name, which its owner may change at any time.
async fn link(session: &Session, code: &str) -> Result<String, BotError> {
    let me = send::send(session.services.bot.get_me()).await?;
    Ok(format!("https://t.me/{}?start={PREFIX}{code}", me.username()))
}
