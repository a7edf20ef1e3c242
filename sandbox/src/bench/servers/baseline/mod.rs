//! Servers to compare with: the ceiling, and what a good engineer would write first. They speak `billing.v1`, so that the
//! same load generator calls them and Kopilka.

mod echo;
mod one_transaction;
mod schema;
mod unasked;

use std::net::SocketAddr;

use anyhow::Context;
use clap::{Args, ValueEnum};
use proto::billing::v1::billing_service_server::BillingServiceServer;
use secrecy::SecretString;
use tokio::net::TcpListener;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::transport::Server;

pub use echo::Echo;
pub use one_transaction::OneTransaction;
pub use schema::{PRICE_MICROS, prepare};

/// Which one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, ValueEnum)]
pub enum Kind {
    /// Answers Charge and GetUserInfo at once, with made-up words: what tonic itself can do.
    Echo,
    /// Charges with five statements in a transaction of its own for each call, over a pool of 16 connections.
    OneTransaction,
}

impl Kind {
    /// As it is written on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Echo => "echo",
            Self::OneTransaction => "one-transaction",
        }
    }
}

/// What `kopilka-bench baseline` takes.
#[derive(Debug, Clone, Args)]
pub struct BaselineArgs {
    /// The server.
    pub kind: Kind,

    /// Where it serves; port 0: any free one. The first line of the output is the address.
    #[arg(long, default_value = "127.0.0.1:0", value_name = "ADDRESS")]
    pub listen: SocketAddr,

    /// Of one-transaction: a PostgreSQL. Tables and prices are made where they are missing.
    #[arg(
        long,
        env = "BASELINE_DATABASE_URL",
        hide_env_values = true,
        value_name = "URL",
        value_parser = secret
    )]
    pub database_url: Option<SecretString>,

    /// Of one-transaction: the bearer token that callers send. Absent: nobody is refused.
    #[arg(
        long,
        env = "BASELINE_TOKEN",
        hide_env_values = true,
        value_name = "TOKEN",
        value_parser = secret
    )]
    pub token: Option<SecretString>,
}

impl BaselineArgs {
    /// Serves until the process is ended.
    ///
    /// # Errors
    /// The address is taken; one-transaction has no database, or can't reach it.
    pub async fn run(self) -> anyhow::Result<()> {
        let listener = TcpListener::bind(self.listen)
            .await
            .with_context(|| format!("can't listen on {}", self.listen))?;
        let address = listener.local_addr()?;
        // The same of both sides of a comparison: small answers leave at once.
        let incoming = TcpListenerStream::new(listener);
        let mut server = Server::builder();
        match self.kind {
            Kind::Echo => {
                println!("{address}");
                let service = BillingServiceServer::new(Echo);
                server.add_service(service).serve_with_incoming(incoming).await?;
            }
            Kind::OneTransaction => {
                let url = self.database_url.context("one-transaction needs --database-url")?;
                let service = OneTransaction::connect(&url).await?;
                println!("{address}");
                let service = BillingServiceServer::with_interceptor(
                    service,
                    one_transaction::bearer(self.token),
                );
                server.add_service(service).serve_with_incoming(incoming).await?;
            }
        }
        Ok(())
    }
}

fn secret(text: &str) -> Result<SecretString, std::convert::Infallible> {
    Ok(SecretString::from(text))
}
