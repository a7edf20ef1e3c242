//! The top-ups of the stand-in of billing: payments that a provider, also here, says were paid or not.

use std::{
    collections::HashMap,
    time::{Duration, SystemTime},
};

use proto::{
    billing::v1::{history_item::Item, payment_service_server::PaymentService, *},
    money::{from_micros, to_micros},
};
use tonic::{Code, Request, Response, Status};
use tonic_types::{ErrorDetails, StatusExt};
use uuid::Uuid;

use super::{Answer, Billing, Books, Hang, RUBLE, refused, rub};

/// What the provider says about a payment when it is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Says {
    Paid,
    /// Another amount than promised.
    PaidOther,
    Canceled,
}

/// Payments and how they may go wrong.
pub struct Till {
    pub methods: Vec<PaymentMethod>,
    /// Oldest first.
    pub payments: Vec<Payment>,
    pub refunds: Vec<PaymentRefund>,
    /// By payment; absent: it waits.
    pub says: HashMap<String, Says>,
    /// The provider does not answer.
    pub down: bool,
    /// RefreshPayment was asked too often.
    pub too_often: bool,
    /// CreatePayment is refused with this reason.
    pub refuse: Option<&'static str>,
    /// Where payments are made: a page's address before the payment's id.
    pub page: String,
}

impl Default for Till {
    fn default() -> Till {
        Till {
            methods: vec![yookassa(), stars()],
            payments: vec![],
            refunds: vec![],
            says: HashMap::new(),
            down: false,
            too_often: false,
            refuse: None,
            page: "https://pay.example/".to_owned(),
        }
    }
}

/// Cards: packs at their own price, and any amount from 10 to 15,000 rubles.
pub fn yookassa() -> PaymentMethod {
    let packs = [100, 300, 500, 1000]
        .map(|amount| TopUpPack { amount: rub(amount * RUBLE), price: rub(amount * RUBLE) });
    PaymentMethod {
        provider: PaymentProvider::Yookassa.into(),
        packs: packs.into(),
        min_amount: rub(10 * RUBLE),
        max_amount: rub(15_000 * RUBLE),
    }
}

/// Stars: packs only.
pub fn stars() -> PaymentMethod {
    let packs = [(100, 75), (300, 222), (500, 360), (1000, 711)].map(|(amount, price)| TopUpPack {
        amount: rub(amount * RUBLE),
        price: Some(from_micros(price * RUBLE, "XTR")),
    });
    PaymentMethod {
        provider: PaymentProvider::TelegramStars.into(),
        packs: packs.into(),
        ..PaymentMethod::default()
    }
}

impl Billing {
    pub fn payments(&self) -> Vec<Payment> {
        self.books().till.payments.clone()
    }

    /// From now on the provider says so about every payment that there is.
    pub fn provider_says(&self, says: Says) {
        let mut books = self.books();
        let ids: Vec<_> =
            books.till.payments.iter().map(|known| known.payment_id.clone()).collect();
        books.till.says.extend(ids.into_iter().map(|id| (id, says)));
    }

    /// So much of each payment goes back to its payer.
    pub fn refund_payments(&self, micros: i64) {
        let mut books = self.books();
        let refunds = books.till.payments.iter().map(|payment| PaymentRefund {
            refund_id: Uuid::now_v7().to_string(),
            payment_id: payment.payment_id.clone(),
            user_id: payment.user_id.clone(),
            origin: RefundOrigin::Admin.into(),
            state: RefundState::Pending.into(),
            amount: rub(micros),
            price: rub(micros),
            create_time: Some(SystemTime::now().into()),
            ..PaymentRefund::default()
        });
        let refunds: Vec<_> = refunds.collect();
        books.till.refunds.extend(refunds);
    }

    /// The payments are as old as that.
    pub fn age_payments(&self, age: Duration) {
        let made = SystemTime::now() - age;
        for payment in &mut self.books().till.payments {
            payment.create_time = Some(made.into());
        }
    }
}

