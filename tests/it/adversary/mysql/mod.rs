//! No way out, for MySQL and MariaDB: what clients in a lull send to write all the same, between two fingerprints taken from
//! outside.
//!
//! Laid out as for PostgreSQL: `tables` runs the files in `tests/adversary/mysql/` in every manner of sending, `controls`
//! runs them around lull, where they must get through; `stories` has the ways out that need a past before the lull, `exact` those
//! that need exact packets, `characters` those that need a character set, `routines` what stored programs hide; `reads` holds what must not
//! be hindered.

mod characters;
mod controls;
mod exact;
mod ground;
mod manners;
mod reads;
mod routines;
mod stories;
mod tables;

use super::Case;
use crate::support::mysql::Flavor;

/// The cases of a table for one flavor.
fn cases(file: &str, flavor: Flavor) -> Vec<Case> {
    let other = flavor.pick("; MySQL only", "; MariaDB only");
    let mut cases = super::cases(&format!("mysql/{file}"));
    cases.retain(|case| !case.reason.contains(other));
    cases
}
