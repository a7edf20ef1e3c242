//! Connections, made before anything is measured.

use std::error::Error;
use std::iter;
use std::time::Duration;

use anyhow::{Context, anyhow, bail};
use secrecy::{ExposeSecret, SecretString};
use tonic::metadata::{Ascii, MetadataValue};
use tonic::transport::{Channel, Endpoint};
use url::Url;

use super::Target;

const CONNECT_WITHIN: Duration = Duration::from_secs(5);

/// Connects to each URL in turns, as often as `target` says and `in_flight` calls can use.
pub(super) async fn connect(target: &Target, in_flight: usize) -> anyhow::Result<Vec<Channel>> {
    if target.urls.is_empty() {
        bail!("there is no URL to call");
    }
    let endpoints =
        target.urls.iter().map(|url| endpoint(url)).collect::<anyhow::Result<Vec<_>>>()?;
    let wanted = target.connections_for(in_flight);
    let mut channels = Vec::with_capacity(wanted);
    for (url, endpoint) in target.urls.iter().zip(&endpoints).cycle().take(wanted) {
        let connected = endpoint.connect().await;
        channels.push(
            connected.map_err(|error| anyhow!("nothing answers at {url}: {}", root(&error)))?,
        );
    }
    Ok(channels)
}

fn endpoint(url: &str) -> anyhow::Result<Endpoint> {
    let wrong = || format!("not a URL of a gRPC service (http://host:port): {url}");
    let parsed = Url::parse(url).with_context(wrong)?;
    match parsed.scheme() {
        "http" => {}
        "https" => {
            bail!("{url}: this program speaks no TLS; call an instance that listens on http://")
        }
        _ => bail!(wrong()),
    }
    if !parsed.has_host() {
        bail!(wrong());
    }
    let endpoint = Endpoint::from_shared(url.to_owned()).with_context(wrong)?;
    Ok(endpoint.connect_timeout(CONNECT_WITHIN))
}

/// What it comes from: "transport error" helps nobody.
fn root(error: &(dyn Error + 'static)) -> String {
    let causes = iter::successors(Some(error), |&error| error.source());
    causes.last().unwrap_or(error).to_string()
}

/// The value of `authorization`.
pub(super) fn bearer(token: &SecretString) -> anyhow::Result<MetadataValue<Ascii>> {
    let value = MetadataValue::try_from(format!("Bearer {}", token.expose_secret()));
    // The error would show the token.
    let mut value =
        value.map_err(|_| anyhow!("the token holds characters that no header may carry"))?;
    value.set_sensitive(true);
    Ok(value)
}
