//! Events, promo codes and referrals: each counted as often as it is there.

use std::collections::BTreeMap;

use super::{Balances, Check, Invariant, PAGE};
use crate::ledger::{GrantId, ReferralState, User};
use crate::store::StoreError;

impl Check<'_> {
    /// Checks a user's events; answers how many there are.
    pub(super) async fn events(&mut self, id: &str) -> Result<i64, StoreError> {
        let mut last = 0;
        // `None`: the one before was not given out.
        let mut before = Some(0);
        while let Some(((_, sequence), event)) = self.events.next_of(id).await? {
            self.report.events += 1;
            let row = || format!("events {id} {sequence}");
            if sequence != last + 1 {
                self.report.add(Invariant::I7, row(), format!("comes after {last}"));
            }
            last = sequence;
            match event {
                Ok((_, position)) => {
                    if position.is_some() && before.is_none_or(|before| position <= Some(before)) {
                        let what = format!("has position {position:?}, the one before {before:?}");
                        self.report.add(Invariant::I7, row(), what);
                    }
                    before = position;
                }
                Err(error) => self.report.unreadable(&error),
            }
        }
        Ok(last)
    }

    /// Positions of all events together count 1, 2, 3… up to the last that was given out.
    pub(super) async fn positions(&mut self) -> Result<(), StoreError> {
        let (count, highest, last) = self.snapshot.positions().await?;
        if count != last || highest != last {
            let what = format!("is {last}; {count} events have a position, up to {highest}");
            self.report.add(Invariant::I7, "event_position".to_owned(), what);
        }
        Ok(())
    }

    /// Checks what a user has redeemed, by whom they were invited, and that their own code can be read.
    pub(super) async fn promotions(
        &mut self,
        id: &str,
        user: Option<&User>,
        balances: &Balances,
    ) -> Result<(), StoreError> {
        let given = |grant| balances.grants.keys().any(|(id, _)| *id == grant);
        while let Some(((_, code), redemption)) = self.redemptions.next_of(id).await? {
            match redemption {
                Ok(redemption) if given(redemption.grant_id) => {}
                Ok(redemption) => {
                    let row = format!("promo_redemptions {id} {code}");
                    let what = format!("gave {}, and there is no such grant", redemption.grant_id);
                    self.report.add(Invariant::Promotions, row, what);
                }
                Err(error) => self.report.unreadable(&error),
            }
        }
        while let Some((_, referral)) = self.referrals.next_of(id).await? {
            match referral {
                Ok(referral) => {
                    let earned = referral.state != ReferralState::Accepted;
                    let topups = user.map_or(0, |user| user.topups);
                    let rewarded = given(GrantId::invited(&referral.user_id));
                    if earned != (topups > 0) || (rewarded && !earned) {
                        let row = format!("referrals {id}");
                        let what = format!("is {:?} after {topups} top-ups", referral.state);
                        self.report.add(Invariant::Promotions, row, what);
                    }
                }
                Err(error) => self.report.unreadable(&error),
            }
        }
        while let Some((_, own)) = self.referral_codes.next_of(id).await? {
            if let Err(error) = own {
                self.report.unreadable(&error);
            }
        }
        Ok(())
    }

    /// Promo codes against all their redemptions, and inviters who must exist.
    pub(super) async fn promotions_of_all(&mut self) -> Result<(), StoreError> {
        let redeemed = self.snapshot.redemptions_by_code().await?;
        let mut redeemed: BTreeMap<String, i64> = redeemed.into_iter().collect();
        let mut after = None;
        loop {
            let page = self.snapshot.promo_codes(after.as_ref(), PAGE).await?;
            let Some((last, _)) = page.last() else { break };
            after = Some(last.clone());
            for (code, promo_code) in page {
                let counted = redeemed.remove(&code).unwrap_or(0);
                match promo_code {
                    Ok(promo_code) if promo_code.redemptions == counted => {}
                    Ok(promo_code) => {
                        let said = promo_code.redemptions;
                        let what = format!("redemptions is {said}, there are {counted}");
                        self.report.add(Invariant::Promotions, format!("promo_codes {code}"), what);
                    }
                    Err(error) => self.report.unreadable(&error),
                }
            }
        }
        for (code, counted) in redeemed {
            let what = format!("was redeemed {counted} times and does not exist");
            self.report.add(Invariant::Promotions, format!("promo_codes {code}"), what);
        }
        for user in self.snapshot.invited_by_nobody(PAGE).await? {
            let row = format!("referrals {user}");
            self.report.add(Invariant::Promotions, row, "names an inviter who does not exist");
        }
        Ok(())
    }
}
