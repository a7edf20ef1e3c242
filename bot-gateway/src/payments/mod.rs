//! Money on its way in, at the gateway's edge: what a provider or Telegram says about it is handed on to billing-svc, which
//! believes none of it and asks by itself.
//!
//! [`webhook`] is answered 200 only once billing-svc has stored the notification. In Telegram Stars two things come as
//! updates: [`checkout`] answers the question before a payment, within seconds or not at all; [`stars`] hands on that it was
//! paid or given back, for days if need be. Users are told by [`crate::notices`].

pub mod checkout;
pub mod stars;
pub mod webhook;
