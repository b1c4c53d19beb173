//! A raw client of the PostgreSQL protocol, for tests that need exact frames.
//!
//! Blocking, with [`PATIENCE`] for every read and write. Nothing is sent that the test has not asked for, nothing received is
//! hidden: what arrives in front of a reply is in the [`Replies`]. Logs in with trust or a clear password; what needs TLS
//! or SCRAM is for the drivers, or for a test that brings its own stream to [`Wire::over`].

use super::PATIENCE;
use super::frames;
use super::message::{Message, Replies};
use std::collections::BTreeMap;
use std::fmt;
use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

/// Anything that carries bytes both ways.
pub trait Stream: Read + Write + Send {}
impl<T: Read + Write + Send> Stream for T {}

enum Way {
    Tcp(TcpStream),
    Other(Box<dyn Stream>),
}

impl Way {
    fn stream(&mut self) -> &mut dyn Stream {
        match self {
            Self::Tcp(tcp) => tcp,
            Self::Other(stream) => stream,
        }
    }

    #[track_caller]
    fn tcp(&self) -> &TcpStream {
        match self {
            Self::Tcp(tcp) => tcp,
            Self::Other(_) => panic!("only over TCP"),
        }
    }
}

pub struct Wire {
    way: Way,
    /// What the server has announced with ParameterStatus; kept up to date.
    pub parameters: BTreeMap<String, String>,
    /// Process id and secret of BackendKeyData.
    pub key: Option<(u32, Vec<u8>)>,
}

impl Wire {
    /// A connection on which nothing has been said yet.
    pub fn connect(address: SocketAddr) -> io::Result<Self> {
        let tcp = TcpStream::connect_timeout(&address, PATIENCE)?;
        tcp.set_nodelay(true)?;
        tcp.set_read_timeout(Some(PATIENCE))?;
        tcp.set_write_timeout(Some(PATIENCE))?;
        Ok(Self::on(Way::Tcp(tcp)))
    }

    pub fn connect_unix(path: &Path) -> io::Result<Self> {
        let stream = UnixStream::connect(path)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        Ok(Self::over(stream))
    }

    /// Speaks over any stream, for example one with TLS inside.
    pub fn over(stream: impl Stream + 'static) -> Self {
        Self::on(Way::Other(Box::new(stream)))
    }

    fn on(way: Way) -> Self {
        Self {
            way,
            parameters: BTreeMap::new(),
            key: None,
        }
    }

    /// A logged-in connection; panics if the login fails.
    #[track_caller]
    pub fn login(address: SocketAddr, user: &str, database: &str) -> Self {
        match Self::try_login(address, user, database) {
            Ok(wire) => wire,
            Err(error) => panic!("login of {user} to {database} at {address}: {error}"),
        }
    }

    pub fn try_login(address: SocketAddr, user: &str, database: &str) -> io::Result<Self> {
        let mut wire = Self::connect(address)?;
        let parameters = [
            ("user", user),
            ("database", database),
            ("application_name", "wire"),
        ];
        let replies = wire.try_startup(frames::PROTOCOL_3_0, &parameters, None)?;
        match replies.error() {
            None => Ok(wire),
            Some(error) => Err(io::Error::other(format!("{error:?}"))),
        }
    }

    /// Sends a startup message and reads until the login has succeeded or failed, giving a clear password if asked for one.
    #[track_caller]
    pub fn startup(&mut self, protocol: u32, parameters: &[(&str, &str)], password: Option<&str>) -> Replies {
        self.try_startup(protocol, parameters, password).expect("login")
    }

    fn try_startup(
        &mut self,
        protocol: u32,
        parameters: &[(&str, &str)],
        password: Option<&str>,
    ) -> io::Result<Replies> {
        self.way
            .stream()
            .write_all(&frames::startup(protocol, parameters))?;
        let mut replies = Vec::new();
        loop {
            let message = self.try_read()?;
            let wants_password = message.tag == b'R' && message.body[..4] == [0, 0, 0, 3];
            let last = matches!(message.tag, b'Z' | b'E');
            replies.push(message);
            if wants_password {
                self.way
                    .stream()
                    .write_all(&frames::password(password.unwrap_or("")))?;
            }
            if last {
                return Ok(Replies(replies));
            }
        }
    }

    /// Process id of the server's backend, as BackendKeyData gave it.
    #[track_caller]
    pub fn pid(&self) -> u32 {
        self.key.as_ref().expect("logged in").0
    }

    // ---- single frames ----------------------------------------------------------------------------------------------

    /// Sends bytes as they are.
    #[track_caller]
    pub fn send(&mut self, bytes: &[u8]) -> &mut Self {
        self.try_send(bytes).expect("the other side takes bytes");
        self
    }

