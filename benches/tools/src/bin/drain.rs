//! Runs one statement with a large answer over and over and throws the answer away:
//! `drain --to HOST:PORT --secs 1.5 --sql 'COPY bulk TO STDOUT'`. Prints `bytes N seconds S times T`.

use lull_bench_tools::{
    args,
    client::{Client, query_message},
};
use std::{
    io,
    time::{Duration, Instant},
};

fn main() -> io::Result<()> {
    let to: String = args::get("to", String::new());
    let length = Duration::from_secs_f64(args::get("secs", 1.5));
    let message = query_message(&args::get("sql", String::new()));
    let mut scratch = vec![0; 256 * 1024];
    let mut client = Client::login(&to, &mut scratch)?;
    let begin = Instant::now();
    let (mut bytes, mut times) = (0, 0);
    while begin.elapsed() < length {
        bytes += client.query(&message, &mut scratch)?;
        times += 1;
    }
    let seconds = begin.elapsed().as_secs_f64();
    client.quit(&mut scratch)?;
    println!("bytes {bytes} seconds {seconds:.6} times {times}");
    Ok(())
}