impl Books {
    fn create_payment(
        &mut self,
        request: &CreatePaymentRequest,
    ) -> Result<(Payment, bool), Status> {
        if let Some(reason) = self.till.refuse {
            return Err(refused(Code::FailedPrecondition, reason, HashMap::new()));
        }
        if self.blocked.contains(&request.user_id) {
            return Err(refused(Code::FailedPrecondition, "USER_BLOCKED", HashMap::new()));
        }
        let payments = &self.till.payments;
        let known = payments.iter().position(|known| known.request_id == request.request_id);
        let place = match known {
            Some(place) => {
                let known = &self.till.payments[place];
                if (known.provider, &known.amount) != (request.provider, &request.amount) {
                    return Err(refused(Code::AlreadyExists, "REQUEST_ID_REUSED", HashMap::new()));
                }
                place
            }
            None => {
                let payment = self.new_payment(request)?;
                self.till.payments.push(payment);
                self.till.payments.len() - 1
            }
        };
        let (down, page) = (self.till.down, self.till.page.clone());
        let payment = &mut self.till.payments[place];
        if payment.state() == PaymentState::Created {
            if down {
                return Err(refused(Code::Unavailable, "PROVIDER_UNAVAILABLE", HashMap::new()));
            }
            payment.set_state(PaymentState::Pending);
            if payment.provider() == PaymentProvider::TelegramStars {
                payment.invoice = Some(Invoice {
                    payload: payment.payment_id.clone(),
                    currency: "XTR".to_owned(),
                    stars: payment.price.as_ref().unwrap().units,
                });
            } else {
                payment.confirmation_url = format!("{page}{}", payment.payment_id);
            }
        }
        Ok((payment.clone(), known.is_some()))
    }

    fn new_payment(&self, request: &CreatePaymentRequest) -> Result<Payment, Status> {
        let mut methods = self.till.methods.iter();
        let method =
            methods.find(|method| method.provider == request.provider).ok_or_else(|| {
                refused(Code::FailedPrecondition, "PROVIDER_NOT_CONFIGURED", HashMap::new())
            })?;
        let pack = method.packs.iter().find(|pack| pack.amount == request.amount);
        let micros =
            |money: &Option<_>| money.as_ref().map(|money| to_micros(money, "RUB").unwrap());
        let within = micros(&method.min_amount) <= micros(&request.amount)
            && micros(&request.amount) <= micros(&method.max_amount);
        let price = match pack {
            Some(pack) => pack.price.clone(),
            None if within => request.amount.clone(),
            None => {
                let field = HashMap::from([("field".to_owned(), "amount".to_owned())]);
                return Err(refused(Code::InvalidArgument, "INVALID_FIELD", field));
            }
        };
        Ok(Payment {
            payment_id: Uuid::now_v7().to_string(),
            user_id: request.user_id.clone(),
            request_id: request.request_id.clone(),
            provider: request.provider,
            state: PaymentState::Created.into(),
            amount: request.amount.clone(),
            price,
            create_time: Some(SystemTime::now().into()),
            ..Payment::default()
        })
    }

    fn refresh(&mut self, payment_id: &str) -> Result<Payment, Status> {
        if self.till.too_often {
            let limit = HashMap::from([("limit".to_owned(), "payment_refresh".to_owned())]);
            let mut details =
                ErrorDetails::with_error_info("LIMIT_EXCEEDED", "billing.kopilka", limit);
            details.set_retry_info(Some(Duration::from_secs(21)));
            return Err(Status::with_error_details(Code::ResourceExhausted, "too often", details));
        }
        if self.till.down {
            return Err(refused(Code::Unavailable, "PROVIDER_UNAVAILABLE", HashMap::new()));
        }
        let says = self.till.says.get(payment_id).copied();
        let payment = self.till.payments.iter_mut().find(|known| known.payment_id == payment_id);
        let payment = payment.unwrap();
        match says {
            Some(Says::Paid) if payment.credited.is_none() => {
                payment.set_state(PaymentState::Credited);
                payment.credited = payment.amount.clone();
                let amount = to_micros(payment.amount.as_ref().unwrap(), "RUB").unwrap();
                *self.balance.entry(payment.user_id.clone()).or_default() += amount;
            }
            Some(Says::PaidOther) => {
                payment.set_state(PaymentState::Paid);
                payment.set_park_reason(ParkReason::AmountMismatch);
                payment.received = rub(RUBLE);
            }
            Some(Says::Canceled) => payment.set_state(PaymentState::Canceled),
            Some(Says::Paid) | None => {}
        }
        Ok(payment.clone())
    }

