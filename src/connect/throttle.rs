//! Counts failed logins, so that guessing passwords takes longer than they last.
//!
//! Guarantees that what it remembers is bounded, and that an account that does not exist is counted as one that does.

use std::{
    collections::HashMap,
    net::{IpAddr, Ipv6Addr},
    sync::Mutex,
    time::{Duration, Instant},
};

use super::secrets::lock;

/// Failures are forgotten so long after the first of them.
const WINDOW: Duration = Duration::from_secs(60);
/// All users together may fail so many times as often from one address.
const USERS_FACTOR: usize = 10;
const REMEMBERED_MAX: usize = 20_000;

/// From where, and as whom. None: from a Unix socket; as anybody.
type Key = (Option<IpAddr>, Option<Box<str>>);

#[derive(Debug, Default)]
pub(super) struct Throttle(Mutex<HashMap<Key, Failures>>);

#[derive(Clone, Copy, Debug)]
struct Failures {
    count: usize,
    since: Instant,
}

impl Throttle {
    /// How long a login must wait, where more than `max` have failed.
    pub(super) fn wait(
        &self,
        from: Option<IpAddr>,
        user: &str,
        max: usize,
        now: Instant,
    ) -> Option<Duration> {
        let all = lock(&self.0);
        let wait = |(key, max)| {
            let Failures { count, since } = *all.get(&key)?;
            let left = (since + WINDOW).checked_duration_since(now)?;
            (count >= max).then_some(left)
        };
        let limits = keys(from, user)
            .into_iter()
            .zip([max, max.saturating_mul(USERS_FACTOR)]);
        limits.filter_map(wait).max()
    }

    pub(super) fn note_failure(&self, from: Option<IpAddr>, user: &str, now: Instant) {
        let mut all = lock(&self.0);
        if all.len() >= REMEMBERED_MAX {
            all.retain(|_, failures| now < failures.since + WINDOW);
        }
        for key in keys(from, user) {
            if all.len() >= REMEMBERED_MAX && !all.contains_key(&key) {
                // Whoever fails from so many places at a time is not stopped by counting places.
                continue;
            }
            let failures = all.entry(key).or_insert(Failures { count: 0, since: now });
            if now >= failures.since + WINDOW {
                *failures = Failures { count: 0, since: now };
            }
            failures.count += 1;
        }
    }
}

fn keys(from: Option<IpAddr>, user: &str) -> [Key; 2] {
    let from = from.map(place);
    [(from, Some(user.into())), (from, None)]
}

/// Whoever has one IPv6 address has the 64 bits behind it.
fn place(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
        v4 => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Option<IpAddr> {
        Some(text.parse().unwrap())
    }

    #[test]
    fn who_fails_too_often_waits_until_the_window_is_over() {
        let (throttle, start) = (Throttle::default(), Instant::now());
        let later = |s| start + Duration::from_secs(s);
        for second in 0..3 {
            assert_eq!(throttle.wait(at("192.0.2.1"), "app", 3, later(second)), None);
            throttle.note_failure(at("192.0.2.1"), "app", later(second));
        }
        let wait = |from, user, second| throttle.wait(from, user, 3, later(second));
        assert_eq!(wait(at("192.0.2.1"), "app", 10), Some(Duration::from_secs(50)));
        assert_eq!(
            wait(at("::ffff:192.0.2.1"), "app", 10),
            Some(Duration::from_secs(50))
        );
        assert_eq!(wait(at("192.0.2.1"), "web", 10), None);
        assert_eq!(wait(at("192.0.2.2"), "app", 10), None);
        assert_eq!(wait(None, "app", 10), None);
        assert_eq!(wait(at("192.0.2.1"), "app", 61), None);
        throttle.note_failure(at("192.0.2.1"), "app", later(61));
        assert_eq!(wait(at("192.0.2.1"), "app", 62), None, "it begins anew");
    }

    #[test]
    fn who_tries_many_users_waits_too() {
        let (throttle, now) = (Throttle::default(), Instant::now());
        for user in 0..30 {
            throttle.note_failure(at("2001:db8::1"), &format!("user{user}"), now);
        }
        let wait = |from| throttle.wait(from, "another", 3, now).is_some();
        assert!(wait(at("2001:db8::2")) && !wait(at("2001:db8:0:1::1")));
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let (throttle, now) = (Throttle::default(), Instant::now());
        for user in 0..2 * REMEMBERED_MAX {
            throttle.note_failure(None, &format!("user{user}"), now);
        }
        assert_eq!(lock(&throttle.0).len(), REMEMBERED_MAX);
        throttle.note_failure(None, "app", now + WINDOW);
        assert_eq!(lock(&throttle.0).len(), 2);
    }
}
