//! Who may call what: the whole table, and nothing but the table.

use service_kit::auth::{Caller, Role};

use crate::ledger::RefundRight;

use Role::{Gateway, Service, Viewer, Worker};

/// Each RPC and the roles that may call it. An admin may call everything, also what is not listed here.
#[rustfmt::skip]
const TABLE: [(&str, &[Role]); 36] = [
    ("/billing.v1.BillingService/Charge",                     &[Gateway,         Service        ]),
    ("/billing.v1.BillingService/Complete",                   &[         Worker, Service        ]),
    ("/billing.v1.BillingService/Refund",                     &[Gateway, Worker, Service        ]),
    ("/billing.v1.BillingService/ExtendHold",                 &[         Worker, Service        ]),
    ("/billing.v1.BillingService/GetUserInfo",                &[Gateway,         Service, Viewer]),
    ("/billing.v1.BillingService/GetOperation",               &[         Worker, Service, Viewer]),
    ("/billing.v1.BillingService/ListOperations",             &[Gateway,         Service, Viewer]),
    ("/billing.v1.BillingService/ListEntries",                &[Gateway,         Service, Viewer]),
    ("/billing.v1.BillingService/Quote",                      &[Gateway,         Service, Viewer]),
    ("/billing.v1.BillingService/ListPrices",                 &[Gateway,         Service, Viewer]),
    ("/billing.v1.PaymentService/ListPaymentMethods",         &[Gateway,                  Viewer]),
    ("/billing.v1.PaymentService/CreatePayment",              &[Gateway                         ]),
    ("/billing.v1.PaymentService/GetPayment",                 &[Gateway,                  Viewer]),
    ("/billing.v1.PaymentService/ListPayments",               &[Gateway,                  Viewer]),
    ("/billing.v1.PaymentService/ListHistory",                &[Gateway,                  Viewer]),
    ("/billing.v1.PaymentService/RefreshPayment",             &[Gateway                         ]),
    ("/billing.v1.PaymentService/SubmitProviderNotification", &[Gateway                         ]),
    ("/billing.v1.PaymentService/ApprovePreCheckout",         &[Gateway                         ]),
    ("/billing.v1.PaymentService/ConfirmTelegramPayment",     &[Gateway                         ]),
    ("/billing.v1.PromotionService/RedeemPromoCode",          &[Gateway                         ]),
    ("/billing.v1.PromotionService/GetReferral",              &[Gateway                         ]),
    ("/billing.v1.PromotionService/AcceptReferral",           &[Gateway                         ]),
    ("/billing.v1.EventService/WatchEvents",                  &[Gateway                         ]),
    ("/billing.v1.EventService/AckEvents",                    &[Gateway                         ]),
    ("/billing.v1.AdminService/AdjustBalance",                &[                                ]),
    ("/billing.v1.AdminService/GrantCredits",                 &[                                ]),
    ("/billing.v1.AdminService/RevokeGrant",                  &[                                ]),
    ("/billing.v1.AdminService/ListGrants",                   &[                          Viewer]),
    ("/billing.v1.AdminService/SetStanding",                  &[                                ]),
    ("/billing.v1.AdminService/FindUsers",                    &[                          Viewer]),
    ("/billing.v1.AdminService/PublishPrices",                &[                                ]),
    ("/billing.v1.AdminService/CreatePromoCode",              &[                                ]),
    ("/billing.v1.AdminService/ListPromoCodes",               &[                          Viewer]),
    ("/billing.v1.AdminService/RefundPayment",                &[                                ]),
    ("/billing.v1.AdminService/CreditPayment",                &[                                ]),
    ("/billing.v1.AdminService/RecordDispute",                &[                                ]),
];

/// May this role call the RPC of this path?
pub fn may(role: Role, path: &str) -> bool {
    role == Role::Admin || TABLE.iter().any(|(rpc, roles)| *rpc == path && roles.contains(&role))
}

/// What a caller may give back.
pub fn refund_right(caller: &Caller) -> RefundRight {
    match caller.role {
        Role::Gateway => RefundRight::OwnCharges { caller: caller.name.clone() },
        Role::Worker | Role::Service => RefundRight::AnyCharged,
        Role::Admin => RefundRight::Everything,
        // Never gets here; and has charged nothing itself.
        Role::Viewer => RefundRight::OwnCharges { caller: caller.name.clone() },
    }
}
