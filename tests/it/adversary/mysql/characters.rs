//! Character sets whose characters can end in a byte that elsewhere is a quote, a backslash or a comment's end.

use super::ground::WRITE;
use super::stories::{Told, app, raw, writes_at_once};
use crate::support::mysql::Wire;
use crate::support::mysql::packets;

/// Texts that lift, or do not, as the bytes before a quote are one character or two.
fn ambiguous() -> Vec<Vec<u8>> {
    let variable = [("SESSION tx_read_only"), ("SESSION transaction_read_only")];
    let mut texts = Vec::new();
    for lead in [0x81_u8, 0x83, 0x95, 0xa1, 0xbf, 0xe0, 0xfc] {
        for name in variable {
            for quote in ['\'', '"', '`'] {
                let target = if quote == '`' { "@" } else { "" };
                let before = format!("SET @x = {target}{quote}");
                let behind = format!("{quote}, {name} = 0, @y = {target}{quote}{quote}");
                texts.push([before.as_bytes(), &[lead, b'\\'], behind.as_bytes()].concat());
                texts.push([before.as_bytes(), &[lead], behind.as_bytes()].concat());
                let twice = format!("{quote}{quote}, {name} = 0, @y = {target}{quote}");
                texts.push([before.as_bytes(), &[lead, b'\\'], twice.as_bytes()].concat());
            }
            // A comment's end, or the middle of a character.
            let comment = format!("*/ {name} = 0 -- ");
            texts.push([b"SET /* ", &[lead][..], comment.as_bytes()].concat());
        }
    }
    texts
}

#[test]
fn characters_that_contain_a_backslash_or_a_quote_hide_nothing() {
    let mut told = Told::default();
    for (name, collation) in [
        ("gbk", 28),
        ("sjis", 13),
        ("big5", 1),
        ("cp932", 95),
        ("latin1", 8),
    ] {
        let wholes: Vec<Vec<u8>> = ambiguous().iter().map(|text| raw(text)).collect();
        let all = move |client: &mut Wire| {
            for payload in &wholes {
                client.ask(payload);
                client.query(WRITE);
            }
        };
        let (by_login, by_names, by_set) = (all.clone(), all.clone(), all.clone());
        let (by_user, before) = (all.clone(), all);
        let other = app().collation(collation);
        told.add(name, &other, |_, _| {}, move |client, _| by_login(client));
        let names = format!("SET NAMES {name}");
        let again = names.clone();
        told.add(
            &names.clone(),
            &app(),
            |_, _| {},
            move |client, _| {
                client.query(&names);
                by_names(client);
            },
        );
        told.add(
            &format!("{again} before"),
            &app(),
            move |client, _| {
                client.query(&again);
            },
            move |client, _| before(client),
        );
        let set = format!("SET character_set_client = {name}");
        told.add(
            &set.clone(),
            &app(),
            |_, _| {},
            move |client, _| {
                client.query(&set);
                by_set(client);
            },
        );
        told.add(
            &format!("{name} by another login"),
            &app(),
            |_, _| {},
            move |client, _| {
                let _ = other.change(client);
                client.query("SET @x = 1");
                by_user(client);
            },
        );
        let together = format!("SET NAMES {name}");
        told.add(
            &format!("{together} in one write"),
            &app(),
            |_, _| {},
            move |client, _| {
                for text in ambiguous() {
                    client.query("SET NAMES utf8mb4");
                    writes_at_once(
                        client,
                        &[packets::query(&together), raw(&text), packets::query(WRITE)],
                    );
                    for _ in 0..3 {
                        client.results();
                    }
                    let message = [together.as_bytes(), b"; ", &text, b"; ", WRITE.as_bytes()].concat();
                    client.ask(&raw(&message));
                }
            },
        );
        let set = format!("SET NAMES {name}");
        told.add(
            &format!("{name}, prepared before, executed under another"),
            &app(),
            move |client, _| {
                client.query(&set);
                for text in ambiguous() {
                    client.send(&packets::command(packets::STMT_PREPARE, &text));
                    client.prepared();
                }
                client.query("SET NAMES latin1");
            },
            |client, _| {
                for statement in 1..=u32::try_from(ambiguous().len()).expect("few") {
                    client.ask(&packets::execute(statement, 0, &[]));
                    client.query(WRITE);
                }
            },
        );
    }
    told.nothing_changes();
}
