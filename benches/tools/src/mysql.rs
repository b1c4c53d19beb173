//! A blocking MySQL client session: connect, log in as `bench` without a password, run a query, say goodbye. Just enough
//! of the protocol to know when an answer is over: packet lengths and first bytes.

use crate::client::Session;
use std::{
    io::{self, Read, Write},
    net::TcpStream,
};

/// PROTOCOL_41, SECURE_CONNECTION, PLUGIN_AUTH: what a small client asks for.
const CAPABILITIES: u32 = 0x0008_8200;

pub struct MySqlClient {
    stream: TcpStream,
    held: Vec<u8>,
}

impl Session for MySqlClient {
    fn login(address: &str, _scratch: &mut [u8]) -> io::Result<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        let mut client = Self {
            stream,
            held: Vec::new(),
        };
        client.packet()?;
        let mut response = CAPABILITIES.to_le_bytes().to_vec();
        response.extend_from_slice(&(1u32 << 24).to_le_bytes());
        response.push(45);
        response.extend_from_slice(&[0; 23]);
        response.extend_from_slice(b"bench\0\0mysql_native_password\0");
        client.send(1, &response)?;
        client.packet()?;
        client.held = Vec::new();
        Ok(client)
    }

    fn query(&mut self, sql: &[u8], _scratch: &mut [u8]) -> io::Result<()> {
        self.send(0, sql)?;
        // The number of columns, one definition, an end, one row, an end.
        for _ in 0..5 {
            self.packet()?;
        }
        self.held = Vec::new();
        Ok(())
    }

    /// COM_QUIT, then wait for the other side to close.
    fn quit(mut self, scratch: &mut [u8]) -> io::Result<()> {
        self.send(0, &[1])?;
        while self.stream.read(scratch)? > 0 {}
        Ok(())
    }

    fn message(sql: &str) -> Vec<u8> {
        [&[3], sql.as_bytes()].concat()
    }
}

impl MySqlClient {
    fn send(&mut self, sequence: u8, payload: &[u8]) -> io::Result<()> {
        self.stream.write_all(&packet(sequence, payload))
    }

    fn packet(&mut self) -> io::Result<()> {
        let mut chunk = [0; 4096];
        loop {
            if let Some(length) = whole_packet(&self.held) {
                if self.held[4] == 0xff {
                    let text = String::from_utf8_lossy(&self.held[7..length]).into_owned();
                    return Err(io::Error::other(format!("the server reported an error: {text}")));
                }
                self.held.drain(..length);
                return Ok(());
            }
            let count = self.stream.read(&mut chunk)?;
            if count == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            self.held.extend_from_slice(&chunk[..count]);
        }
    }
}

/// Header and payload.
pub fn packet(sequence: u8, payload: &[u8]) -> Vec<u8> {
    let [a, b, c, ..] = payload.len().to_le_bytes();
    [&[a, b, c, sequence], payload].concat()
}

/// The length of the first packet, header included, if all of it is here.
pub fn whole_packet(bytes: &[u8]) -> Option<usize> {
    let head = bytes.get(..4)?;
    let length = 4 + u32::from_le_bytes([head[0], head[1], head[2], 0]) as usize;
    (bytes.len() >= length && length > 4).then_some(length)
}
