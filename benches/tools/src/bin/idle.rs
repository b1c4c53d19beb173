//! Holds many idle sessions, each logged in and having run one statement: `idle --to HOST:PORT [--protocol mysql]`.
//! Reads one number per line from standard input, opens sessions until it holds that many, prints `holding N`.
//! At 0, or at the end of its input, it closes all of them the proper way.

use lull_bench_tools::{
    args,
    client::{Client, Session},
    mysql::MySqlClient,
};
use std::io::{self, BufRead};

fn main() -> io::Result<()> {
    match args::get("protocol", String::new()).as_str() {
        "mysql" => hold::<MySqlClient>(),
        _ => hold::<Client>(),
    }
}

fn hold<S: Session>() -> io::Result<()> {
    let to: String = args::get("to", String::new());
    let select = S::message("SELECT 1");
    let mut scratch = vec![0; 8192];
    let mut clients: Vec<S> = Vec::new();
    for line in io::stdin().lock().lines() {
        let wanted: usize = line?.trim().parse().map_err(io::Error::other)?;
        while clients.len() < wanted {
            let mut client = S::login(&to, &mut scratch)
                .map_err(|e| io::Error::other(format!("session {}: {e}", clients.len() + 1)))?;
            client.query(&select, &mut scratch)?;
            clients.push(client);
        }
        while clients.len() > wanted {
            if let Some(client) = clients.pop() {
                client.quit(&mut scratch)?;
            }
        }
        println!("holding {}", clients.len());
    }
    Ok(())
}
