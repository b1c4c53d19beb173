//! The same on MariaDB and MySQL.

mod service;
