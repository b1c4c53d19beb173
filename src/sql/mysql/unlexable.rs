//! Why a text could not be read with certainty. The wording is for clients: it names what is wrong, never the text.

use std::fmt;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unlexable {
    /// A NUL byte outside quotes: some of the server's rules end a comment there, others do not.
    Nul,
    /// Bytes above ASCII while the character set is not known, or where it decides what a comment is.
    Charset,
    /// A quote or comment is open at the end.
    Open,
    /// A token that the server stops at.
    Token,
    /// An earlier statement of the same text changes how this one is read.
    ModeChanged,
    /// A name that another one may be equal to for the server.
    Name,
    /// SET in a form that is not known.
    Setting,
    /// More statements or tokens in one text than are looked at.
    TooMuch,
}

impl fmt::Display for Unlexable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Nul => "the text contains a NUL byte outside quotes",
            Self::Charset => {
                "the text contains characters outside ASCII in a character set that cannot be followed"
            }
            Self::Open => "a quote or comment is open at the end of the text",
            Self::Token => "the text contains a constant that the server does not accept",
            Self::ModeChanged => "an earlier statement of the same text changes how this one would be read",
            Self::Name => "the text contains a name that cannot be resolved",
            Self::Setting => "the text contains a SET statement that cannot be followed",
            Self::TooMuch => "the text is longer than is looked at",
        })
    }
}

impl std::error::Error for Unlexable {}
