//! What a call is apart from its message: who makes it, and how long they wait.

use std::time::Duration;

use service_kit::auth::Caller;
use tokio::time::Instant;
use tonic::metadata::MetadataMap;

use super::refusal::Refusal;

/// Who calls, and until when they wait.
#[derive(Debug)]
pub struct Call {
    /// Put there by the authentication layer.
    pub caller: Caller,
    /// From the `grpc-timeout` header; none where the client set none.
    pub deadline: Option<Instant>,
}

impl Call {
    /// Parts the call from its message.
    pub fn open<T>(request: tonic::Request<T>) -> Result<(Self, T), Refusal> {
        let (metadata, mut extensions, message) = request.into_parts();
        let caller = extensions
            .remove::<Caller>()
            .ok_or(Refusal::Defect("a call came past the authentication layer"))?;
        let deadline = timeout(&metadata).and_then(|timeout| Instant::now().checked_add(timeout));
        Ok((Self { caller, deadline }, message))
    }
}

/// Up to eight digits and a unit, as the gRPC protocol says; anything else counts as none.
fn timeout(metadata: &MetadataMap) -> Option<Duration> {
    let text = metadata.get("grpc-timeout")?.to_str().ok()?;
    let (digits, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    if digits.len() > 8 {
        return None;
    }
    let number: u64 = digits.parse().ok()?;
    match unit {
        "H" => Some(Duration::from_secs(number * 60 * 60)),
        "M" => Some(Duration::from_secs(number * 60)),
        "S" => Some(Duration::from_secs(number)),
        "m" => Some(Duration::from_millis(number)),
        "u" => Some(Duration::from_micros(number)),
        "n" => Some(Duration::from_nanos(number)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timeouts_are_read_as_the_protocol_says() {
        let table = [
            ("1H", Some(Duration::from_secs(3600))),
            ("2M", Some(Duration::from_secs(120))),
            ("99999999S", Some(Duration::from_secs(99_999_999))),
            ("150m", Some(Duration::from_millis(150))),
            ("7u", Some(Duration::from_micros(7))),
            ("0n", Some(Duration::ZERO)),
            ("100000000S", None),
            ("S", None),
            ("", None),
            ("-1S", None),
            ("5x", None),
        ];
        for (text, expected) in table {
            let mut metadata = MetadataMap::new();
            metadata.insert("grpc-timeout", text.parse().unwrap());
            assert_eq!(timeout(&metadata), expected, "{text}");
        }
    }
}
