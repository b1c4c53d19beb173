//! Normal mode: the bytes are the bytes.

use super::{
    in_lull,
    pair::{Pair, settings},
    pairs,
    replies::Heard,
    servers,
    wire::*,
};

fn stream() -> Vec<u8> {
    [
        query("SELECT 1"),
        query("BEGIN; INSERT INTO t VALUES (1); SELECT 2 FROM t; COMMIT"),
        prepare("INSERT INTO t VALUES (2)"),
        execute(1),
        close(1),
        execute(1),
        init_db("crm"),
        query("SELECT nothing"),
        statistics(),
        ping(),
        reset_connection(),
        // A command that nobody knows yet.
        command(0x7e, b"from the future"),
        query(""),
    ]
    .concat()
}

#[test]
fn without_a_lull_the_bytes_on_both_sides_are_the_bytes_that_were_sent_however_they_are_cut() {
    for of in 0..2 {
        let one = |size: Option<usize>| {
            let [mariadb, mysql] = servers();
            let server = if of == 0 { mariadb } else { mysql };
            let cuts = Box::new(move |bytes| size.unwrap_or(bytes));
            let mut pair = Pair::with(settings(), server, false, cuts).unwrap();
            pair.begins(&stream());
            pair.settle().unwrap();
            (pair.to_client, pair.to_server, pair.server.ran)
        };
        let whole = one(None);
        let arm = query(&whole.2[0]);
        assert!(whole.2[0].contains("session_track_transaction_info"));
        assert!(
            whole.1 == [arm, stream()].concat(),
            "but for what lull says once, with the client's first statement"
        );
        for size in 1..60 {
            assert!(one(Some(size)) == whole, "pieces of {size} bytes");
        }
    }
}

#[test]
fn every_command_has_its_own_answer() {
    for mut pair in pairs() {
        let heard = pair.says(&stream());
        let (inserts, rows) = ("ok ok row ok", "prepared ok 1243");
        assert_eq!(
            heard,
            format!("row {inserts} {rows} ok 1054 text ok ok 1047 1065")
        );
    }
}

/// The reply is over with its first bytes, as far as lull must know it; the rest is the client's all the same.
#[test]
fn a_text_that_comes_in_pieces_is_the_clients_whatever_lull_has_said_behind_it() {
    for server in servers() {
        let mut pair = Pair::with(settings(), server, true, Box::new(|_| 1)).unwrap();
        assert_eq!(
            pair.says(&[statistics(), query("SELECT 1")].concat()),
            "ok text row"
        );
    }
}

#[test]
fn a_client_that_has_not_asked_is_told_what_the_server_tells_everybody_of_transactions() {
    for mut pair in pairs() {
        let (begun, over) = (b"\x05\x09\x08T_______", b"\x05\x09\x08________");
        for (text, told) in [
            ("BEGIN", &begun[..]),
            ("INSERT INTO t VALUES (1)", b""),
            ("COMMIT", over),
        ] {
            pair.begins(&query(text));
            pair.settle().unwrap();
            let tells = !pair.server.traits.mariadb && !told.is_empty();
            let state = tells.then(|| told.to_vec());
            let info = text.to_owned();
            let heard = pair.replies.heard.pop().map(|(_, heard)| heard);
            assert_eq!(heard, Some(Heard::Ok { info, state }));
        }
    }
}

#[test]
fn a_file_reaches_the_server_in_normal_mode_and_is_not_asked_for_in_a_lull() {
    let load = query("LOAD DATA LOCAL INFILE 'f' INTO TABLE t");
    for mut pair in pairs() {
        assert_eq!(pair.says(&load), "file");
        pair.on_audited().unwrap();
        pair.settle().unwrap();
        assert!(!pair.stands(), "the file is under way");
        pair.replies.sent_file(3);
        pair.send(&file(1, b"1\n")).unwrap();
        pair.settle().unwrap();
        assert_eq!(pair.heard(), "ok");
        assert!(pair.stands() && pair.server.wrote.len() == 2);
    }
    for mut pair in in_lull() {
        assert_eq!(pair.says(&load), "1792");
    }
}
