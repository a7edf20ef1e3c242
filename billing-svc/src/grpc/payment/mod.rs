//! `PaymentService`, an RPC a file.

mod approve_pre_checkout;
mod confirm_telegram_payment;
mod create_payment;
mod get_payment;
mod list_history;
mod list_payment_methods;
mod list_payments;
mod refresh_payment;
mod submit_provider_notification;

use proto::billing::v1::payment_service_server::PaymentService;
use proto::billing::v1::*;
use tonic::{Request, Response, Status};

use super::Edge;

#[tonic::async_trait]
impl PaymentService for Edge {
    async fn list_payment_methods(
        &self,
        request: Request<ListPaymentMethodsRequest>,
    ) -> Result<Response<ListPaymentMethodsResponse>, Status> {
        self.answer(list_payment_methods::list_payment_methods(self, request).await)
    }

    async fn create_payment(
        &self,
        request: Request<CreatePaymentRequest>,
    ) -> Result<Response<CreatePaymentResponse>, Status> {
        self.answer(create_payment::create_payment(self, request).await)
    }

    async fn get_payment(
        &self,
        request: Request<GetPaymentRequest>,
    ) -> Result<Response<GetPaymentResponse>, Status> {
        self.answer(get_payment::get_payment(self, request).await)
    }

    async fn list_payments(
        &self,
        request: Request<ListPaymentsRequest>,
    ) -> Result<Response<ListPaymentsResponse>, Status> {
        self.answer(list_payments::list_payments(self, request).await)
    }

    async fn list_history(
        &self,
        request: Request<ListHistoryRequest>,
    ) -> Result<Response<ListHistoryResponse>, Status> {
        self.answer(list_history::list_history(self, request).await)
    }

    async fn refresh_payment(
        &self,
        request: Request<RefreshPaymentRequest>,
    ) -> Result<Response<RefreshPaymentResponse>, Status> {
        self.answer(refresh_payment::refresh_payment(self, request).await)
    }

    async fn submit_provider_notification(
        &self,
        request: Request<SubmitProviderNotificationRequest>,
    ) -> Result<Response<SubmitProviderNotificationResponse>, Status> {
        self.answer(submit_provider_notification::submit_provider_notification(self, request).await)
    }

    async fn approve_pre_checkout(
        &self,
        request: Request<ApprovePreCheckoutRequest>,
    ) -> Result<Response<ApprovePreCheckoutResponse>, Status> {
        self.answer(approve_pre_checkout::approve_pre_checkout(self, request).await)
    }

    async fn confirm_telegram_payment(
        &self,
        request: Request<ConfirmTelegramPaymentRequest>,
    ) -> Result<Response<ConfirmTelegramPaymentResponse>, Status> {
        self.answer(confirm_telegram_payment::confirm_telegram_payment(self, request).await)
    }
}
