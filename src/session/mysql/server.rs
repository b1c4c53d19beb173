//! Which server it is, and what is called how there.

pub use crate::sql::mysql::Flavor;

/// As its greeting says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Server {
    pub flavor: Flavor,
    /// `101119` for 10.11.19, `90704` for 9.7.4.
    pub version: u32,
}

impl Server {
    /// From the version that the server greets with: `9.7.4`, `11.8.2-MariaDB`, `5.5.5-10.11.6-MariaDB-log`.
    pub fn of(greeting: &str) -> Self {
        let is_mariadb = greeting.to_ascii_lowercase().contains("mariadb");
        // What MariaDB before 11 says for the sake of old replicas.
        let version = greeting
            .strip_prefix("5.5.5-")
            .filter(|_| is_mariadb)
            .unwrap_or(greeting);
        let mut numbers = version
            .split(|c: char| !c.is_ascii_digit())
            .map(|number| number.parse().unwrap_or(0));
        let mut next = |limit: u32| numbers.next().unwrap_or(0).min(limit);
        Self {
            flavor: if is_mariadb {
                Flavor::MariaDb
            } else {
                Flavor::MySql
            },
            version: next(9999) * 10_000 + next(99) * 100 + next(99),
        }
    }

    pub fn is_mariadb(self) -> bool {
        self.flavor == Flavor::MariaDb
    }

    /// MariaDB knew only the old name before 11.1, and MySQL knows only the new one since 8.
    pub(super) fn read_only_variable(self) -> &'static str {
        if self.is_mariadb() && self.version < 11_01_00 {
            "tx_read_only"
        } else {
            "transaction_read_only"
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_greeting_says_which_server_it_is() {
        let of = |greeting| {
            let server = Server::of(greeting);
            (server.flavor, server.version)
        };
        assert_eq!(of("9.7.4"), (Flavor::MySql, 90_704));
        assert_eq!(of("8.4.3-0ubuntu1"), (Flavor::MySql, 80_403));
        assert_eq!(of("5.5.5-10.11.6-MariaDB-log"), (Flavor::MariaDb, 101_106));
        assert_eq!(of("11.8.2-MariaDB"), (Flavor::MariaDb, 110_802));
        assert_eq!(of("99999999999"), (Flavor::MySql, 0));
    }
}
