//! A blocking client session: connect, log in as `bench` to `bench`, run simple queries, say goodbye.

use crate::frames::Walker;
use std::{
    io::{self, Read, Write},
    net::TcpStream,
};

/// Protocol 3.0, user and database `bench`.
const STARTUP: &[u8] = b"\0\0\0\x23\0\x03\0\0user\0bench\0database\0bench\0\0";
const TERMINATE: &[u8] = b"X\0\0\0\x04";

/// What `storm` and `idle` do with a connection, in either protocol.
pub trait Session: Sized {
    /// `scratch` is where answers land; it belongs to the caller so that thousands of idle clients share one.
    fn login(address: &str, scratch: &mut [u8]) -> io::Result<Self>;
    fn query(&mut self, message: &[u8], scratch: &mut [u8]) -> io::Result<()>;
    fn quit(self, scratch: &mut [u8]) -> io::Result<()>;
    /// A query, as it is sent.
    fn message(sql: &str) -> Vec<u8>;
}

impl Session for Client {
    fn login(address: &str, scratch: &mut [u8]) -> io::Result<Self> {
        Self::login(address, scratch)
    }

    fn query(&mut self, message: &[u8], scratch: &mut [u8]) -> io::Result<()> {
        self.query(message, scratch).map(|_| ())
    }

    fn quit(self, scratch: &mut [u8]) -> io::Result<()> {
        self.quit(scratch)
    }

    fn message(sql: &str) -> Vec<u8> {
        query_message(sql)
    }
}

pub struct Client {
    stream: TcpStream,
    walker: Walker,
}

impl Client {
    /// `scratch` is where answers land; it belongs to the caller so that thousands of idle clients share one.
    pub fn login(address: &str, scratch: &mut [u8]) -> io::Result<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        let mut client = Self {
            stream,
            walker: Walker::default(),
        };
        client.stream.write_all(STARTUP)?;
        client.answer(scratch)?;
        Ok(client)
    }

    /// Sends one simple query and reads to its ReadyForQuery; the bytes of the answer.
    pub fn query(&mut self, message: &[u8], scratch: &mut [u8]) -> io::Result<u64> {
        self.stream.write_all(message)?;
        self.answer(scratch)
    }

    /// Terminate, then wait for the other side to close, as a client that checks does: what a relay does between the
    /// two belongs to the connection's cost.
    pub fn quit(mut self, scratch: &mut [u8]) -> io::Result<()> {
        self.stream.write_all(TERMINATE)?;
        while self.stream.read(scratch)? > 0 {}
        Ok(())
    }

    fn answer(&mut self, scratch: &mut [u8]) -> io::Result<u64> {
        self.walker.reset();
        let mut total = 0;
        while !self.walker.ready {
            let count = self.stream.read(scratch)?;
            if count == 0 {
                return Err(io::Error::new(
                    io::ErrorKind::UnexpectedEof,
                    "closed before ReadyForQuery",
                ));
            }
            total += count as u64;
            self.walker.feed(&scratch[..count]);
            if self.walker.failed {
                let text = String::from_utf8_lossy(&scratch[..count]).replace('\0', " ");
                return Err(io::Error::other(format!("the server reported an error: {text}")));
            }
        }
        Ok(total)
    }
}

/// A Query message.
pub fn query_message(sql: &str) -> Vec<u8> {
    let length = u32::try_from(sql.len() + 5).unwrap_or(u32::MAX);
    let mut message = vec![b'Q'];
    message.extend_from_slice(&length.to_be_bytes());
    message.extend_from_slice(sql.as_bytes());
    message.push(0);
    message
}
