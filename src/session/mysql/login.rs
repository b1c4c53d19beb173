//! What a session is made of: what its login has found out, and the settings that hold for it.

use super::Server;
use crate::wire::mysql::capability::Capabilities;

/// What the login found out, and the limits that hold.
#[derive(Debug)]
pub struct Login {
    /// As the client has agreed on them, with lull.
    pub client: Capabilities,
    /// As the server has, with lull.
    pub upstream: Capabilities,
    pub server: Server,
    pub connection_id: u32,
    /// The client's, by its number.
    pub collation: u8,
    pub user: Box<str>,
    pub database: Box<str>,
    /// `_client_name` of the connection's attributes. Empty where the client does not say.
    pub client_name: Box<str>,
    /// The payload of the server's last OK, which the client has not got.
    pub ok: Vec<u8>,
    /// The number that it must have at the client.
    pub sequence: u8,
    /// One leg is private and the other is not: a password that is sent as such fits only one end.
    pub unlike: bool,
    pub settings: Settings,
}

/// The capabilities of the two legs.
#[derive(Clone, Copy, Debug)]
pub(super) struct Agreed {
    pub(super) client: Capabilities,
    pub(super) upstream: Capabilities,
    /// As in `Login`.
    pub(super) unlike: bool,
}

#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// The size of a message that must be inspected.
    pub inspect_bytes_max: usize,
    pub prepared_statements_max: usize,
    /// Whether who asks if the server is read-only is told yes in a lull.
    pub signals: bool,
    /// The number of the error by which this client is refused.
    pub refusal_code: u16,
    /// Whether the relay can open connections to other servers for it.
    pub travels: bool,
}