    /// Newest first.
    fn history(&self, user_id: &str) -> Vec<HistoryItem> {
        let mut items: Vec<(String, Item)> = vec![];
        for operation in self.operations.iter().filter(|operation| operation.user_id == user_id) {
            items.push((operation.operation_id.clone(), Item::Operation(operation.clone())));
        }
        for payment in self.till.payments.iter().filter(|payment| payment.user_id == user_id) {
            items.push((payment.payment_id.clone(), Item::Payment(payment.clone())));
        }
        for refund in self.till.refunds.iter().filter(|refund| refund.user_id == user_id) {
            items.push((refund.refund_id.clone(), Item::Refund(refund.clone())));
        }
        items.sort_by(|(one, _), (other, _)| other.cmp(one));
        items.into_iter().map(|(_, item)| HistoryItem { item: Some(item) }).collect()
    }
}

/// One page of a list, and the token of the next.
fn page<T: Clone>(all: &[T], size: i32, token: &str) -> (Vec<T>, String) {
    let skip: usize = token.parse().unwrap_or_default();
    let size = if size == 0 { 50 } else { usize::try_from(size).unwrap().min(200) };
    let next = skip + size;
    let token = if all.len() > next { next.to_string() } else { String::new() };
    (all.iter().skip(skip).take(size).cloned().collect(), token)
}

#[tonic::async_trait]
impl PaymentService for Billing {
    async fn list_payment_methods(
        &self,
        _: Request<ListPaymentMethodsRequest>,
    ) -> Answer<ListPaymentMethodsResponse> {
        let methods = self.books().till.methods.clone();
        Ok(Response::new(ListPaymentMethodsResponse { methods }))
    }

    async fn create_payment(
        &self,
        request: Request<CreatePaymentRequest>,
    ) -> Answer<CreatePaymentResponse> {
        let made = self.books().create_payment(request.get_ref());
        self.hang_at(Hang::CreatePayment).await;
        let (payment, replayed) = made?;
        Ok(Response::new(CreatePaymentResponse { payment: Some(payment), replayed }))
    }

    async fn get_payment(&self, request: Request<GetPaymentRequest>) -> Answer<GetPaymentResponse> {
        let wanted = request.into_inner().payment_id;
        let known = self.payments().into_iter().find(|payment| payment.payment_id == wanted);
        match known {
            Some(payment) => Ok(Response::new(GetPaymentResponse { payment: Some(payment) })),
            None => Err(refused(Code::NotFound, "PAYMENT_NOT_FOUND", HashMap::new())),
        }
    }

    async fn list_payments(
        &self,
        request: Request<ListPaymentsRequest>,
    ) -> Answer<ListPaymentsResponse> {
        let request = request.into_inner();
        let mut payments = self.payments();
        payments.retain(|payment| {
            payment.user_id == request.user_id
                && (request.states.is_empty() || request.states.contains(&payment.state))
        });
        payments.reverse();
        let (payments, next_page_token) = page(&payments, request.page_size, &request.page_token);
        Ok(Response::new(ListPaymentsResponse { payments, next_page_token }))
    }

    async fn list_history(
        &self,
        request: Request<ListHistoryRequest>,
    ) -> Answer<ListHistoryResponse> {
        let request = request.into_inner();
        let items = self.books().history(&request.user_id);
        let (items, next_page_token) = page(&items, request.page_size, &request.page_token);
        Ok(Response::new(ListHistoryResponse { items, next_page_token }))
    }

    async fn refresh_payment(
        &self,
        request: Request<RefreshPaymentRequest>,
    ) -> Answer<RefreshPaymentResponse> {
        let payment = self.books().refresh(&request.get_ref().payment_id)?;
        Ok(Response::new(RefreshPaymentResponse { payment: Some(payment) }))
    }

    async fn submit_provider_notification(
        &self,
        _: Request<SubmitProviderNotificationRequest>,
    ) -> Answer<SubmitProviderNotificationResponse> {
        Err(Status::unimplemented("not asked by the conversation"))
    }

    async fn approve_pre_checkout(
        &self,
        _: Request<ApprovePreCheckoutRequest>,
    ) -> Answer<ApprovePreCheckoutResponse> {
        Err(Status::unimplemented("not asked by the conversation"))
    }

    async fn confirm_telegram_payment(
        &self,
        _: Request<ConfirmTelegramPaymentRequest>,
    ) -> Answer<ConfirmTelegramPaymentResponse> {
        Err(Status::unimplemented("not asked by the conversation"))
    }
}
