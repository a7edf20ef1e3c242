//! What tonic itself says about a message that it can't read, in our words.
//!
//! Such a message never reaches an RPC, so nothing was written. tonic answers INTERNAL or OUT_OF_RANGE with no details;
//! every status of ours has details, so these can be told apart.

use http::Response;
use tonic::{Code, Status};

use crate::grpc::status;
use crate::metrics;

/// The name that stands for the message as a whole where a field's name is asked for.
const WHOLE: &str = "message";

/// Answers INVALID_FIELD for text that is not UTF-8, bytes that are not the message, and messages of more than `max` bytes;
/// leaves every other answer as it is.
pub fn unreadable_messages<R: Default>(max: usize, response: Response<R>) -> Response<R> {
    let Some(said) = Status::from_header_map(response.headers()) else { return response };
    if !said.details().is_empty() {
        return response;
    }
    let explained = match said.code() {
        Code::Internal => {
            let field = field(said.message()).unwrap_or_else(|| WHOLE.to_owned());
            status::unreadable(&field, "what billing/v1 says, all text in UTF-8")
        }
        Code::OutOfRange => {
            metrics::limit_exceeded("message_bytes");
            status::unreadable(WHOLE, &format!("at most {max} bytes"))
        }
        _ => return response,
    };
    explained.into_http()
}

/// The field that prost names, innermost first, each as `Message.field: `. No other way leads to it; a text that
/// looks otherwise names no field and is still refused.
fn field(message: &str) -> Option<String> {
    let mut path: Vec<&str> = message
        .split(": ")
        .filter_map(|part| part.split_once('.'))
        .map(|(_, field)| field)
        .filter(|field| !field.is_empty() && field.bytes().all(is_of_a_name))
        .collect();
    path.reverse();
    (!path.is_empty()).then(|| path.join("."))
}

fn is_of_a_name(byte: u8) -> bool {
    byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_'
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_field_is_named_from_the_outside_in() {
        let nested = "failed to decode Protobuf message: Money.currency_code: ChargeRequest.max_price: \
                      invalid string value: data is not UTF-8 encoded";
        assert_eq!(field(nested).as_deref(), Some("max_price.currency_code"));
        assert_eq!(field("failed to decode Protobuf message: buffer underflow"), None);
        assert_eq!(field("Missing request message."), None);
    }
}
