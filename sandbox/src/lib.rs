//! Everything that lets the product run and be tested without accounts: stand-ins of Telegram, fal.ai and YooKassa that
//! speak the real protocols, a bank of the sandbox's own, a chat page in the browser, and a harness that runs the three
//! services as processes.
//!
//! Nothing here is linked into a service, and no service is linked in here: the services are started as programs and
//! reached over their published interfaces only.

pub mod bank;
pub mod bench;
pub mod fal;
pub mod launcher;
pub mod page;
pub mod system;
pub mod telegram;
pub mod yookassa;

mod clock;
mod faults;
mod keep;
mod notices;
mod server;
mod till;
