//! Who is at the other end of the admin socket: what the kernel says, not what the client says.

use tokio::net::UnixStream;

/// `alice`, or `root (alice)` when the client says it acts for somebody else.
pub(super) fn name(stream: &UnixStream, claimed: Option<&str>) -> String {
    let uid = stream.peer_cred().map(|peer| peer.uid()).ok();
    let users = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    let real = match uid {
        Some(uid) => user(&users, uid).map_or_else(|| format!("uid {uid}"), str::to_owned),
        None => "unknown".to_owned(),
    };
    let fit = |name: &&str| !name.is_empty() && name.len() <= 64 && !name.chars().any(char::is_control);
    match claimed.filter(fit) {
        Some(claimed) if claimed != real => format!("{real} ({claimed})"),
        _ => real,
    }
}

fn user(users: &str, uid: u32) -> Option<&str> {
    users.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1)?.parse() == Ok(uid)).then_some(name)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_uid_has_the_name_that_passwd_gives_it() {
        let users = "root:x:0:0:root:/root:/bin/bash\nalice:x:1000:1000::/home/alice:/bin/sh\nbroken\n";
        assert_eq!(user(users, 1000), Some("alice"));
        assert_eq!(user(users, 7), None);
    }
}
