//! The shape of the house, held by a test: who may know whom (DESIGN 4), sizes, words, and no globals.
//!
//! It reads the sources as text, on purpose: what it forbids is forbidden even where the compiler would not mind.

mod dependencies;
mod phrases;
mod purity;
mod reading;
mod sizes;
mod words;
