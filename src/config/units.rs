//! Durations and sizes as people write them: `30s`, `1h 30m`, `16MiB`. Overflow is an error, never a wrap.

use std::time::Duration;

/// Longer than any maintenance, short enough that every sum with a clock's time is safe.
const DURATION_MAX: Duration = Duration::from_secs(10 * 365 * 24 * 3600);

pub fn parse_duration(text: &str) -> Result<Duration, String> {
    let expected = "expected a number with a unit, as in 500ms, 30s, 10m or 2h";
    match humantime::parse_duration(text.trim()) {
        Ok(duration) if duration <= DURATION_MAX => Ok(duration),
        Ok(_) => Err(format!("{text:?} is longer than ten years")),
        Err(_) => Err(format!("{text:?} is no duration; {expected}")),
    }
}

pub fn parse_size(text: &str) -> Result<usize, String> {
    let expected = "expected bytes, or a number with KiB, MiB or GiB";
    let text = text.trim();
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let shift = match unit.trim().to_ascii_lowercase().as_str() {
        "" | "b" => 0,
        "k" | "kb" | "kib" => 10,
        "m" | "mb" | "mib" => 20,
        "g" | "gb" | "gib" => 30,
        _ => return Err(format!("{text:?} is no size; {expected}")),
    };
    let number: usize = number
        .parse()
        .map_err(|_| format!("{text:?} is no size; {expected}"))?;
    number
        .checked_mul(1 << shift)
        .ok_or_else(|| format!("{text:?} is more than this machine can address"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_and_sizes_are_read_as_people_write_them() {
        assert_eq!(parse_duration("1h 30m"), Ok(Duration::from_secs(5400)));
        assert_eq!(parse_duration("0s"), Ok(Duration::ZERO));
        assert_eq!(parse_size("16MiB"), Ok(16 << 20));
        assert_eq!(parse_size("10000"), Ok(10_000));
        assert_eq!(parse_size("64 kB"), Ok(65_536));
    }

    #[test]
    fn nonsense_is_refused() {
        for text in ["", "30", "-1s", "9999999999y", "s"] {
            assert!(parse_duration(text).is_err(), "{text}");
        }
        for text in [
            "",
            "MiB",
            "-1",
            "1.5MiB",
            "99999999999999999999",
            "18446744073709551615GiB",
        ] {
            assert!(parse_size(text).is_err(), "{text}");
        }
    }
}
