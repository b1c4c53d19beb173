//! When a certificate expires. RFC 5280, 4.1: as much of X.509 as leads to `notAfter`, and no more.

/// None when `der` is not a certificate.
pub fn not_after_unix_s(der: &[u8]) -> Option<i64> {
    let (_, certificate, _) = element(der)?;
    let (_, mut to_be_signed, _) = element(certificate)?;
    // The version is optional, tagged [0]; then the serial number, the signature's algorithm, the issuer.
    const VERSION: u8 = 0xa0;
    let (tag, _, rest) = element(to_be_signed)?;
    if tag == VERSION {
        to_be_signed = rest;
    }
    for _ in 0..3 {
        to_be_signed = element(to_be_signed)?.2;
    }
    let (_, validity, _) = element(to_be_signed)?;
    let (_, _, after_not_before) = element(validity)?;
    let (tag, time, _) = element(after_not_before)?;
    unix_s(tag, std::str::from_utf8(time).ok()?)
}

/// Tag, contents, and what follows.
fn element(der: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&tag, rest) = der.split_first()?;
    let (&first, rest) = rest.split_first()?;
    let (length, rest) = match first {
        0..=0x7f => (usize::from(first), rest),
        // So many bytes of length follow; four are four gigabytes.
        0x81..=0x84 => {
            let (length, rest) = rest.split_at_checked(usize::from(first - 0x80))?;
            (
                length
                    .iter()
                    .fold(0_usize, |length, &byte| (length << 8) | usize::from(byte)),
                rest,
            )
        }
        _ => return None,
    };
    let (contents, rest) = rest.split_at_checked(length)?;
    Some((tag, contents, rest))
}

/// `YYMMDDHHMMSSZ` (UTCTime) or `YYYYMMDDHHMMSSZ` (GeneralizedTime).
fn unix_s(tag: u8, time: &str) -> Option<i64> {
    const UTC_TIME: u8 = 0x17;
    const GENERALIZED_TIME: u8 = 0x18;
    let digits = time
        .strip_suffix('Z')
        .filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()))?;
    let (year, rest) = match (tag, digits.len()) {
        (UTC_TIME, 12) => {
            let short: i64 = digits[..2].parse().ok()?;
            (if short < 50 { 2000 + short } else { 1900 + short }, &digits[2..])
        }
        (GENERALIZED_TIME, 14) => (digits[..4].parse().ok()?, &digits[4..]),
        _ => return None,
    };
    let two = |at: usize| rest[at..at + 2].parse::<i64>().ok();
    let (month, day) = (two(0)?, two(2)?);
    if !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    Some(days(year, month, day) * 86_400 + two(4)? * 3600 + two(6)? * 60 + two(8)?)
}

/// Days since 1970-01-01 in the Gregorian calendar, counted in years that begin in March.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tagged(tag: u8, contents: &[u8]) -> Vec<u8> {
        let mut der = vec![tag, u8::try_from(contents.len()).unwrap()];
        der.extend_from_slice(contents);
        der
    }

    fn certificate(with_version: bool, not_after: &[u8]) -> Vec<u8> {
        let validity = [tagged(0x17, b"200101000000Z"), not_after.to_vec()].concat();
        let version = if with_version {
            tagged(0xa0, &[2, 1, 2])
        } else {
            Vec::new()
        };
        let body = [
            version,
            tagged(2, &[1]),
            tagged(0x30, &[]),
            tagged(0x30, &[]),
            tagged(0x30, &validity),
        ]
        .concat();
        tagged(0x30, &tagged(0x30, &body))
    }

    #[test]
    fn both_kinds_of_time_are_read() {
        let utc = tagged(0x17, b"260101000000Z");
        assert_eq!(not_after_unix_s(&certificate(true, &utc)), Some(1_767_225_600));
        assert_eq!(not_after_unix_s(&certificate(false, &utc)), Some(1_767_225_600));
        let general = tagged(0x18, b"20480229235959Z");
        assert_eq!(
            not_after_unix_s(&certificate(true, &general)),
            Some(2_466_633_599)
        );
        assert_eq!(unix_s(0x17, "700101000001Z"), Some(1));
    }

    #[test]
    fn what_is_cut_short_or_garbled_is_no_certificate() {
        let whole = certificate(true, &tagged(0x17, b"260101000000Z"));
        for cut in 0..whole.len() {
            assert_eq!(not_after_unix_s(&whole[..cut]), None);
        }
        for at in 0..whole.len() {
            for bits in [0x01, 0x80, 0xff] {
                let mut garbled = whole.clone();
                garbled[at] ^= bits;
                let _ = not_after_unix_s(&garbled);
            }
        }
    }
}
