//! A position in the binary log by global transaction ids: MariaDB's `0-1-100,1-2-7`, the last of each domain, and
//! MySQL's `3e11fa47-71ca-11e1-9e33-c80aa9429562:1-5:7`, the set of all.
//!
//! Both are kept as intervals by where the transactions come from, so that one is compared like the other. Guarantees that
//! what cannot be read is no position.

use std::{collections::BTreeMap, fmt};

/// First and last, both in it.
type Interval = (u64, u64);

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Gtids {
    /// As the server wrote it.
    text: String,
    /// By domain, or by server and tag. Sorted, and none touches the next.
    sources: BTreeMap<String, Vec<Interval>>,
}

impl Gtids {
    /// The empty text is the position of a log in which nothing is.
    pub fn read(text: &str) -> Option<Self> {
        let mut gtids = Self {
            text: text.split_whitespace().collect(),
            ..Self::default()
        };
        let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
        for part in parts {
            match part.split_once(':') {
                Some((server, rest)) => gtids.add_server(server.trim(), rest)?,
                None => gtids.add_domain(part)?,
            }
        }
        gtids.sources.values_mut().for_each(join);
        Some(gtids)
    }

    /// `domain-server-number`: whoever has this one has all before it.
    fn add_domain(&mut self, part: &str) -> Option<()> {
        let mut numbers = part.split('-').map(|number| number.parse::<u64>().ok());
        let (Some(domain), Some(_server), Some(last), None) =
            (numbers.next()?, numbers.next()?, numbers.next()?, numbers.next())
        else {
            return None;
        };
        let source = self.sources.entry(domain.to_string());
        source.or_default().push((1, last));
        Some(())
    }

    /// `uuid:interval...`, or `uuid:interval...:tag:interval...`.
    fn add_server(&mut self, server: &str, rest: &str) -> Option<()> {
        let is_plain = |text: &str| {
            text.bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b))
        };
        let mut source = server.to_ascii_lowercase();
        for piece in rest.split(':').map(str::trim) {
            if piece.chars().next()?.is_ascii_digit() {
                let (first, last) = piece.split_once('-').unwrap_or((piece, piece));
                let interval = (first.trim().parse().ok()?, last.trim().parse().ok()?);
                self.sources.entry(source.clone()).or_default().push(interval);
            } else {
                source = format!("{server}:{piece}").to_ascii_lowercase();
            }
        }
        (is_plain(server) && !server.is_empty()).then_some(())
    }

    /// Whether all of the other's transactions are here.
    pub fn has(&self, other: &Self) -> bool {
        let is_here = |(source, wanted): (&String, &Vec<Interval>)| {
            let here = self.sources.get(source).map(Vec::as_slice).unwrap_or_default();
            wanted.iter().all(|(first, last)| {
                let holds = |(from, to): &Interval| from <= first && last <= to;
                here.iter().any(holds)
            })
        };
        other.sources.iter().all(is_here)
    }

    /// Without what a server has done on its own, and which no other server need ever have.
    pub(super) fn leave_out(&mut self, server: &str) {
        let server = server.to_ascii_lowercase();
        self.sources
            .retain(|source, _| source.split(':').next() != Some(server.as_str()));
    }
}

fn join(intervals: &mut Vec<Interval>) {
    intervals.sort_unstable();
    intervals.dedup_by(|next, before| {
        let touches = next.0 <= before.1.saturating_add(1);
        if touches {
            before.1 = before.1.max(next.1);
        }
        touches
    });
}

impl fmt::Display for Gtids {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Gtids {
        Gtids::read(text).unwrap_or_else(|| panic!("{text}"))
    }

    const ONE: &str = "3E11FA47-71CA-11E1-9E33-C80AA9429562";

    #[test]
    fn domains_are_compared_each_for_itself() {
        let here = read("0-1-100,1-2-7");
        assert!(here.has(&read("0-3-100")) && here.has(&read("")) && here.has(&here));
        assert!(!here.has(&read("0-1-101")) && !here.has(&read("2-1-1")));
        assert!(!read("").has(&here));
    }

    #[test]
    fn sets_are_compared_by_what_is_in_them() {
        let here = read(&format!("{ONE}:1-5:7:9-10:news:1-3,\nother-uuid:1-2"));
        for (there, is_here) in [
            (format!("{ONE}:2-4"), true),
            (format!("{}:7", ONE.to_lowercase()), true),
            (format!("{ONE}:1-7"), false),
            (format!("{ONE}:news:3"), true),
            (format!("{ONE}:news:4"), false),
            (format!("{ONE}:old:1"), false),
            ("other-uuid:1-2".to_owned(), true),
        ] {
            assert_eq!(here.has(&read(&there)), is_here, "{there}");
        }
        assert!(read(&format!("{ONE}:1-3:4-5")).has(&read(&format!("{ONE}:1-5"))));
        assert!(read(&here.to_string()).has(&here));
    }

    #[test]
    fn what_a_server_has_done_on_its_own_can_be_left_out() {
        let mut here = read(&format!("{ONE}:1-5:news:1,other-uuid:1-2"));
        here.leave_out(ONE);
        assert!(read("other-uuid:1-3").has(&here));
    }

    #[test]
    fn what_cannot_be_read_is_no_position() {
        for text in ["x", "0-1", "0-1-2-3", "uuid:", "uuid:1-x", ":1", "a b:1"] {
            assert_eq!(Gtids::read(text), None, "{text}");
        }
    }
}
