//! The part of the configuration that is about money in.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use clap::{Args, ValueEnum};
use ipnet::IpNet;
use secrecy::SecretString;
use url::Url;

use super::secret;
use super::values::{block, check, email, loopback_url, shop_number, web_url};
use crate::ledger::RepeatRule;
use crate::payments::catalogue::{Catalogue, CatalogueError};
use crate::payments::sandbox::SandboxBank;
use crate::payments::telegram_stars::TelegramStars;
use crate::payments::yookassa::{self, ReceiptSettings, Yookassa};
use crate::payments::{NoClient, PaymentProvider};

const MAX_CHECKS: usize = 10;

/// Who takes money, and how.
#[derive(Debug, Clone, Args)]
pub struct PaymentConfig {
    /// The number of the shop at YooKassa. Set it and YOOKASSA_SECRET_KEY, and users can pay there.
    #[arg(long, env = "YOOKASSA_SHOP_ID", value_name = "NUMBER", value_parser = shop_number)]
    pub yookassa_shop_id: Option<String>,

    /// The shop's secret key.
    #[arg(
        long,
        env = "YOOKASSA_SECRET_KEY",
        hide_env_values = true,
        value_name = "KEY",
        value_parser = secret
    )]
    pub yookassa_secret_key: Option<SecretString>,

    /// Where YooKassa's API is.
    #[arg(
        long,
        env = "YOOKASSA_API_URL",
        default_value = "https://api.yookassa.ru/v3",
        value_name = "URL",
        value_parser = web_url
    )]
    pub yookassa_api_url: Url,

    /// Where YooKassa sends users after paying, where CreatePayment does not say: the bot, mostly.
    #[arg(
        long,
        env = "YOOKASSA_RETURN_URL",
        default_value = "https://t.me",
        value_name = "URL",
        value_parser = web_url
    )]
    pub yookassa_return_url: Url,

    /// Where YooKassa's notifications may come from: addresses and CIDR blocks, separated by commas. Absent: anywhere, as what
    /// they say is not believed anyway. YooKassa names 185.71.76.0/27, 185.71.77.0/27, 77.75.153.0/25, 77.75.156.11,
    /// 77.75.156.35, 77.75.154.128/25, 2a02:5180::/32.
    #[arg(
        long,
        env = "YOOKASSA_NOTIFICATION_IPS",
        value_name = "BLOCKS",
        value_delimiter = ',',
        value_parser = block
    )]
    pub yookassa_notification_ips: Vec<IpNet>,

    /// YooKassa's code of the VAT on receipts (54-FZ), 1 to 12. Absent: no receipts are sent through YooKassa.
    #[arg(
        long,
        env = "YOOKASSA_RECEIPT_VAT_CODE",
        value_name = "CODE",
        value_parser = clap::value_parser!(u8).range(1..=12)
    )]
    pub yookassa_receipt_vat_code: Option<u8>,

    /// Where receipts go, where CreatePayment does not say. Absent: it has to.
    #[arg(long, env = "YOOKASSA_RECEIPT_EMAIL", value_name = "ADDRESS", value_parser = email)]
    pub yookassa_receipt_email: Option<String>,

    /// YooKassa's code of the tax system on receipts, 1 to 6; for those who have several.
    #[arg(
        long,
        env = "YOOKASSA_RECEIPT_TAX_SYSTEM",
        value_name = "CODE",
        value_parser = clap::value_parser!(u8).range(1..=6)
    )]
    pub yookassa_receipt_tax_system: Option<u8>,

    /// The bot's token. Set it, and users can pay with Telegram Stars: the list of the bot's transactions says who has.
    #[arg(
        long,
        env = "TELEGRAM_BOT_TOKEN",
        hide_env_values = true,
        value_name = "TOKEN",
        value_parser = secret
    )]
    pub telegram_bot_token: Option<SecretString>,

    /// Where Telegram's Bot API is.
    #[arg(
        long,
        env = "TELEGRAM_API_URL",
        default_value = "https://api.telegram.org",
        value_name = "URL",
        value_parser = web_url
    )]
    pub telegram_api_url: Url,

    /// What happens to the second payment of one invoice in Telegram Stars: credit it like the first, or refund it.
    #[arg(long, env = "BILLING_STARS_REPEAT", default_value = "credit", value_name = "RULE")]
    pub stars_repeat: StarsRepeat,

    /// What is sold: TOML, `[[pack]]` with `amount` (a decimal in quotes, of one unit) and `stars` (what it costs in Telegram
    /// Stars; absent: not sold for them), and `min` and `max` of an amount of the user's own choice. Absent: 100, 300, 500 and
    /// 1000 for 75, 225, 375 and 750 Stars, 10 to 15000.
    #[arg(long, env = "BILLING_TOPUPS_FILE", value_name = "FILE")]
    pub topups_file: Option<PathBuf>,

    /// After how long a payment that is not final is asked about, each from the one before, separated by commas: up to ten
    /// of 1s to 30d. After the last it is given up.
    #[arg(
        long,
        env = "BILLING_PAYMENT_CHECKS",
        default_value = "5m,1h,1d",
        value_name = "DURATIONS",
        value_delimiter = ',',
        value_parser = check
    )]
    pub payment_checks: Vec<Duration>,

    /// The sandbox's own bank, on a loopback address: play money. Absent: none.
    #[arg(long, env = "BILLING_SANDBOX_BANK_URL", value_name = "URL", value_parser = loopback_url)]
    pub sandbox_bank_url: Option<Url>,
}

