//! Codecs of the wire protocols: bytes in, borrowed views out.
//!
//! Pure. Each protocol has a folder of its own, and none names another.

pub mod mysql;
pub mod pg;
