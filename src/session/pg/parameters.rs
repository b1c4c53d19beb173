//! The settings that the server reports (manual: "Asynchronous Operations"), as far as lull depends on them.

use crate::sql::pg::{Conforming, Encoding, Modes};

pub(super) const READ_ONLY_DEFAULT: &[u8] = b"default_transaction_read_only";

#[derive(Debug)]
pub struct Parameters {
    conforming: bool,
    encoding: Encoding,
    server_major: u16,
    /// As reported. None: a server before 14, which does not report it.
    pub(super) read_only_default: Option<bool>,
    /// What it was when the login ended: what RESET returns to.
    pub(super) read_only_at_login: Option<bool>,
}

impl Default for Parameters {
    fn default() -> Self {
        Self {
            conforming: true,
            encoding: Encoding::Safe,
            server_major: 0,
            read_only_default: None,
            read_only_at_login: None,
        }
    }
}

impl Parameters {
    pub fn report(&mut self, name: &[u8], value: &[u8]) {
        match name {
            b"standard_conforming_strings" => self.conforming = value == b"on",
            b"client_encoding" => self.encoding = Encoding::from_name(value),
            b"server_version" => self.server_major = major(value),
            READ_ONLY_DEFAULT => self.read_only_default = Some(value == b"on"),
            _ => {}
        }
    }

    pub fn login_ended(&mut self) {
        self.read_only_at_login = self.read_only_default;
    }

    pub(super) fn server_major(&self) -> u16 {
        self.server_major
    }

    /// How the server reads a text now.
    pub(super) fn modes(&self) -> Modes {
        let conforming = if self.conforming {
            Conforming::On
        } else {
            Conforming::Off
        };
        Modes {
            standard_conforming_strings: conforming,
            encoding: self.encoding,
            server_major: self.server_major,
        }
    }
}

/// `18.6 (Debian ...)`, `19beta1`, `16devel`.
fn major(version: &[u8]) -> u16 {
    let digits = version.iter().take_while(|b| b.is_ascii_digit());
    digits.fold(0u16, |number, digit| {
        number.saturating_mul(10).saturating_add(u16::from(digit - b'0'))
    })
}
