//! Connect, log in, SELECT 1, quit, again and again, from a few threads: `storm --to HOST:PORT --secs 1.5 --threads 8`.
//! Prints `connections N seconds S`.

use lull_bench_tools::{
    args,
    client::{Client, query_message},
};
use std::{
    io, thread,
    time::{Duration, Instant},
};

fn main() -> io::Result<()> {
    let to: String = args::get("to", String::new());
    let length = Duration::from_secs_f64(args::get("secs", 1.5));
    let threads: usize = args::get("threads", 8);
    let begin = Instant::now();
    let runners: Vec<_> = (0..threads)
        .map(|_| {
            let to = to.clone();
            thread::spawn(move || connections_until(&to, begin + length))
        })
        .collect();
    let mut total = 0;
    for runner in runners {
        total += runner
            .join()
            .map_err(|_| io::Error::other("a storm thread panicked"))??;
    }
    println!("connections {total} seconds {:.6}", begin.elapsed().as_secs_f64());
    Ok(())
}

fn connections_until(to: &str, end: Instant) -> io::Result<u64> {
    let mut scratch = vec![0; 8192];
    let select = query_message("SELECT 1");
    let mut count = 0;
    while Instant::now() < end {
        let mut client = Client::login(to, &mut scratch)?;
        client.query(&select, &mut scratch)?;
        client.quit(&mut scratch)?;
        count += 1;
    }
    Ok(count)
}
