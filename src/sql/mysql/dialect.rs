//! What the server would lex and understand a text with.
//!
//! Must not know: the session; it follows the settings and says what they are.

use super::Charset;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Flavor {
    MariaDb,
    MySql,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Dialect {
    pub flavor: Flavor,
    /// As the server's own number has it: 101119, 90704.
    pub version: u32,
    pub charset: Charset,
    pub modes: SqlModes,
}

/// The parts of `sql_mode` that change how a text is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash)]
pub struct SqlModes {
    pub no_backslash_escapes: bool,
    pub ansi_quotes: bool,
    /// MariaDB's `ORACLE`: other statements start a block.
    pub oracle: bool,
}

impl SqlModes {
    /// From the value of `sql_mode` as the server reports it. Combined modes are spelled out there, but a client's
    /// own value may have only the short name.
    pub fn from_value(value: &[u8]) -> Self {
        let mut modes = Self::default();
        for word in value.split(|&b| b == b',') {
            match word.trim_ascii().to_ascii_uppercase().as_slice() {
                b"NO_BACKSLASH_ESCAPES" => modes.no_backslash_escapes = true,
                b"ANSI_QUOTES" | b"ANSI" | b"DB2" | b"MAXDB" | b"MSSQL" | b"POSTGRESQL" => {
                    modes.ansi_quotes = true
                }
                b"ORACLE" => (modes.oracle, modes.ansi_quotes) = (true, true),
                _ => {}
            }
        }
        modes
    }
}

impl Dialect {
    /// Whether the body of `/*!NNNNN */` or `/*M!NNNNN */` is part of the text: `version` as it stands there.
    pub(super) fn runs_comment(&self, version: u32, mariadb_only: bool) -> bool {
        // MariaDB skips what MySQL 5.7 and later would run: it may have other grammar for it.
        let foreign = self.flavor == Flavor::MariaDb && !mariadb_only && (50_700..=99_999).contains(&version);
        version <= self.version && !foreign
    }
}
