//! The client/server protocol of MySQL and MariaDB ("MySQL Internals: Client/Server Protocol", "MariaDB: Clients and
//! Servers Protocol").

pub mod attributes;
pub mod auth;
pub mod capability;
pub mod command;
pub mod error;
pub mod greeting;
pub mod handshake_response;
pub mod ok;
pub mod packet;
pub mod read;
pub mod row;
