//! Whom a lull covers.
//!
//! Guarantees that every scope has one spelling: `Display` and `FromStr` are inverse. Knows names only; whether a
//! cluster of that name exists is the configuration's business.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// Who a session is, as far as lulls are concerned. In PostgreSQL fixed at login.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Principal {
    pub cluster: String,
    pub database: String,
    pub user: String,
}

/// `all`, `CLUSTER`, `CLUSTER/DATABASE`, `CLUSTER/DATABASE@USER` or `CLUSTER/*@USER`.
///
/// A name that contains one of `/ @ * "` or white space is written in double quotes, quotes in it doubled.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Scope {
    cluster: Option<String>,
    database: Option<String>,
    user: Option<String>,
}

impl Scope {
    pub fn all() -> Self {
        Self::default()
    }

    pub fn cluster(&self) -> Option<&str> {
        self.cluster.as_deref()
    }

    /// Its cluster, where it covers that and no less.
    pub fn as_cluster(&self) -> Option<&str> {
        let whole = self.database.is_none() && self.user.is_none();
        self.cluster().filter(|_| whole)
    }

    pub fn database(&self) -> Option<&str> {
        self.database.as_deref()
    }

    pub fn covers(&self, who: &Principal) -> bool {
        let fits = |wanted: &Option<String>, is: &str| wanted.as_deref().is_none_or(|wanted| wanted == is);
        fits(&self.cluster, &who.cluster)
            && fits(&self.database, &who.database)
            && fits(&self.user, &who.user)
    }

    /// Whether it would be covered in another database of its cluster.
    pub fn is_beside(&self, who: &Principal) -> bool {
        let fits = |wanted: &Option<String>, is: &str| wanted.as_deref().is_none_or(|wanted| wanted == is);
        let elsewhere = self
            .database
            .as_deref()
            .is_some_and(|database| database != who.database);
        elsewhere && fits(&self.cluster, &who.cluster) && fits(&self.user, &who.user)
    }

    /// Whether some user's session of the database is covered.
    pub fn reaches(&self, cluster: &str, database: &str) -> bool {
        let fits = |wanted: &Option<String>, is: &str| wanted.as_deref().is_none_or(|wanted| wanted == is);
        fits(&self.cluster, cluster) && fits(&self.database, database)
    }

    /// Higher is more specific. A database names its sessions more exactly than a user does, because a user of many
    /// databases is the usual case and a database of one user is too.
    pub fn specificity(&self) -> u8 {
        u8::from(self.cluster.is_some())
            + 2 * u8::from(self.user.is_some())
            + 4 * u8::from(self.database.is_some())
    }
}

/// What is wrong with a scope as typed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "malformed scope {typed:?}: {wrong}; expected all, CLUSTER, CLUSTER/DATABASE, CLUSTER/DATABASE@USER or CLUSTER/*@USER"
)]
pub struct MalformedScope {
    typed: String,
    wrong: &'static str,
}

impl FromStr for Scope {
    type Err = MalformedScope;

    fn from_str(typed: &str) -> Result<Self, Self::Err> {
        parse(typed).map_err(|wrong| MalformedScope {
            typed: typed.to_owned(),
            wrong,
        })
    }
}

fn parse(typed: &str) -> Result<Scope, &'static str> {
    if typed == "all" {
        return Ok(Scope::all());
    }
    let (cluster, rest) = name(typed)?;
    let cluster = Some(cluster);
    let Some(rest) = rest.strip_prefix('/') else {
        return match rest {
            "" => Ok(Scope {
                cluster,
                ..Scope::default()
            }),
            _ => Err("a slash must follow the cluster"),
        };
    };
    let (database, rest) = match rest.strip_prefix('*') {
        Some(rest) => (None, rest),
        None => name(rest).map(|(database, rest)| (Some(database), rest))?,
    };
    match rest.strip_prefix('@') {
        Some(rest) => match name(rest)? {
            (user, "") => Ok(Scope {
                cluster,
                database,
                user: Some(user),
            }),
            _ => Err("nothing may follow the user"),
        },
        None if !rest.is_empty() => Err("only @USER may follow the database"),
        None if database.is_none() => Err("an asterisk goes with a user"),
        None => Ok(Scope {
            cluster,
            database,
            user: None,
        }),
    }
}

/// One name, bare or quoted, and what follows it.
fn name(text: &str) -> Result<(String, &str), &'static str> {
    let (name, rest) = match text.strip_prefix('"') {
        None => {
            let end = text.find(special).unwrap_or(text.len());
            (text[..end].to_owned(), &text[end..])
        }
        Some(quoted) => unquote(quoted)?,
    };
    if name.is_empty() {
        Err("a name is empty")
    } else {
        Ok((name, rest))
    }
}

fn unquote(quoted: &str) -> Result<(String, &str), &'static str> {
    let mut name = String::new();
    let mut rest = quoted;
    loop {
        let (before, after) = rest.split_once('"').ok_or("a quote is not closed")?;
        name.push_str(before);
        match after.strip_prefix('"') {
            Some(after) => {
                name.push('"');
                rest = after;
            }
            None => return Ok((name, after)),
        }
    }
}

fn special(c: char) -> bool {
    matches!(c, '/' | '@' | '*' | '"') || c.is_whitespace()
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(cluster) = &self.cluster else {
            return f.write_str("all");
        };
        write_name(f, cluster)?;
        match (&self.database, &self.user) {
            (None, None) => return Ok(()),
            (Some(database), _) => {
                f.write_str("/")?;
                write_name(f, database)?;
            }
            (None, Some(_)) => f.write_str("/*")?,
        }
        if let Some(user) = &self.user {
            f.write_str("@")?;
            write_name(f, user)?;
        }
        Ok(())
    }
}

fn write_name(f: &mut fmt::Formatter<'_>, name: &str) -> fmt::Result {
    // `all` would read back as the scope of everything.
    if name.contains(special) || name == "all" {
        write!(f, "\"{}\"", name.replace('"', "\"\""))
    } else {
        f.write_str(name)
    }
}

impl TryFrom<String> for Scope {
    type Error = MalformedScope;

    fn try_from(typed: String) -> Result<Self, Self::Error> {
        typed.parse()
    }
}

impl From<Scope> for String {
    fn from(scope: Scope) -> Self {
        scope.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn who(database: &str, user: &str) -> Principal {
        Principal {
            cluster: "shop".into(),
            database: database.into(),
            user: user.into(),
        }
    }

    #[test]
    fn every_scope_reads_back_as_it_is_written() {
        for text in [
            "all",
            "shop",
            "shop/crm",
            "shop/crm@web",
            "shop/*@web",
            "shop/\"a/b@\"\"c\"@\"x y\"",
            "\"all\"/d",
        ] {
            assert_eq!(text.parse::<Scope>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn what_is_no_scope_is_refused_with_the_reason() {
        for text in [
            "",
            "/",
            "shop/",
            "shop/*",
            "shop@web",
            "shop/crm@",
            "shop/crm@web/x",
            "\"shop",
            "shop/crm web",
        ] {
            assert!(text.parse::<Scope>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_scope_covers_its_own_sessions_only() {
        let covers = |scope: &str, who: &Principal| scope.parse::<Scope>().unwrap().covers(who);
        assert!(covers("all", &who("crm", "web")));
        assert!(covers("shop", &who("crm", "web")));
        assert!(covers("shop/*@web", &who("crm", "web")));
        assert!(!covers("shop/*@web", &who("crm", "job")));
        assert!(!covers("shop/crm", &who("erp", "web")));
        assert!(!covers("other", &who("crm", "web")));
    }
}
