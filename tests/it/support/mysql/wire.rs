//! A raw client of the MySQL protocol, for tests that need exact packets.
//!
//! Blocking, with [`PATIENCE`] for every read and write. Nothing is sent that the test has not asked for, nothing received is
//! hidden. How it logs in is in [`Login`](super::Login).

use super::login::{Greeting, Login};
use super::packets::{self, capability};
use super::replies::{self, Replies, Reply};
use crate::support::PATIENCE;
use crate::support::wire::Stream;
use std::fmt;
use std::io;
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::Path;

/// More than this, and the packet goes on in the next.
pub const PACKET_MAX: usize = 0xff_ffff;

/// What came, put together if it came in several; `sequence` is that of the last.
#[derive(Clone, PartialEq, Eq)]
pub struct Packet {
    pub sequence: u8,
    pub payload: Vec<u8>,
}

impl fmt::Debug for Packet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = &self.payload[..self.payload.len().min(200)];
        write!(
            f,
            "#{} ({}) {}",
            self.sequence,
            self.payload.len(),
            shown.escape_ascii()
        )
    }
}

pub struct Wire {
    stream: Box<dyn Stream>,
    /// The same connection, to close its sending side.
    tcp: Option<TcpStream>,
    /// Of the next packet to be sent.
    sequence: u8,
    pub greeting: Greeting,
    /// What both sides have; 0 until the login.
    pub capabilities: u64,
    /// What the server has said after the greeting until the login was over.
    pub login_packets: Vec<Packet>,
    /// Everything that has come since this was made `Some`.
    pub record: Option<Vec<Packet>>,
}

impl fmt::Debug for Wire {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Wire {:?}", self.greeting)
    }
}

impl Wire {
    /// A connection on which only the server has spoken.
    pub fn connect(address: SocketAddr) -> io::Result<Self> {
        let tcp = TcpStream::connect_timeout(&address, PATIENCE)?;
        tcp.set_nodelay(true)?;
        tcp.set_read_timeout(Some(PATIENCE))?;
        tcp.set_write_timeout(Some(PATIENCE))?;
        let other = tcp.try_clone()?;
        Self::over(tcp, Some(other))
    }

    pub fn connect_unix(path: &Path) -> io::Result<Self> {
        let stream = UnixStream::connect(path)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        Self::over(stream, None)
    }

    fn over(stream: impl Stream + 'static, tcp: Option<TcpStream>) -> io::Result<Self> {
        let mut wire = Self {
            stream: Box::new(stream),
            tcp,
            sequence: 0,
            greeting: Greeting::default(),
            capabilities: 0,
            login_packets: Vec::new(),
            record: None,
        };
        let packet = wire.try_read()?;
        if packet.payload.first() == Some(&0xff) {
            return Err(io::Error::other(format!("no greeting: {packet:?}")));
        }
        wire.greeting = Greeting::read(&packet.payload)
            .ok_or_else(|| io::Error::other(format!("no greeting: {packet:?}")))?;
        Ok(wire)
    }

    /// Goes on inside TLS: `wrap` gets the TCP connection.
    pub(super) fn wrap(
        &mut self,
        wrap: impl FnOnce(TcpStream) -> io::Result<Box<dyn Stream>>,
    ) -> io::Result<()> {
        let tcp = self
            .tcp
            .as_ref()
            .ok_or_else(|| io::Error::other("TLS only over TCP"))?;
        self.stream = wrap(tcp.try_clone()?)?;
        Ok(())
    }

    /// A logged-in connection without a password; no database if the name is empty. Panics if the login fails.
    #[track_caller]
    pub fn login(address: SocketAddr, user: &str, database: &str) -> Self {
        Login::of(user).database(database).to(address)
    }

    pub fn try_login(address: SocketAddr, user: &str, database: &str) -> io::Result<Self> {
        Login::of(user).database(database).try_to(address)
    }

    /// The server's id of this connection.
    pub fn id(&self) -> u32 {
        self.greeting.connection_id
    }

    pub fn has(&self, capability: u64) -> bool {
        self.capabilities & capability != 0
    }

    // ---- packets --------------------------------------------------------------------------------------------------------

    /// Sends a payload as a command: in packets that begin with number 0.
    #[track_caller]
    pub fn send(&mut self, payload: &[u8]) -> &mut Self {
        self.try_send(payload).expect("the other side takes bytes");
        self
    }

    pub fn try_send(&mut self, payload: &[u8]) -> io::Result<()> {
        self.sequence = 0;
        self.try_go_on(payload)
    }

    /// Sends a payload with the next number: an answer inside an exchange.
    #[track_caller]
    pub fn go_on(&mut self, payload: &[u8]) -> &mut Self {
        self.try_go_on(payload).expect("the other side takes bytes");
        self
    }

    pub fn try_go_on(&mut self, payload: &[u8]) -> io::Result<()> {
        let (bytes, next) = framed(payload, self.sequence);
        self.sequence = next;
        self.try_send_raw(&bytes)
    }

