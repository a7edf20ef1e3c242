//! Telegram says that an invoice was paid; credited once Telegram's own list has it.

use proto::billing::v1::{ConfirmTelegramPaymentRequest, ConfirmTelegramPaymentResponse};
use tonic::Request;

use crate::grpc::refusal::Refusal;
use crate::grpc::{Edge, from_wire, to_wire};
use crate::payments::TelegramPayment;

pub async fn confirm_telegram_payment(
    edge: &Edge,
    request: Request<ConfirmTelegramPaymentRequest>,
) -> Result<ConfirmTelegramPaymentResponse, Refusal> {
    let message = request.into_inner();
    let paid = TelegramPayment {
        user_id: from_wire::user_id(message.user_id)?,
        telegram_payment_charge_id: from_wire::charge_id(message.telegram_payment_charge_id)?,
        invoice_payload: from_wire::invoice_payload(message.invoice_payload)?,
        price: from_wire::stars(message.currency, message.total_amount)?,
    };
    let now = edge.payments.confirm_telegram(paid).await?;
    let payment = to_wire::whole_payment(now.payment, now.refunds, &edge.currency);
    Ok(ConfirmTelegramPaymentResponse { payment: Some(payment), replayed: now.replayed })
}
