//! bot-gateway
