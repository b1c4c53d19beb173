//! lull (work in progress)
pub mod gate;