    /// Sends bytes as they are, headers included.
    pub fn try_send_raw(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.write_all(bytes)?;
        self.stream.flush()
    }

    #[track_caller]
    pub fn read(&mut self) -> Packet {
        self.try_read().expect("a packet")
    }

    /// The next packet, put together if it comes in several.
    pub fn try_read(&mut self) -> io::Result<Packet> {
        let mut payload = Vec::new();
        loop {
            let mut header = [0; 4];
            self.stream.read_exact(&mut header)?;
            let length = u32::from_le_bytes([header[0], header[1], header[2], 0]) as usize;
            let start = payload.len();
            payload.resize(start + length, 0);
            self.stream.read_exact(&mut payload[start..])?;
            self.sequence = header[3].wrapping_add(1);
            if length < PACKET_MAX {
                let packet = Packet {
                    sequence: header[3],
                    payload,
                };
                self.record
                    .iter_mut()
                    .for_each(|record| record.push(packet.clone()));
                return Ok(packet);
            }
        }
    }

    /// Everything until the other side closes.
    pub fn until_closed(&mut self) -> Vec<Packet> {
        std::iter::from_fn(|| self.try_read().ok()).collect()
    }

    /// Says that nothing more will be sent.
    #[track_caller]
    pub fn close_write(&self) {
        let tcp = self.tcp.as_ref().expect("only over TCP");
        tcp.shutdown(Shutdown::Write).expect("open");
    }

    // ---- commands -------------------------------------------------------------------------------------------------------

    /// A query and all of its answers; for LOCAL INFILE, until the file is asked for.
    #[track_caller]
    pub fn query(&mut self, sql: &str) -> Replies {
        let payload = if self.has(capability::QUERY_ATTRIBUTES) {
            packets::query_with_attributes(sql, &[])
        } else {
            packets::query(sql)
        };
        self.ask(&payload)
    }

    /// A query none of whose answers may be an error.
    #[track_caller]
    pub fn run(&mut self, sql: &str) -> Replies {
        let replies = self.query(sql);
        assert!(replies.error().is_none(), "{sql}: {:?}", replies.error());
        replies
    }

    /// The value in the first row and column.
    #[track_caller]
    pub fn value(&mut self, sql: &str) -> Option<String> {
        self.run(sql).value().map(str::to_owned)
    }

    /// Any command whose answer is OK, an error, or results.
    #[track_caller]
    pub fn ask(&mut self, payload: &[u8]) -> Replies {
        self.try_ask(payload).expect("an answer")
    }

    pub fn try_ask(&mut self, payload: &[u8]) -> io::Result<Replies> {
        self.try_send(payload)?;
        self.try_results()
    }

    /// What is owed for a command that was sent before.
    #[track_caller]
    pub fn results(&mut self) -> Replies {
        self.try_results().expect("an answer")
    }

    pub fn try_results(&mut self) -> io::Result<Replies> {
        replies::read_results(self)
    }

    /// A prepared statement's id, or the error.
    #[track_caller]
    pub fn prepare(&mut self, sql: &str) -> Result<u32, Reply> {
        self.send(&packets::prepare(sql));
        let replies = self.prepared();
        match replies.0.into_iter().next() {
            Some(Reply::Prepared { statement, .. }) => Ok(statement),
            Some(other) => Err(other),
            None => unreachable!("one reply was read"),
        }
    }

    /// What is owed for a COM_STMT_PREPARE.
    #[track_caller]
    pub fn prepared(&mut self) -> Replies {
        self.try_prepared().expect("an answer")
    }

    pub fn try_prepared(&mut self) -> io::Result<Replies> {
        replies::read_prepared(self)
    }

    /// What is owed for a COM_STMT_FETCH.
    #[track_caller]
    pub fn fetched(&mut self) -> Replies {
        replies::read_rows(self).expect("an answer")
    }

    /// Sends a file that was asked for, in pieces, and its end; the answer.
    #[track_caller]
    pub fn send_file(&mut self, pieces: &[&[u8]]) -> Replies {
        for piece in pieces {
            self.go_on(piece);
        }
        self.go_on(&[]);
        self.results()
    }
}

/// A payload in packets from a number on, and the number after the last.
pub fn framed(payload: &[u8], mut sequence: u8) -> (Vec<u8>, u8) {
    let mut bytes = Vec::with_capacity(payload.len() + 4);
    let mut pieces = payload.chunks(PACKET_MAX);
    loop {
        let piece = pieces.next().unwrap_or_default();
        let length = u32::try_from(piece.len()).expect("three bytes").to_le_bytes();
        bytes.extend([length[0], length[1], length[2], sequence]);
        bytes.extend(piece);
        sequence = sequence.wrapping_add(1);
        // A full packet is followed by another, be it empty.
        if piece.len() < PACKET_MAX {
            return (bytes, sequence);
        }
    }
}
