//! Every RPC by its name, with a request that would do something if it were let through.

use proto::billing::v1::*;
use tonic::Status;

use crate::bank::payment_request;
use crate::service::{Client, charge_request, promo, refund_request, rub, seconds};

/// What the requests are about. All of it exists.
pub struct Subject {
    pub operation: Operation,
    pub payment: Payment,
    pub grant: Grant,
    /// Of another user.
    pub referral_code: String,
    pub promo_code: String,
}

/// Calls `Service/Rpc`.
pub async fn call(client: &Client, rpc: &str, on: &Subject) -> Result<(), Status> {
    let (service, rpc) = rpc.split_once('/').unwrap();
    match service {
        "BillingService" => billing(client, rpc, on).await,
        "PaymentService" => payment(client, rpc, on).await,
        "PromotionService" => promotion(client, rpc, on).await,
        "EventService" => event(client, rpc).await,
        "AdminService" => admin(client, rpc, on).await,
        other => panic!("{other}"),
    }
}

async fn billing(client: &Client, rpc: &str, on: &Subject) -> Result<(), Status> {
    let mut billing = client.billing();
    let operation_id = on.operation.operation_id.clone();
    let user_id = on.operation.user_id.clone();
    match rpc {
        "Charge" => {
            let request_id = format!("new-{user_id}");
            billing.charge(charge_request(&request_id, &user_id, "generate")).await.map(drop)
        }
        "Complete" => billing.complete(CompleteRequest { operation_id }).await.map(drop),
        "Refund" => billing.refund(refund_request(&on.operation)).await.map(drop),
        "ExtendHold" => {
            let hold = Some(seconds(3600));
            billing.extend_hold(ExtendHoldRequest { operation_id, hold }).await.map(drop)
        }
        "GetUserInfo" => billing.get_user_info(GetUserInfoRequest { user_id }).await.map(drop),
        "GetOperation" => {
            billing.get_operation(GetOperationRequest { operation_id }).await.map(drop)
        }
        "ListOperations" => {
            let request = ListOperationsRequest { user_id, ..Default::default() };
            billing.list_operations(request).await.map(drop)
        }
        "ListEntries" => {
            let request = ListEntriesRequest { user_id, ..Default::default() };
            billing.list_entries(request).await.map(drop)
        }
        "Quote" => {
            let request = QuoteRequest { user_id, kind: "edit".to_owned(), quantity: 1 };
            billing.quote(request).await.map(drop)
        }
        "ListPrices" => billing.list_prices(ListPricesRequest {}).await.map(drop),
        other => panic!("{other}"),
    }
}

async fn payment(client: &Client, rpc: &str, on: &Subject) -> Result<(), Status> {
    let mut payments = client.payments();
    let payment_id = on.payment.payment_id.clone();
    let user_id = on.payment.user_id.clone();
    match rpc {
        "ListPaymentMethods" => {
            payments.list_payment_methods(ListPaymentMethodsRequest {}).await.map(drop)
        }
        "CreatePayment" => {
            let request = payment_request(&format!("new-{user_id}"), &user_id, 100);
            payments.create_payment(request).await.map(drop)
        }
        "GetPayment" => payments.get_payment(GetPaymentRequest { payment_id }).await.map(drop),
        "ListPayments" => {
            let request = ListPaymentsRequest { user_id, ..Default::default() };
            payments.list_payments(request).await.map(drop)
        }
        "ListHistory" => {
            let request = ListHistoryRequest { user_id, ..Default::default() };
            payments.list_history(request).await.map(drop)
        }
        "RefreshPayment" => {
            payments.refresh_payment(RefreshPaymentRequest { payment_id }).await.map(drop)
        }
        "SubmitProviderNotification" => {
            let request = SubmitProviderNotificationRequest {
                provider: PaymentProvider::Sandbox.into(),
                body: r#"{"payment":"bank-1"}"#.into(),
                ..Default::default()
            };
            payments.submit_provider_notification(request).await.map(drop)
        }
        "ApprovePreCheckout" => {
            let request = ApprovePreCheckoutRequest {
                user_id,
                invoice_payload: payment_id,
                currency: "XTR".to_owned(),
                total_amount: 75,
            };
            payments.approve_pre_checkout(request).await.map(drop)
        }
        "ConfirmTelegramPayment" => {
            let request = ConfirmTelegramPaymentRequest {
                user_id,
                telegram_payment_charge_id: "charge".to_owned(),
                invoice_payload: payment_id,
                currency: "XTR".to_owned(),
                total_amount: 75,
            };
            payments.confirm_telegram_payment(request).await.map(drop)
        }
        other => panic!("{other}"),
    }
}

