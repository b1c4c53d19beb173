//! SCRAM-SHA-256 and SCRAM-SHA-256-PLUS (RFC 5802, RFC 7677; manual: "SASL Authentication") as a client and as a server.
//!
//! Each step of an exchange is a type that the next one takes, so that none can be left out. As a server, an exchange
//! that succeeds gives up the client's key: with it lull can log in wherever the same verifier is held.

mod attributes;
mod client;
mod keys;
mod overheard;
mod server;
mod verifier;

pub use client::{Binding, Challenge, Client};
pub use keys::Keys;
pub use overheard::Overheard;
pub use server::{Offer, Proven, Wrong};
pub use verifier::Verifier;

pub const MECHANISM: &str = "SCRAM-SHA-256";
/// With channel binding.
pub const MECHANISM_PLUS: &str = "SCRAM-SHA-256-PLUS";
/// What a nonce is made of.
pub const NONCE_BYTES: usize = 18;

/// As many as cost a server about as much as a login may: a stranger must not name more. PostgreSQL's default is 4096.
pub const ITERATIONS_MAX: u32 = 1_000_000;
pub const ITERATIONS_DEFAULT: u32 = 4096;

#[cfg(test)]
mod tests;
