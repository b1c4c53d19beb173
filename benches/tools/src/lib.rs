//! What the bench clients share: just enough of each protocol to log in with trust, send a simple query and know when
//! the answer is over. It looks at message headers only, so that the client is never the expensive part.

pub mod args;
pub mod client;
pub mod frames;
pub mod mysql;
