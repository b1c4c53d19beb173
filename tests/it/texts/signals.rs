//! Questions for a read-only server, and the texts that they become: the same columns, and 1 in them.

use super::dialect;
use crate::support::mysql::replies::Column;
use crate::support::mysql::{Flavor, Reply, Server, Wire};
use ::lull::sql::mysql::analyze;

const QUESTIONS: &[&str] = &[
    "SELECT @@read_only",
    "SELECT @@global.read_only",
    "SELECT @@GLOBAL . Read_Only",
    "SELECT @@global /* a */ . /* b */ `read_only`",
    "SELECT @@innodb_read_only, 1, @@global.read_only x",
    "SELECT DISTINCT @@read_only AS `y`, @@innodb_read_only 'z'",
    "SELECT /* a */ @@read_only /* b */ , 2",
    "SELECT @@read_only + @@read_only, - @@read_only, NOT @@read_only",
    "SELECT IF(@@read_only, 'no', 'yes'), CONCAT(@@read_only, 'a') c",
    "SELECT (SELECT @@read_only), (SELECT @@read_only) q",
    "SELECT * FROM (SELECT @@read_only) t WHERE 1 OR @@read_only",
    "SELECT @@read_only UNION ALL SELECT 5",
    "SELECT CASE WHEN @@read_only THEN 1 ELSE 2 END",
    "SELECT @@read_only IS NULL, 1 = @@read_only, @@read_only IN (1, 2)",
];

/// Names and types of the columns, without the values.
fn columns(client: &mut Wire, sql: &str) -> Vec<Column> {
    let replies = client.run(sql);
    match replies.0.into_iter().next() {
        Some(Reply::Rows { columns, .. }) => columns,
        other => panic!("{sql}: {other:?}"),
    }
}

#[test]
fn the_answer_has_the_columns_of_the_question() {
    for flavor in Flavor::ALL {
        let server = Server::shared(flavor);
        let dialect = dialect(server, "utf8mb4");
        let mut client = Wire::login(server.address, "app", "");
        let own: &[&str] = flavor.pick(&[], &["SELECT @@super_read_only", "SELECT @@r\u{e9}ad_only"]);
        for sql in QUESTIONS.iter().chain(own) {
            let answer = analyze(sql.as_bytes(), dialect, false)
                .answered(sql.as_bytes(), dialect)
                .expect("a question");
            let answer = String::from_utf8(answer).expect("text");
            let (asked, answered) = (columns(&mut client, sql), columns(&mut client, &answer));
            assert_eq!(asked, answered, "{flavor:?}: {sql}\n{answer}");
        }
        for sql in QUESTIONS.iter().take(4) {
            let answer = analyze(sql.as_bytes(), dialect, false).answered(sql.as_bytes(), dialect);
            let answer = String::from_utf8(answer.expect("a question")).expect("text");
            assert_eq!(client.value(sql).as_deref(), Some("0"), "{sql}");
            assert_eq!(client.value(&answer).as_deref(), Some("1"), "{answer}");
        }
    }
}
