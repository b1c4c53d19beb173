//! The question of `auth_query`, as text with the user's name in hexadecimal digits.

use std::fmt::Write;

use super::{
    entered::{Entered, Unanswered as Lost},
    open_as::open_service,
};
use crate::{
    auth::Verifier,
    connect::{Front, lookup::Unanswered},
    fault::Fault,
};

pub(in crate::connect) struct Asking(Entered);

impl Asking {
    pub(in crate::connect) async fn open(front: &Front) -> Result<Self, Fault> {
        let server = &front.cluster.primary.address;
        open_service(front, server).await.map(Self)
    }

    pub(in crate::connect) async fn ask(
        &mut self,
        query: &str,
        user: &str,
    ) -> Result<Option<Verifier>, Unanswered> {
        let table = self.0.ask(&question(query, user)).await;
        let table = table.map_err(|why| match why {
            Lost::Refused(words) => Unanswered::Refused(words),
            lost => Unanswered::Lost(lost.into_fault().to_string()),
        })?;
        let row = match table.rows.as_slice() {
            [] => return Ok(None),
            [row] => row,
            rows => return Err(Unanswered::too_many(rows.len())),
        };
        let [_user, secret, ..] = row.as_slice() else {
            return Err(Unanswered::too_narrow());
        };
        match secret.as_ref().and_then(|secret| Verifier::read_mysql(secret)) {
            // What other methods keep would else be taken for a password: it lets in whoever may read it.
            Some(Verifier::Plain(_)) => Err(Unanswered::Refused(NO_HASH.to_owned())),
            verifier => Ok(verifier),
        }
    }
}

const NO_HASH: &str = "a secret that is neither a hash of mysql_native_password (*...) nor one of \
    caching_sha2_password ($A$...): let the query ask for the plugin too";

/// Digits are nothing but digits, whatever the name is and the server's modes are.
fn question(query: &str, user: &str) -> String {
    let mut name = "_utf8mb4 X'".to_owned();
    for byte in user.bytes() {
        let _ = write!(name, "{byte:02x}");
    }
    name.push('\'');
    query.replace("$1", &name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_nothing_but_a_value() {
        assert_eq!(
            question("SELECT a, b FROM t WHERE u = $1 AND $1 <> ''", "o'b"),
            "SELECT a, b FROM t WHERE u = _utf8mb4 X'6f2762' AND _utf8mb4 X'6f2762' <> ''"
        );
        assert_eq!(question("$1", ""), "_utf8mb4 X''");
    }
}
