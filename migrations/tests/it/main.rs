//! Each service's schema goes up, down and up again, and the wrong schema is refused, on both databases.

mod binary;
mod history;
mod place;
mod prepare;