async fn promotion(client: &Client, rpc: &str, on: &Subject) -> Result<(), Status> {
    let mut promotions = client.promotions();
    let user_id = on.operation.user_id.clone();
    match rpc {
        "RedeemPromoCode" => {
            let code = on.promo_code.clone();
            promotions.redeem_promo_code(RedeemPromoCodeRequest { user_id, code }).await.map(drop)
        }
        "GetReferral" => promotions.get_referral(GetReferralRequest { user_id }).await.map(drop),
        "AcceptReferral" => {
            let code = on.referral_code.clone();
            promotions.accept_referral(AcceptReferralRequest { user_id, code }).await.map(drop)
        }
        other => panic!("{other}"),
    }
}

async fn event(client: &Client, rpc: &str) -> Result<(), Status> {
    let consumer = "test".to_owned();
    match rpc {
        "WatchEvents" => {
            let request = WatchEventsRequest { consumer, after: None };
            client.events().watch_events(request).await.map(drop)
        }
        "AckEvents" => {
            let request = AckEventsRequest { consumer, position: 0 };
            client.events().ack_events(request).await.map(drop)
        }
        other => panic!("{other}"),
    }
}

async fn admin(client: &Client, rpc: &str, on: &Subject) -> Result<(), Status> {
    let mut admin = client.admin();
    let user_id = on.operation.user_id.clone();
    match rpc {
        "AdjustBalance" => {
            let request = AdjustBalanceRequest {
                request_id: format!("a-{user_id}"),
                user_id,
                amount: Some(rub(1)),
                reason: "test".to_owned(),
            };
            admin.adjust_balance(request).await.map(drop)
        }
        "GrantCredits" => {
            admin.grant_credits(promo(&format!("g-{user_id}"), &user_id, 1)).await.map(drop)
        }
        "RevokeGrant" => {
            let request = RevokeGrantRequest {
                request_id: format!("r-{user_id}"),
                user_id,
                grant_id: on.grant.grant_id.clone(),
                reason: "test".to_owned(),
            };
            admin.revoke_grant(request).await.map(drop)
        }
        "ListGrants" => {
            let request = ListGrantsRequest { user_id, ..Default::default() };
            admin.list_grants(request).await.map(drop)
        }
        "SetStanding" => {
            let request = SetStandingRequest {
                request_id: format!("s-{user_id}"),
                user_id,
                standing: Standing::Good.into(),
                reason: "test".to_owned(),
            };
            admin.set_standing(request).await.map(drop)
        }
        "FindUsers" => admin.find_users(FindUsersRequest::default()).await.map(drop),
        "ListPromoCodes" => {
            admin.list_promo_codes(ListPromoCodesRequest::default()).await.map(drop)
        }
        _ => admin_of_the_house(client, rpc, on).await,
    }
}

/// What is about everybody, or about a payment.
async fn admin_of_the_house(client: &Client, rpc: &str, on: &Subject) -> Result<(), Status> {
    let mut admin = client.admin();
    let payment_id = on.payment.payment_id.clone();
    let request_id = format!("{rpc}-{payment_id}");
    let reason = "test".to_owned();
    match rpc {
        "PublishPrices" => {
            let price = |kind: &str| Price {
                kind: kind.to_owned(),
                price: Some(rub(1)),
                free_operations_allowed: true,
            };
            let prices = vec![price("generate"), price("edit")];
            let request = PublishPricesRequest { request_id, prices, reason };
            admin.publish_prices(request).await.map(drop)
        }
        "CreatePromoCode" => {
            let promo_code = PromoCode {
                code: "ANOTHER".to_owned(),
                campaign: "test".to_owned(),
                credits: Some(promo_code::Credits::Operations(1)),
                max_redemptions: 1,
                ..PromoCode::default()
            };
            let promo_code = Some(promo_code);
            let request = CreatePromoCodeRequest { request_id, promo_code, reason };
            admin.create_promo_code(request).await.map(drop)
        }
        "RefundPayment" => {
            let request = RefundPaymentRequest { request_id, payment_id, amount: None, reason };
            admin.refund_payment(request).await.map(drop)
        }
        "CreditPayment" => {
            let request = CreditPaymentRequest { request_id, payment_id, amount: None, reason };
            admin.credit_payment(request).await.map(drop)
        }
        "RecordDispute" => {
            let request = RecordDisputeRequest {
                request_id,
                payment_id,
                outcome: DisputeOutcome::Opened.into(),
                amount: None,
                reason,
            };
            admin.record_dispute(request).await.map(drop)
        }
        other => panic!("{other}"),
    }
}
