//! Starts the whole product for `make run`.

fn main() {}
