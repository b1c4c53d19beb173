//! A server that only looks like PostgreSQL: for upstreams that fail in ways in which a real one does not on demand.
//!
//! Every connection gets a thread and the same script. It lives as long as the test process.

use super::message::Message;
use super::{PATIENCE, frames, ports};
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;

/// An address on which `script` answers each connection.
pub fn serve(script: impl Fn(&mut Client) -> io::Result<()> + Send + Sync + 'static) -> SocketAddr {
    let address = ports::free();
    let listener = TcpListener::bind(address).expect("a free port");
    let script = Arc::new(script);
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let script = Arc::clone(&script);
            stream.set_read_timeout(Some(PATIENCE)).expect("own socket");
            // Whoever hangs up, hangs up.
            std::thread::spawn(move || script(&mut Client(stream)));
        }
    });
    address
}

/// Accepts connections and never reads nor answers.
pub fn silent() -> SocketAddr {
    serve(|client| client.wait_for_end())
}

/// The other end, seen from the server.
pub struct Client(pub TcpStream);

impl Client {
    pub fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.0.write_all(bytes)
    }

    /// Reads until the other side closes.
    pub fn wait_for_end(&mut self) -> io::Result<()> {
        while self.0.read(&mut [0; 4096])? > 0 {}
        Ok(())
    }

    /// Declines encryption, trusts, and is ready for a query.
    pub fn log_in(&mut self) -> io::Result<()> {
        loop {
            let mut length = [0; 4];
            self.0.read_exact(&mut length)?;
            let mut body = vec![0; u32::from_be_bytes(length) as usize - 4];
            self.0.read_exact(&mut body)?;
            if body.len() == 4 {
                self.send(b"N")?;
                continue;
            }
            let greeting = [
                frames::message(b'R', &[0; 4]),
                frames::message(b'S', b"server_version\x0018.0\0"),
                frames::message(b'S', b"default_transaction_read_only\0off\0"),
                frames::message(b'K', &[0, 0, 0, 7, 0, 0, 0, 9]),
                ready(),
            ];
            return self.send(&greeting.concat());
        }
    }

    /// The next message of a client that has logged in.
    pub fn read(&mut self) -> io::Result<Message> {
        let mut head = [0; 5];
        self.0.read_exact(&mut head)?;
        let length = u32::from_be_bytes([head[1], head[2], head[3], head[4]]) as usize;
        let mut body = vec![0; length - 4];
        self.0.read_exact(&mut body)?;
        Ok(Message { tag: head[0], body })
    }
}

pub fn ready() -> Vec<u8> {
    frames::message(b'Z', b"I")
}

/// RowDescription of one column of text.
pub fn one_column() -> Vec<u8> {
    frames::message(
        b'T',
        b"\0\x01v\0\0\0\0\0\0\0\0\0\0\x19\xff\xff\xff\xff\xff\xff\0\0",
    )
}

/// A row of it.
pub fn row(text: &str) -> Vec<u8> {
    let length = u32::try_from(text.len()).expect("a short text").to_be_bytes();
    frames::message(b'D', &[&[0, 1], &length[..], text.as_bytes()].concat())
}
