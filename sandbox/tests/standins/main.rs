//! Facts about the stand-ins' protocols that the services rely on.

mod fal;
mod telegram;
mod teloxide_client;
mod webhook;
