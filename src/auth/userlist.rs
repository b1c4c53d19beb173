//! The file in which secrets are written, in PgBouncer's form: `"user" "secret"` on each line.
//!
//! A quote inside is written twice. `;` begins a comment; what follows the secret on its line is ignored. Of two lines
//! for one user the later one holds.

use std::collections::HashMap;

use zeroize::Zeroizing;

use super::Verifier;

/// Users and what is known of their passwords. A user with an empty secret is none.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Userlist(HashMap<String, Verifier>);

/// Names no part of the line: it may hold a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {wrong}; expected \"user\" \"secret\", both in double quotes")]
pub struct BrokenLine {
    pub line: usize,
    wrong: &'static str,
}

impl Userlist {
    /// `verifier` reads a secret; None is as good as no line.
    pub fn read(text: &[u8], verifier: impl Fn(&[u8]) -> Option<Verifier>) -> Result<Self, BrokenLine> {
        let mut users = HashMap::new();
        for (at, line) in text.split(|&byte| byte == b'\n').enumerate() {
            let line = line.trim_ascii_start();
            if line.is_empty() || line.starts_with(b";") {
                continue;
            }
            let broken = |wrong| BrokenLine { line: at + 1, wrong };
            let (user, rest) = quoted(line).ok_or_else(|| broken("no user's name in quotes"))?;
            let (secret, _) = quoted(rest.trim_ascii_start()).ok_or_else(|| broken("no secret in quotes"))?;
            let user = String::from_utf8(user.to_vec()).map_err(|_| broken("a name that is not UTF-8"))?;
            match verifier(&secret) {
                Some(verifier) => users.insert(user, verifier),
                None => users.remove(&user),
            };
        }
        Ok(Self(users))
    }

    pub fn get(&self, user: &str) -> Option<&Verifier> {
        self.0.get(user)
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn verifiers(&self) -> impl Iterator<Item = &Verifier> {
        self.0.values()
    }
}

/// What stands between quotes, and what follows.
fn quoted(text: &[u8]) -> Option<(Zeroizing<Vec<u8>>, &[u8])> {
    let mut rest = text.strip_prefix(b"\"")?;
    // Of its full size at once: a vector that grows leaves its old copy behind.
    let mut inside = Zeroizing::new(Vec::with_capacity(rest.len()));
    loop {
        let end = rest.iter().position(|&byte| byte == b'"')?;
        let (before, after) = rest.split_at(end);
        inside.extend_from_slice(before);
        rest = after.get(1..)?;
        match rest.strip_prefix(b"\"") {
            Some(after) => {
                inside.push(b'"');
                rest = after;
            }
            None => return Some((inside, rest)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_read_as_pgbouncer_reads_it() {
        let text =
            b"; users\n\n  \"app\" \"Pa55\" ; anything\n\"o\"\"brien\"\t\"qu\"\"ote\"\r\n\"none\" \"\"\n\
            \"md\" \"md50123456789abcdef0123456789abcdef\"\n\"app\" \"newer\"\n";
        let users = Userlist::read(text, Verifier::read).unwrap();
        let plain = |text: &str| Some(Verifier::read(text.as_bytes()).unwrap());
        assert_eq!(users.get("app").cloned(), plain("newer"));
        assert_eq!(users.get("o\"brien").cloned(), plain("qu\"ote"));
        assert!(matches!(users.get("md"), Some(Verifier::Md5(_))));
        assert_eq!((users.get("none"), users.len()), (None, 3));
        assert!(!users.is_empty() && users.verifiers().count() == 3);
    }

    #[test]
    fn a_broken_line_is_named_and_not_shown() {
        for (text, line) in [
            (&b"app \"Pa55\""[..], 1),
            (b"\"app\" \"Pa55\"\n\"web\"\n", 2),
            (b"\"app\" Pa55", 1),
            (b"\"app\" \"Pa55\n", 1),
            (b"\n\"a\xff\" \"Pa55\"", 2),
        ] {
            let broken = Userlist::read(text, Verifier::read).unwrap_err();
            assert_eq!(broken.line, line);
            assert!(!broken.to_string().contains("Pa55"), "{broken}");
        }
    }
}
