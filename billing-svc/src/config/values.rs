//! What single values take. The errors are what clap prints.

use std::net::IpAddr;
use std::time::Duration;

use http::HeaderValue;
use ipnet::IpNet;
use url::{Host, Url};

const CHECK: std::ops::RangeInclusive<Duration> =
    Duration::from_secs(1)..=Duration::from_secs(30 * 24 * 60 * 60);

pub(super) fn shop_number(text: &str) -> Result<String, &'static str> {
    let whole = (1..=64).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic());
    if whole && !text.contains(':') {
        Ok(text.to_owned())
    } else {
        Err("as the shop's settings show it")
    }
}

pub(super) fn web_url(text: &str) -> Result<Url, &'static str> {
    Url::parse(text)
        .ok()
        .filter(|url| matches!(url.scheme(), "https" | "http") && url.has_host())
        .ok_or("an address that begins with https:// or http://")
}

/// Written as browsers write it: anything else would never be met.
pub(super) fn origin(text: &str) -> Result<HeaderValue, String> {
    const TAKES: &str = "scheme://host or scheme://host:port, like https://console.example";
    let text = text.trim();
    if text == "*" {
        return Err(format!("every page of the web could call: name the origins, {TAKES}"));
    }
    let url = web_url(text).map_err(|_| TAKES.to_owned())?;
    let origin = url.origin().ascii_serialization();
    if origin != text {
        return Err(format!("{TAKES}; browsers write this one as {origin}"));
    }
    HeaderValue::from_str(text).map_err(|error| error.to_string())
}

pub(super) fn loopback_url(text: &str) -> Result<Url, &'static str> {
    web_url(text)
        .ok()
        .filter(|url| match url.host() {
            Some(Host::Ipv4(ip)) => ip.is_loopback(),
            Some(Host::Ipv6(ip)) => ip.is_loopback(),
            Some(Host::Domain(name)) => name == "localhost",
            None => false,
        })
        .ok_or("an http address on this machine, like http://127.0.0.1:8094")
}

/// A block, or one address.
pub(super) fn block(text: &str) -> Result<IpNet, &'static str> {
    let text = text.trim();
    text.parse::<IpNet>()
        .or_else(|_| text.parse::<IpAddr>().map(IpNet::from))
        .map_err(|_| "addresses and CIDR blocks, like 77.75.153.0/25,77.75.156.11")
}

pub(super) fn email(text: &str) -> Result<String, &'static str> {
    let (name, domain) = text.split_once('@').unwrap_or_default();
    let plain = text.len() <= 254 && text.bytes().all(|b| b.is_ascii_graphic());
    if plain && !name.is_empty() && domain.contains('.') && !domain.contains('@') {
        Ok(text.to_owned())
    } else {
        Err("an e-mail address")
    }
}

/// Longer than the longest hold and than the day of a daily limit: what these count is never archived.
const ARCHIVE: std::ops::RangeInclusive<Duration> = days(31)..=days(36_500);

const fn days(days: u64) -> Duration {
    Duration::from_secs(days * 24 * 60 * 60)
}

pub(super) fn archive(text: &str) -> Result<Duration, String> {
    let after = humantime::parse_duration(text.trim()).map_err(|error| error.to_string())?;
    if ARCHIVE.contains(&after) { Ok(after) } else { Err("31d to 36500d".to_owned()) }
}

/// How often something is done that may also never be done.
pub(super) fn audit(text: &str) -> Result<Duration, String> {
    let interval = humantime::parse_duration(text.trim()).map_err(|error| error.to_string())?;
    let allowed = interval.is_zero() || CHECK.contains(&interval);
    if allowed { Ok(interval) } else { Err("0s, or 1s to 30d".to_owned()) }
}

pub(super) fn check(text: &str) -> Result<Duration, String> {
    let check = humantime::parse_duration(text.trim()).map_err(|error| error.to_string())?;
    if CHECK.contains(&check) { Ok(check) } else { Err("1s to 30d".to_owned()) }
}
