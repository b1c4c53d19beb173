//! What lull can show a server to be let in as a user.

use super::{Secret, scram};

/// What lull can show a server to be let in as a user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Means {
    /// Nothing: the server trusts lull's address.
    Trust,
    /// The password itself, for whatever the server asks.
    Password(Secret),
    /// `md5` and 32 hexadecimal digits: enough for a server that asks for md5.
    Md5(Secret),
    /// The two keys: enough for a server that holds the same verifier.
    Scram(scram::Keys),
}
