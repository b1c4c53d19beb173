//! Why a text could not be read with certainty. The wording is for clients: it names what is wrong, never the text.

use std::fmt;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unlexable {
    /// A NUL byte ends the text for the server but not for its sender.
    Nul,
    /// A backslash in a plain literal while `standard_conforming_strings` may just have changed.
    Backslash,
    /// Bytes outside ASCII in an encoding whose character borders are not known for certain.
    Encoding,
    /// A character that some conversion turns into an ASCII character: what the server sees is not what was sent.
    Converted,
    /// A name of a prepared statement or cursor that the server may fold or cut otherwise than we would.
    Name,
    /// More statements in one message than are looked at.
    TooManyStatements,
}

impl fmt::Display for Unlexable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Nul => "the text contains a NUL byte",
            Self::Backslash => {
                "the text contains a backslash in a string constant while standard_conforming_strings may be changing"
            }
            Self::Encoding => "the text contains characters outside ASCII in an encoding that cannot be followed",
            Self::Converted => "the text contains a character that the server may convert to an ASCII character",
            Self::Name => "the text names a prepared statement or cursor in a way that cannot be resolved",
            Self::TooManyStatements => "the text contains too many statements",
        })
    }
}

impl std::error::Error for Unlexable {}
