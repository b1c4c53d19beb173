//! How a password is proven without being shown: PostgreSQL's SCRAM-SHA-256 and md5, MySQL's and MariaDB's native
//! method and caching_sha2_password, from both sides, MariaDB's ed25519, and the file in which secrets are written.
//!
//! Pure: messages in, messages out; randomness is an argument. Guarantees that a secret is overwritten when it is no
//! longer needed, that none has a `Debug` that shows it, and that no error names one. It must not know who asks, over
//! which connection, or what a lull is.

pub mod binding;
pub mod ed25519;
pub mod md5;
mod means;
pub mod native;
pub mod scram;
mod secret;
pub mod sha2;
mod userlist;
mod verifier;

pub use means::Means;
pub use secret::Secret;
pub use userlist::{BrokenLine, Userlist};
pub use verifier::Verifier;