/// What happens to the second payment of one invoice in Telegram Stars.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum StarsRepeat {
    /// It is credited like the first.
    Credit,
    /// It is given back.
    Refund,
}

impl From<StarsRepeat> for RepeatRule {
    fn from(rule: StarsRepeat) -> Self {
        match rule {
            StarsRepeat::Credit => Self::Credit,
            StarsRepeat::Refund => Self::Refund,
        }
    }
}

/// Who takes money, checked as a whole.
#[derive(Debug, Clone)]
pub struct PaymentSettings {
    /// The shop, if there is one.
    pub yookassa: Option<yookassa::Settings>,
    /// Where the Bot API is, and the bot's token, if there is one.
    pub stars: Option<(Url, SecretString)>,
    /// The sandbox's bank, if there is one.
    pub sandbox_bank: Option<Url>,
    /// What is sold.
    pub catalogue: Catalogue,
    /// When a payment that is not final is asked about.
    pub checks: Vec<Duration>,
}

/// Why the configuration of money in can't be used.
#[derive(Debug, thiserror::Error)]
pub enum PaymentConfigError {
    /// One without the other.
    #[error("YOOKASSA_SHOP_ID and YOOKASSA_SECRET_KEY belong together: set both, or neither")]
    HalfAShop,
    /// Receipts that would not be sent.
    #[error(
        "YOOKASSA_RECEIPT_EMAIL and YOOKASSA_RECEIPT_TAX_SYSTEM need YOOKASSA_RECEIPT_VAT_CODE"
    )]
    NoVatCode,
    /// Not a schedule.
    #[error("BILLING_PAYMENT_CHECKS: at most ten")]
    TooManyChecks,
    /// BILLING_TOPUPS_FILE.
    #[error("BILLING_TOPUPS_FILE: {0}")]
    Catalogue(#[from] CatalogueError),
}

impl PaymentConfig {
    /// Reads the file and checks what hangs together.
    ///
    /// # Errors
    /// The first thing that is wrong, by the name of its variable.
    pub fn check(&self) -> Result<PaymentSettings, PaymentConfigError> {
        if self.payment_checks.len() > MAX_CHECKS {
            return Err(PaymentConfigError::TooManyChecks);
        }
        let token = self.telegram_bot_token.clone();
        Ok(PaymentSettings {
            yookassa: self.shop()?,
            stars: token.map(|token| (self.telegram_api_url.clone(), token)),
            sandbox_bank: self.sandbox_bank_url.clone(),
            catalogue: match &self.topups_file {
                Some(path) => Catalogue::load(path)?,
                None => Catalogue::default(),
            },
            checks: self.payment_checks.clone(),
        })
    }

    fn shop(&self) -> Result<Option<yookassa::Settings>, PaymentConfigError> {
        let email = self.yookassa_receipt_email.clone();
        let tax_system_code = self.yookassa_receipt_tax_system;
        let receipts = match self.yookassa_receipt_vat_code {
            Some(vat_code) => Some(ReceiptSettings { vat_code, tax_system_code, email }),
            None if email.is_some() || tax_system_code.is_some() => {
                return Err(PaymentConfigError::NoVatCode);
            }
            None => None,
        };
        match (self.yookassa_shop_id.clone(), self.yookassa_secret_key.clone()) {
            (Some(shop_id), Some(secret_key)) => Ok(Some(yookassa::Settings {
                shop_id,
                secret_key,
                api_url: self.yookassa_api_url.clone(),
                return_url: self.yookassa_return_url.to_string(),
                notification_ips: self.yookassa_notification_ips.clone(),
                receipts,
            })),
            (None, None) => Ok(None),
            (Some(_), None) | (None, Some(_)) => Err(PaymentConfigError::HalfAShop),
        }
    }
}

impl PaymentSettings {
    /// Everybody who takes money in `currency`.
    ///
    /// # Errors
    /// An HTTP client can't be set up.
    pub fn providers(&self, currency: &str) -> Result<Vec<Arc<dyn PaymentProvider>>, NoClient> {
        let catalogue = || self.catalogue.clone();
        let mut providers: Vec<Arc<dyn PaymentProvider>> = Vec::new();
        if let Some(shop) = &self.yookassa {
            providers.push(Arc::new(Yookassa::new(shop.clone(), catalogue(), currency)?));
        }
        if let Some((api_url, token)) = &self.stars {
            let stars = TelegramStars::new(api_url.clone(), token.clone(), catalogue())?;
            providers.push(Arc::new(stars));
        }
        if let Some(url) = &self.sandbox_bank {
            providers.push(Arc::new(SandboxBank::new(url.clone(), catalogue(), currency)?));
        }
        Ok(providers)
    }
}
