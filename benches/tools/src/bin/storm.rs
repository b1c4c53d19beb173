//! Connect, log in, SELECT 1, quit, again and again, from a few threads:
//! `storm --to HOST:PORT --secs 1.5 --threads 8 [--protocol mysql]`.
//! Prints `connections N seconds S`.

use lull_bench_tools::{
    args,
    client::{Client, Session},
    mysql::MySqlClient,
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
            let mysql = args::get("protocol", String::new()) == "mysql";
            let end = begin + length;
            thread::spawn(move || match mysql {
                true => connections_until::<MySqlClient>(&to, end),
                false => connections_until::<Client>(&to, end),
            })
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

fn connections_until<S: Session>(to: &str, end: Instant) -> io::Result<u64> {
    let mut scratch = vec![0; 8192];
    let select = S::message("SELECT 1");
    let mut count = 0;
    while Instant::now() < end {
        let mut client = S::login(to, &mut scratch)?;
        client.query(&select, &mut scratch)?;
        client.quit(&mut scratch)?;
        count += 1;
    }
    Ok(count)
}
