//! What a session has done that leaves something behind which no other server can be given: its server counts that.
//!
//! Guarantees that what a routine has done counts as well. It must not know what becomes of the session.

use crate::session::Rows;

use super::server::Server;

/// MySQL counts temporary tables with all others.
fn counted(server: Server) -> [(&'static str, &'static str); 3] {
    let tables = if server.is_mariadb() {
        ("Com_create_temporary_table", "it has made temporary tables")
    } else {
        ("Com_create_table", "it has made tables, maybe temporary ones")
    };
    let prepare = ("Com_prepare_sql", "it has used PREPARE");
    [tables, prepare, ("Com_ha_open", "it has used HANDLER")]
}

pub(super) fn question(server: Server) -> String {
    let names = counted(server).map(|(name, _)| format!("'{name}'"));
    format!(
        "SHOW SESSION STATUS WHERE Variable_name IN ({})",
        names.join(", ")
    )
}

/// Why the session cannot leave, from the rows of the answer. What is not counted may have been done.
pub(super) fn why_it_stays(rows: &Rows, server: Server) -> Option<&'static str> {
    let is_none = |wanted: &str| {
        rows.iter().any(|row| match row.as_slice() {
            [Some(name), Some(count)] => name.eq_ignore_ascii_case(wanted.as_bytes()) && count == b"0",
            _ => false,
        })
    };
    let mut counted = counted(server).into_iter();
    counted.find(|(name, _)| !is_none(name)).map(|(_, why)| why)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_counted_as_none_keeps_the_session() {
        let server = Server::of("10.11.6-MariaDB");
        let row = |name: &str, count: &str| vec![Some(name.into()), Some(count.into())];
        let mut rows = vec![
            row("Com_create_temporary_table", "0"),
            row("Com_ha_open", "0"),
            row("Com_prepare_sql", "0"),
        ];
        assert_eq!(why_it_stays(&rows, server), None);
        rows[2] = row("Com_prepare_sql", "1");
        assert_eq!(why_it_stays(&rows, server), Some("it has used PREPARE"));
        assert!(why_it_stays(&Rows::new(), server).is_some());
    }
}
