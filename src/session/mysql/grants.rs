//! What SHOW GRANTS says of an account's reach (manual: "SHOW GRANTS Statement").
//!
//! Guarantees: only what is certain counts as keeping off. A role, a pattern that is not understood, or a privilege that
//! is not on the list of those that read, is reach.

use crate::session::Rows;

/// Privileges by which nobody changes anything.
const READING: [&str; 8] = [
    "USAGE",
    "SELECT",
    "SHOW VIEW",
    "SHOW DATABASES",
    "PROCESS",
    "REPLICATION CLIENT",
    "BINLOG MONITOR",
    "SHOW CREATE ROUTINE",
];

/// Whether none of the grants lets the account write in the database.
pub(super) fn keep_off(grants: &Rows, database: &str) -> bool {
    let keeps_off = |row: &Vec<Option<Vec<u8>>>| {
        let text = row.first().and_then(Option::as_deref).unwrap_or_default();
        String::from_utf8(text.to_vec()).is_ok_and(|grant| grant_keeps_off(&grant, database))
    };
    !grants.is_empty() && grants.iter().all(keeps_off)
}

fn grant_keeps_off(grant: &str, database: &str) -> bool {
    // A role is granted without ON.
    let Some((privileges, rest)) = grant
        .strip_prefix("GRANT ")
        .and_then(|rest| rest.split_once(" ON "))
    else {
        return false;
    };
    let reads = privileges
        .split(", ")
        .all(|privilege| READING.contains(&privilege));
    reads || is_elsewhere(rest, database)
}

/// Whether `` `db`.* TO ... `` or `` `db`.`table` TO ... `` is about another database.
fn is_elsewhere(object: &str, database: &str) -> bool {
    let Some((pattern, _)) = object.strip_prefix('`').and_then(|rest| rest.split_once("`.")) else {
        return false;
    };
    let mut names = database.chars();
    let mut letters = pattern.chars();
    while let Some(letter) = letters.next() {
        let wanted = match letter {
            // Any text, or a quoted quote: not looked into.
            '%' | '`' => return false,
            '_' => {
                if names.next().is_none() {
                    return true;
                }
                continue;
            }
            '\\' => letters.next(),
            letter => Some(letter),
        };
        let same = |wanted: char, is: char| wanted.to_lowercase().eq(is.to_lowercase());
        match (wanted, names.next()) {
            (Some(wanted), Some(is)) if same(wanted, is) => {}
            _ => return true,
        }
    }
    names.next().is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keeps_off(grants: &[&str]) -> bool {
        let rows: Rows = grants
            .iter()
            .map(|grant| vec![Some(grant.as_bytes().to_vec())])
            .collect();
        keep_off(&rows, "shop_1")
    }

    #[test]
    fn an_account_of_another_database_keeps_off() {
        assert!(keeps_off(&[
            "GRANT USAGE ON *.* TO `erp`@`%`",
            "GRANT ALL PRIVILEGES ON `erp`.* TO `erp`@`%`",
            "GRANT SELECT, SHOW VIEW ON `shop_1`.* TO `erp`@`%`",
            "GRANT INSERT ON `shop\\_10`.* TO `erp`@`%`",
        ]));
    }

    #[test]
    fn what_is_not_certain_is_reach() {
        for grant in [
            "GRANT ALL PRIVILEGES ON *.* TO `root`@`%`",
            "GRANT INSERT ON `shop\\_1`.* TO `erp`@`%`",
            "GRANT INSERT ON `shop_1`.`orders` TO `erp`@`%`",
            "GRANT INSERT ON `SHOP_1`.* TO `erp`@`%`",
            "GRANT INSERT ON `shop%`.* TO `erp`@`%`",
            "GRANT EXECUTE ON `shop_1`.* TO `erp`@`%`",
            "GRANT `writers`@`%` TO `erp`@`%`",
            "",
        ] {
            assert!(!keeps_off(&[grant]), "{grant}");
        }
        assert!(!keeps_off(&[]), "no answer is no proof");
    }
}
