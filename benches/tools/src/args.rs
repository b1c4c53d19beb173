//! `--name value` pairs. A helper that is started by a script needs no more.

use std::{env, process::exit, str::FromStr};

/// Every value given for `--name`, in order.
pub fn all(name: &str) -> Vec<String> {
    let words: Vec<String> = env::args().skip(1).collect();
    words
        .windows(2)
        .filter(|pair| pair[0] == format!("--{name}"))
        .map(|pair| pair[1].clone())
        .collect()
}

/// The value of `--name`, or `default`; ends the program if it cannot be read.
pub fn get<T: FromStr>(name: &str, default: T) -> T {
    match all(name).pop() {
        None => default,
        Some(text) => text.parse().unwrap_or_else(|_| {
            eprintln!("--{name}: cannot read {text:?}");
            exit(2)
        }),
    }
}
