//! The URLs of a service, and how its addresses are dialled.

use std::{
    io,
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use http::Uri;
use hyper_util::rt::TokioIo;
use tokio::{
    net::{TcpStream, lookup_host},
    time::timeout,
};
use tonic::transport::{Channel, ClientTlsConfig, Endpoint};

use super::{ClientError, error::words};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
const LOOKUP_TIMEOUT: Duration = Duration::from_secs(5);
const KEEP_ALIVE_INTERVAL: Duration = Duration::from_secs(10);
const KEEP_ALIVE_TIMEOUT: Duration = Duration::from_secs(5);

/// One URL of a service: a name that may stand for many addresses.
#[derive(Debug, Clone)]
pub(super) struct Target {
    uri: Uri,
    /// Without the brackets of an IPv6 address.
    host: String,
    port: u16,
}

impl Target {
    /// Reads URLs that are separated by commas.
    pub(super) fn parse(urls: &str) -> Result<Vec<Self>, ClientError> {
        urls.split(',').map(|url| Self::one(url.trim())).collect()
    }

    fn one(url: &str) -> Result<Self, ClientError> {
        let bad = |why: &str| ClientError::BadUrl(why.to_owned());
        let uri: Uri = url.parse().map_err(|error| bad(&format!("{error}")))?;
        let port = match uri.scheme_str() {
            Some("http") => 80,
            Some("https") => 443,
            Some(_) | None => return Err(bad("it must begin with http:// or https://")),
        };
        let authority = uri.authority().ok_or_else(|| bad("it names no host"))?;
        if authority.as_str().contains('@') {
            // Not shown: what stands there may be a password.
            return Err(bad("a user or password has no place in it"));
        }
        if uri.path_and_query().is_some_and(|path| path.as_str() != "/") {
            return Err(bad("gRPC knows no path"));
        }
        let host = authority.host().trim_start_matches('[').trim_end_matches(']').to_owned();
        if host.is_empty() {
            return Err(bad("it names no host"));
        }
        let port = match authority.port_u16() {
            Some(port) => port,
            None if authority.as_str() == authority.host() => port,
            None => return Err(bad("its port is none")),
        };
        Ok(Self { uri, host, port })
    }

    pub(super) fn is_https(&self) -> bool {
        self.uri.scheme_str() == Some("https")
    }

    /// All addresses that the name stands for now.
    pub(super) async fn look_up(&self) -> Result<Vec<SocketAddr>, String> {
        let looked_up = timeout(LOOKUP_TIMEOUT, lookup_host((self.host.as_str(), self.port)));
        let failed = |why: String| format!("{}: no address: {why}", self.host);
        match looked_up.await {
            Ok(Ok(addresses)) => match addresses.collect::<Vec<_>>() {
                none if none.is_empty() => Err(failed("none is known".to_owned())),
                some => Ok(some),
            },
            Ok(Err(error)) => Err(failed(error.to_string())),
            Err(_) => Err(failed("the name service does not answer".to_owned())),
        }
    }

    /// How connections are made. Whatever the address, the server is asked for, and checked against, the URL's host.
    pub(super) fn endpoint(&self, tls: Option<&ClientTlsConfig>) -> Result<Endpoint, ClientError> {
        let endpoint = Endpoint::from(self.uri.clone())
            .http2_keep_alive_interval(KEEP_ALIVE_INTERVAL)
            .keep_alive_timeout(KEEP_ALIVE_TIMEOUT)
            .keep_alive_while_idle(true);
        match tls {
            Some(tls) if self.is_https() => endpoint
                .tls_config(tls.clone().timeout(CONNECT_TIMEOUT))
                .map_err(|error| ClientError::BadTls(words(&error))),
            None if self.is_https() => Err(ClientError::NoCa),
            Some(_) | None => Ok(endpoint),
        }
    }

    /// For people: where a call went.
    pub(super) fn describe(&self, address: SocketAddr) -> String {
        if self.host.parse::<IpAddr>().is_ok() {
            return address.to_string();
        }
        format!("{}:{} ({})", self.host, self.port, address.ip())
    }
}

/// A channel to this very address, connected at its first call and again when its connection is gone.
pub(super) fn channel(endpoint: &Endpoint, address: SocketAddr) -> Channel {
    endpoint.connect_with_connector_lazy(tower::service_fn(move |_: Uri| dial(address)))
}

async fn dial(address: SocketAddr) -> io::Result<TokioIo<TcpStream>> {
    let too_long = || io::Error::new(io::ErrorKind::TimedOut, "no connection within 5 seconds");
    let stream =
        timeout(CONNECT_TIMEOUT, TcpStream::connect(address)).await.map_err(|_| too_long())??;
    stream.set_nodelay(true)?;
    Ok(TokioIo::new(stream))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_separated_by_commas() {
        let targets =
            Target::parse("http://billing:50051, https://billing.example,http://[::1]:7/").unwrap();
        let seen: Vec<_> =
            targets.iter().map(|one| (one.host.as_str(), one.port, one.is_https())).collect();
        assert_eq!(
            seen,
            [("billing", 50051, false), ("billing.example", 443, true), ("::1", 7, false)]
        );
    }

    #[test]
    fn what_is_no_url_of_a_grpc_service_is_refused_without_a_password() {
        for urls in [
            "",
            "billing:50051",
            "ftp://billing",
            "http://",
            "http://billing/path",
            "http://billing?query",
            "http://user:hidden@billing",
            "http://billing:99999",
            "http://billing:",
            "http://a:1,",
            "http://a:1,,http://b:1",
        ] {
            let error = Target::parse(urls).unwrap_err();
            assert!(matches!(error, ClientError::BadUrl(_)), "{urls}: {error}");
            assert!(!error.to_string().contains("hidden"), "{error}");
        }
    }

    #[test]
    fn an_address_is_described_with_the_name_that_led_there() {
        let describe =
            |url: &str, address: &str| Target::one(url).unwrap().describe(address.parse().unwrap());
        assert_eq!(describe("http://127.0.0.1:7", "127.0.0.1:7"), "127.0.0.1:7");
        assert_eq!(describe("http://billing:7", "10.0.0.8:7"), "billing:7 (10.0.0.8)");
    }
}
