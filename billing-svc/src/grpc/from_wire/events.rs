//! What `EventService` is asked.

use crate::grpc::refusal::Refusal;

const MAX_CONSUMER_CHARS: usize = 64;

/// The name under which a consumer's position is kept.
pub fn consumer(text: String) -> Result<String, Refusal> {
    let fits = |byte: u8| {
        byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'_' | b'-')
    };
    if !(1..=MAX_CONSUMER_CHARS).contains(&text.len()) || !text.bytes().all(fits) {
        return Err(Refusal::field("consumer", "1 to 64 characters of [a-z0-9_-]"));
    }
    Ok(text)
}

/// Where a watch begins: 0 is before the first event.
pub fn after(position: Option<i64>) -> Result<Option<i64>, Refusal> {
    if position.is_some_and(|position| position < 0) {
        return Err(Refusal::field("after", "a position of an event, or 0 for all"));
    }
    Ok(position)
}

/// That it was given out is the store's to judge.
pub fn ack_position(position: i64) -> Result<i64, Refusal> {
    if position < 0 {
        return Err(Refusal::field("position", "the position of an event that was given out"));
    }
    Ok(position)
}
