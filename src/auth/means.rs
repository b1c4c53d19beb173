//! What lull can show a server to be let in as a user.

use super::{Secret, scram};

/// What lull can show a server to be let in as a user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Means {
    /// Nothing: the server trusts lull's address, or the user has no password.
    Trust,
    /// The password itself, for whatever the server asks.
    Password(Secret),
    /// `md5` and 32 hexadecimal digits: enough for a server that asks for md5.
    Md5(Secret),
    /// The inner hash of `mysql_native_password`: enough for a server that asks for that.
    Native(Secret),
    /// The two keys: enough for a server that holds the same verifier.
    Scram(scram::Keys),
}

impl Means {
    /// What it is, and nothing of what is in it.
    pub fn describe(&self) -> &'static str {
        match self {
            Self::Trust => "no secret",
            Self::Password(_) => "the password",
            Self::Md5(_) => "an md5 hash",
            Self::Native(_) => "the hash of mysql_native_password",
            Self::Scram(_) => "the keys of SCRAM",
        }
    }
}
