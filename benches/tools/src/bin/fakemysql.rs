//! A MySQL that knows one row: `fakemysql --listen 127.0.0.1:PORT [--listen ...]`. It lets everybody in and answers every
//! SELECT with the same row, everything else with OK, as a client without DEPRECATE_EOF expects. It exists for the same
//! reasons as `fakepg`. Prints `listening` when all its ports are open.

use lull_bench_tools::{
    args,
    mysql::{packet, whole_packet},
};
use std::io;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    runtime, task,
};

fn main() -> io::Result<()> {
    let runtime = runtime::Builder::new_current_thread().enable_io().build()?;
    task::LocalSet::new().block_on(&runtime, async {
        let mut acceptors = Vec::new();
        for address in args::all("listen") {
            let listener = TcpListener::bind(&address).await?;
            acceptors.push(task::spawn_local(accept(listener)));
        }
        println!("listening");
        for acceptor in acceptors {
            acceptor.await.map_err(io::Error::other)??;
        }
        Ok(())
    })
}

async fn accept(listener: TcpListener) -> io::Result<()> {
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        // A client that goes away in the middle of something ends its own session, nothing else.
        task::spawn_local(async move { session(stream).await.ok() });
    }
}

const OK: &[u8] = &[0, 0, 0, 2, 0, 0, 0];
const EOF: &[u8] = &[0xfe, 0, 0, 2, 0];
const COLUMN: &[u8] = b"\x03def\0\0\0\x011\0\x0c\x3f\0\x01\0\0\0\x03\x81\0\0\0\0";

async fn session(mut stream: TcpStream) -> io::Result<()> {
    stream.write_all(&packet(0, &greeting())).await?;
    let mut held: Vec<u8> = Vec::new();
    let mut chunk = [0; 1024];
    let mut logged_in = false;
    loop {
        let count = stream.read(&mut chunk).await?;
        if count == 0 {
            return Ok(());
        }
        held.extend_from_slice(&chunk[..count]);
        let mut out = Vec::new();
        while let Some(length) = whole_packet(&held) {
            let (sequence, payload) = (held[3], &held[4..length]);
            match payload[0] {
                _ if !logged_in => out.extend(packet(sequence + 1, OK)),
                1 => return Ok(()),
                3 if payload[1..].starts_with(b"SELECT") => answer(&mut out),
                _ => out.extend(packet(1, OK)),
            }
            logged_in = true;
            held.drain(..length);
        }
        stream.write_all(&out).await?;
    }
}

fn answer(out: &mut Vec<u8>) {
    let packets: [&[u8]; 5] = [&[1], COLUMN, EOF, b"\x011", EOF];
    for (at, payload) in packets.into_iter().enumerate() {
        out.extend(packet(at as u8 + 1, payload));
    }
}

/// Protocol 10 of a MySQL without TLS (manual: "Protocol::HandshakeV10").
fn greeting() -> Vec<u8> {
    let mut greeting = b"\x0a8.4.0-fake\0\x01\0\0\0abcdefgh\0".to_vec();
    // PROTOCOL_41, TRANSACTIONS, SECURE_CONNECTION; PLUGIN_AUTH, SESSION_TRACK.
    greeting.extend_from_slice(&[0x01, 0xa2, 45, 2, 0, 0x88, 0x00, 21]);
    greeting.extend_from_slice(&[0; 10]);
    greeting.extend_from_slice(b"ijklmnopqrst\0mysql_native_password\0");
    greeting
}
