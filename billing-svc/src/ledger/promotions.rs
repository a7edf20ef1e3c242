//! Promo codes and referrals.

use super::{Credits, GrantId, PromoCodeName, ReferralCode, Timestamp, UserId};

/// A word that gives something to those who know it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PromoCode {
    /// The word.
    pub code: PromoCodeName,
    /// What it belongs to, for people and statistics.
    pub campaign: String,
    /// What each user gets.
    pub credits: Credits,
    /// The grant's place in the order of spending.
    pub priority: i32,
    /// How often it can be redeemed, by all users together.
    pub max_redemptions: i64,
    /// How often it was.
    pub redemptions: i64,
    /// From then on it can't be.
    pub expire_time: Option<Timestamp>,
    /// When what it gave is lost.
    pub grant_expire_time: Option<Timestamp>,
    /// When it was made.
    pub create_time: Timestamp,
}

/// A code that a user has redeemed; once each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Redemption {
    /// Who.
    pub user_id: UserId,
    /// Which.
    pub code: PromoCodeName,
    /// What it gave.
    pub grant_id: GrantId,
    /// When.
    pub create_time: Timestamp,
}

/// Where an invitation stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReferralState {
    /// The invited has not topped up yet.
    Accepted,
    /// They have, and got their grant; the one who invited has not yet.
    Earned,
    /// Both have.
    Rewarded,
}

/// Who invited whom; one row for each invited user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Referral {
    /// Who came.
    pub user_id: UserId,
    /// By whose code.
    pub inviter: UserId,
    /// Where it stands.
    pub state: ReferralState,
    /// When they came.
    pub create_time: Timestamp,
    /// When it last changed.
    pub update_time: Timestamp,
}

/// A user's own referral code, for ever.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnReferralCode {
    /// Whose.
    pub user_id: UserId,
    /// The code.
    pub code: ReferralCode,
    /// Since when.
    pub create_time: Timestamp,
}

/// What referrals give, in free operations; nothing where both are 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ReferralRewards {
    /// To the one who invited.
    pub inviter_operations: i64,
    /// To the invited.
    pub invitee_operations: i64,
}

/// Why an invitation does not count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReferralRefusal {
    /// Nobody has that code.
    UnknownCode,
    /// It is the user's own.
    Own,
    /// The user has invited others: an invitation is for those who are new, and so no circle can close.
    Loop,
    /// Somebody else invited them before.
    Invited,
    /// They have topped up before.
    Customer,
}