    pub fn try_send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.way.stream().write_all(bytes)?;
        self.way.stream().flush()
    }

    /// The next message.
    #[track_caller]
    pub fn read(&mut self) -> Message {
        self.try_read().expect("a message")
    }

    pub fn try_read(&mut self) -> io::Result<Message> {
        let mut head = [0; 5];
        self.way.stream().read_exact(&mut head)?;
        let length = u32::from_be_bytes([head[1], head[2], head[3], head[4]]) as usize;
        let Some(length) = length.checked_sub(4) else {
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                format!("length in {head:?}"),
            ));
        };
        let mut body = vec![0; length];
        self.way.stream().read_exact(&mut body)?;
        let message = Message { tag: head[0], body };
        if let Some((name, value)) = message.parameter() {
            self.parameters.insert(name, value);
        }
        if message.tag == b'K' {
            let (pid, secret) = message.body.split_at(4);
            self.key = Some((
                u32::from_be_bytes(pid.try_into().expect("four bytes")),
                secret.to_vec(),
            ));
        }
        Ok(message)
    }

    /// One bare byte: the answer to SSLRequest and GSSENCRequest.
    #[track_caller]
    pub fn read_byte(&mut self) -> u8 {
        let mut byte = [0];
        self.way.stream().read_exact(&mut byte).expect("one byte");
        byte[0]
    }

    /// Whether nothing arrives within `window`. For "is still held back"; never to prove that something will not come later.
    pub fn silent_for(&mut self, window: Duration) -> bool {
        let tcp = self.way.tcp();
        tcp.set_read_timeout(Some(window)).expect("own socket");
        let silent = tcp.peek(&mut [0]).is_err();
        tcp.set_read_timeout(Some(PATIENCE)).expect("own socket");
        silent
    }

    /// Messages up to and with the next one with this tag.
    #[track_caller]
    pub fn until(&mut self, tag: u8) -> Replies {
        let mut replies = Vec::new();
        loop {
            match self.try_read() {
                Ok(message) => replies.push(message),
                Err(error) => panic!("waiting for {}: {error}; got {replies:?}", char::from(tag)),
            }
            if replies.last().is_some_and(|message| message.tag == tag) {
                return Replies(replies);
            }
        }
    }

    /// Messages up to and with ReadyForQuery.
    #[track_caller]
    pub fn until_ready(&mut self) -> Replies {
        self.until(b'Z')
    }

    /// Messages until the other side closes; the way in which it does is not looked at.
    pub fn until_closed(&mut self) -> Replies {
        Replies(std::iter::from_fn(|| self.try_read().ok()).collect())
    }

    /// Messages up to ReadyForQuery, or until the other side closes.
    pub fn until_closed_or_ready(&mut self) -> Replies {
        let mut replies = Vec::new();
        while let Ok(message) = self.try_read() {
            let ready = message.tag == b'Z';
            replies.push(message);
            if ready {
                break;
            }
        }
        Replies(replies)
    }

    /// Says no more, but still listens.
    pub fn close_write(&mut self) {
        self.way.tcp().shutdown(Shutdown::Write).expect("own socket");
    }

    // ---- whole exchanges --------------------------------------------------------------------------------------------

    /// A simple query.
    #[track_caller]
    pub fn query(&mut self, sql: &str) -> Replies {
        self.send(&frames::query(sql)).until_ready()
    }

    /// The same through Parse, Bind, Describe, Execute, Sync.
    #[track_caller]
    pub fn extended(&mut self, sql: &str, parameters: &[Option<&str>]) -> Replies {
        self.send(&[frames::extended(sql, parameters), frames::sync()].concat())
            .until_ready()
    }

    /// FunctionCall with text arguments.
    #[track_caller]
    pub fn function_call(&mut self, oid: u32, arguments: &[Option<&str>]) -> Replies {
        self.send(&frames::function_call(oid, arguments)).until_ready()
    }

    /// Runs statements that must succeed.
    #[track_caller]
    pub fn run(&mut self, sql: &str) -> Replies {
        self.query(sql).expect_success(sql)
    }

    /// The first column of the first row of a query that must succeed.
    #[track_caller]
    pub fn value(&mut self, sql: &str) -> Option<String> {
        self.run(sql).value()
    }

    /// Asks `address` to cancel what this session does, and waits until that connection is closed.
    pub fn cancel_at(&self, address: SocketAddr) {
        let (pid, key) = self.key.as_ref().expect("logged in");
        let mut other = Self::connect(address).expect("a connection for the cancel request");
        other.send(&frames::cancel_request(*pid, key)).until_closed();
    }
}

impl fmt::Debug for Wire {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Wire")
            .field("key", &self.key)
            .finish_non_exhaustive()
    }
}
