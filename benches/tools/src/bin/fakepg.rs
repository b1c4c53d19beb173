//! A PostgreSQL that knows one row: `fakepg --listen 127.0.0.1:PORT [--listen ...]`. It lets everybody in, greets as a
//! real server does, and answers every SELECT with the same row, in the simple and the extended protocol. It exists
//! because a real server pays a process per session: 9,000 of them do not fit, and a fork hides what a relay costs.
//! Prints `listening` when all its ports are open.

#[path = "fakepg/answers.rs"]
mod answers;

use answers::Answers;
use lull_bench_tools::args;
use std::{io, rc::Rc};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    runtime, task,
};

fn main() -> io::Result<()> {
    let runtime = runtime::Builder::new_current_thread().enable_io().build()?;
    task::LocalSet::new().block_on(&runtime, async {
        let answers = Rc::new(Answers::new());
        let mut acceptors = Vec::new();
        for address in args::all("listen") {
            let listener = TcpListener::bind(&address).await?;
            acceptors.push(task::spawn_local(accept(listener, answers.clone())));
        }
        println!("listening");
        for acceptor in acceptors {
            acceptor.await.map_err(io::Error::other)??;
        }
        Ok(())
    })
}

async fn accept(listener: TcpListener, answers: Rc<Answers>) -> io::Result<()> {
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        // A client that goes away in the middle of something ends its own session, nothing else.
        let answers = answers.clone();
        task::spawn_local(async move { session(stream, &answers).await.ok() });
    }
}

async fn session(mut stream: TcpStream, answers: &Answers) -> io::Result<()> {
    login(&mut stream, answers).await?;
    let mut held: Vec<u8> = Vec::new();
    let mut out: Vec<u8> = Vec::new();
    let mut chunk = [0; 1024];
    loop {
        let count = stream.read(&mut chunk).await?;
        if count == 0 {
            return Ok(());
        }
        held.extend_from_slice(&chunk[..count]);
        let mut used = 0;
        while let Some(message) = whole_message(&held[used..]) {
            if message[0] == b'X' {
                return Ok(());
            }
            answers.to(message, &mut out);
            used += message.len();
        }
        held.drain(..used);
        if !out.is_empty() {
            stream.write_all(&out).await?;
            out.clear();
        }
    }
}

/// Declines encryption as often as it is asked for, then takes any startup message.
async fn login(stream: &mut TcpStream, answers: &Answers) -> io::Result<()> {
    loop {
        let length = stream.read_u32().await?;
        if !(8..=10_000).contains(&length) {
            return Err(io::ErrorKind::InvalidData.into());
        }
        let mut body = vec![0; length as usize - 4];
        stream.read_exact(&mut body).await?;
        match u32::from_be_bytes([body[0], body[1], body[2], body[3]]) {
            80_877_103 | 80_877_104 => stream.write_all(b"N").await?,
            80_877_102 => return Err(io::ErrorKind::ConnectionAborted.into()),
            _ => return stream.write_all(&answers.greeting).await,
        }
    }
}

fn whole_message(bytes: &[u8]) -> Option<&[u8]> {
    let head = bytes.get(..5)?;
    let length = u32::from_be_bytes([head[1], head[2], head[3], head[4]]) as usize;
    bytes.get(..length + 1)
}
