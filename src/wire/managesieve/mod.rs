//! ManageSieve as text: commands with their strings and literals, and responses.
//!
//! Called by `server::managesieve`. Pure: no I/O, no clock. Promised: a command takes no more memory than its limits say, and no input
//! panics.
//!
//! RFC 5804 §1.2 (syntax), §1.3 (response codes), §1.6 (names), §1.7 (capabilities), §2 (commands), §4 (formal syntax)

pub mod capability;
pub mod command;
pub mod response;
