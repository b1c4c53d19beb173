//! What the kernel says of this process. A figure that cannot be read is left out.

use std::fs;

#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Process {
    pub cpu_seconds: Option<f64>,
    pub resident_bytes: Option<u64>,
    pub virtual_bytes: Option<u64>,
    pub open_fds: Option<u64>,
    pub fds_max: Option<u64>,
    pub threads: Option<u64>,
    pub started_unix_s: Option<f64>,
}

/// Linux counts time for user space in hundredths of a second on every architecture (`USER_HZ`).
const TICKS_PER_SECOND: f64 = 100.0;

impl Process {
    /// Reads `/proc/self`: some ten system calls, no waiting.
    pub fn read() -> Self {
        let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
        let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
        let limits = fs::read_to_string("/proc/self/limits").unwrap_or_default();
        let system = fs::read_to_string("/proc/stat").unwrap_or_default();
        let fds = fs::read_dir("/proc/self/fd").map(|fds| fds.count() as u64).ok();
        // The directory itself was open while it was read.
        Self {
            open_fds: fds.map(|fds| fds.saturating_sub(1)),
            ..Self::parse(&stat, &status, &limits, &system)
        }
    }

    fn parse(stat: &str, status: &str, limits: &str, system: &str) -> Self {
        // The second field is the program's name in parentheses, which may hold anything.
        let fields: Vec<&str> = stat
            .rsplit(')')
            .next()
            .unwrap_or_default()
            .split_whitespace()
            .collect();
        // proc(5): the list starts at field 3; 14 and 15 are the ticks in user and kernel mode, 22 is the start.
        let ticks = |field: usize| fields.get(field - 3).and_then(|ticks| ticks.parse::<f64>().ok());
        let boot = system
            .lines()
            .find_map(|line| line.strip_prefix("btime ")?.trim().parse::<f64>().ok());
        let kib = |key: &str| number(status, key).map(|kib| kib * 1024);
        let fds_max = limits
            .lines()
            .find_map(|line| line.strip_prefix("Max open files"));
        Self {
            cpu_seconds: ticks(14)
                .zip(ticks(15))
                .map(|(user, kernel)| (user + kernel) / TICKS_PER_SECOND),
            resident_bytes: kib("VmRSS:"),
            virtual_bytes: kib("VmSize:"),
            open_fds: None,
            fds_max: fds_max.and_then(|line| line.split_whitespace().next()?.parse().ok()),
            threads: number(status, "Threads:"),
            started_unix_s: boot
                .zip(ticks(22))
                .map(|(boot, ticks)| boot + ticks / TICKS_PER_SECOND),
        }
    }
}

fn number(status: &str, key: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix(key))?;
    line.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_very_process_has_memory_threads_and_files() {
        let process = Process::read();
        assert!(process.resident_bytes.unwrap() > 100_000);
        assert!(process.threads.unwrap() >= 1 && process.open_fds.unwrap() >= 3);
        assert!(process.cpu_seconds.is_some() && process.started_unix_s.unwrap() > 1e9);
    }

    #[test]
    fn a_program_with_a_strange_name_is_read_too() {
        let stat = "1 (a) b (c) S 0 0 0 0 0 0 0 0 0 0 150 50 0 0 20 0 1 0 300";
        let process = Process::parse(stat, "", "", "btime 1000\n");
        assert_eq!(
            (process.cpu_seconds, process.started_unix_s),
            (Some(2.0), Some(1003.0))
        );
        assert_eq!(Process::parse("", "", "", ""), Process::default());
    }
}
