//! How the raw client logs in (manual: "Connection Phase").

use super::Wire;
use super::packets::{self, capability};
use super::replies::Reader;
use crate::support::tls;
use ring::digest::{SHA1_FOR_LEGACY_USE_ONLY, SHA256, digest};
use std::io::{self, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The server's first packet.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Greeting {
    pub version: String,
    pub connection_id: u32,
    pub salt: Vec<u8>,
    pub capabilities: u64,
    pub collation: u8,
    pub status: u16,
    pub plugin: String,
}

impl Greeting {
    pub(super) fn read(payload: &[u8]) -> Option<Self> {
        let mut reader = Reader(payload);
        if reader.u8()? != 10 {
            return None;
        }
        let version = reader.until_zero()?;
        let connection_id = reader.u32()?;
        let mut salt = reader.take(8)?.to_vec();
        reader.take(1)?;
        let low = reader.u16()?;
        let (collation, status, high) = (reader.u8()?, reader.u16()?, reader.u16()?);
        let salt_length = usize::from(reader.u8()?);
        reader.take(6)?;
        let extended = reader.u32()?;
        let more = reader.take(salt_length.saturating_sub(8).max(13))?;
        salt.extend(&more[..more.len() - 1]);
        let mut capabilities = u64::from(low) | u64::from(high) << 16;
        if capabilities & capability::LONG_PASSWORD == 0 {
            capabilities |= u64::from(extended) << 32; // MariaDB
        }
        Some(Self {
            version,
            connection_id,
            salt,
            capabilities,
            collation,
            status,
            plugin: reader.until_zero().unwrap_or_default(),
        })
    }
}

/// utf8mb4_general_ci.
const UTF8MB4: u8 = 45;

/// Who wants in, and how.
#[derive(Clone, Debug)]
pub struct Login {
    user: String,
    password: String,
    database: String,
    capabilities: u64,
    plugin: Option<String>,
    attributes: Vec<(String, String)>,
    certificate: Option<PathBuf>,
    collation: u8,
}

impl Login {
    pub fn of(user: &str) -> Self {
        Self {
            user: user.to_owned(),
            password: String::new(),
            database: String::new(),
            capabilities: capability::USUAL,
            plugin: None,
            attributes: Vec::new(),
            certificate: None,
            collation: UTF8MB4,
        }
    }

    #[must_use]
    pub fn password(mut self, password: &str) -> Self {
        password.clone_into(&mut self.password);
        self
    }

    /// The default database; none if the name is empty.
    #[must_use]
    pub fn database(mut self, database: &str) -> Self {
        database.clone_into(&mut self.database);
        self
    }

    /// More capabilities than the usual ones; what the server does not offer is left out.
    #[must_use]
    pub fn with(mut self, capabilities: u64) -> Self {
        self.capabilities |= capabilities;
        self
    }

    #[must_use]
    pub fn without(mut self, capabilities: u64) -> Self {
        self.capabilities &= !capabilities;
        self
    }

    /// Begins with this method, whatever the server's greeting proposes.
    #[must_use]
    pub fn method(mut self, plugin: &str) -> Self {
        self.plugin = Some(plugin.to_owned());
        self
    }

    /// A connection attribute, such as `_client_name`.
    #[must_use]
    pub fn attribute(mut self, name: &str, value: &str) -> Self {
        self.attributes.push((name.to_owned(), value.to_owned()));
        self.capabilities |= capability::CONNECT_ATTRS;
        self
    }

    /// The number of the collation, and so the character set, that the client says its texts are in.
    #[must_use]
    pub fn collation(mut self, number: u8) -> Self {
        self.collation = number;
        self
    }

    /// Inside TLS, trusting exactly this certificate.
    #[must_use]
    pub fn tls(mut self, certificate: &Path) -> Self {
        self.certificate = Some(certificate.to_owned());
        self
    }

    #[track_caller]
    pub fn to(&self, address: SocketAddr) -> Wire {
        match self.try_to(address) {
            Ok(wire) => wire,
            Err(error) => panic!(
                "login of {} to {:?} at {address}: {error}",
                self.user, self.database
            ),
        }
    }

    pub fn try_to(&self, address: SocketAddr) -> io::Result<Wire> {
        let mut wire = Wire::connect(address)?;
        self.on(&mut wire)?;
        Ok(wire)
    }

    /// Logs in on a connection on which only the server has spoken.
    pub fn on(&self, wire: &mut Wire) -> io::Result<()> {
        let mut wanted = self.capabilities;
        if !self.database.is_empty() {
            wanted |= capability::CONNECT_WITH_DB;
        }
        if wire.greeting.capabilities >> 32 != 0 && wanted >> 32 != 0 {
            wanted &= !capability::LONG_PASSWORD; // says that MariaDB's own are meant
        }
        if let Some(certificate) = &self.certificate {
            wanted |= capability::SSL;
            wire.capabilities = wanted & (wire.greeting.capabilities | capability::SSL);
            let request = self.beginning(wire);
            wire.try_go_on(&request)?;
            wire.wrap(|tcp| Ok(Box::new(tls::secure(tcp, certificate, Vec::new(), None)?)))?;
        }
        wire.capabilities = wanted & wire.greeting.capabilities;
        let mut plugin = self.plugin.clone().unwrap_or(wire.greeting.plugin.clone());
        let mut salt = wire.greeting.salt.clone();
        let response = self.response(wire, &plugin, &salt);
        wire.try_go_on(&response)?;
        self.prove(wire, &mut plugin, &mut salt)
    }

    /// Says who it is and the first word of the server's method, and no more.
    pub fn begin_on(&self, wire: &mut Wire) {
        wire.capabilities = self.capabilities & wire.greeting.capabilities;
        let (plugin, salt) = (wire.greeting.plugin.clone(), wire.greeting.salt.clone());
        let response = self.response(wire, &plugin, &salt);
        wire.go_on(&response);
    }

    /// COM_CHANGE_USER on a connection that is logged in, until its OK or error.
    pub fn change(&self, wire: &mut Wire) -> io::Result<()> {
        let mut plugin = self.plugin.clone().unwrap_or(wire.greeting.plugin.clone());
        let mut salt = wire.greeting.salt.clone();
        let scramble = self.scramble(&plugin, &salt);
        let mut body = [self.user.as_bytes(), &[0]].concat();
        body.push(u8::try_from(scramble.len()).map_err(io::Error::other)?);
        body.extend(scramble);
        body.extend([self.database.as_bytes(), &[0, self.collation, 0]].concat());
        body.extend([plugin.as_bytes(), &[0]].concat());
        if wire.has(capability::CONNECT_ATTRS) {
            body.extend(self.attribute_bytes());
        }
        wire.try_send(&packets::command(packets::CHANGE_USER, &body))?;
        self.prove(wire, &mut plugin, &mut salt)
    }

    /// What an SSLRequest is, and with what a HandshakeResponse begins.
    fn beginning(&self, wire: &Wire) -> Vec<u8> {
        let low = u32::try_from(wire.capabilities & 0xffff_ffff).expect("32 bits");
        let mut body = low.to_le_bytes().to_vec();
        body.extend(0x0400_0000u32.to_le_bytes()); // the largest packet
        body.push(self.collation);
        body.extend([0; 19]);
        let high = u32::try_from(wire.capabilities >> 32).expect("32 bits");
        body.extend(high.to_le_bytes());
        body
    }

    fn response(&self, wire: &Wire, plugin: &str, salt: &[u8]) -> Vec<u8> {
        let mut body = self.beginning(wire);
        body.extend(self.user.as_bytes());
        body.push(0);
        let scramble = self.scramble(plugin, salt);
        body.extend(packets::bytes(&scramble));
        if wire.has(capability::CONNECT_WITH_DB) {
            body.extend(self.database.as_bytes());
            body.push(0);
        }
        if wire.has(capability::PLUGIN_AUTH) {
            body.extend(plugin.as_bytes());
            body.push(0);
        }
        if wire.has(capability::CONNECT_ATTRS) {
            body.extend(self.attribute_bytes());
        }
        body
    }

    fn attribute_bytes(&self) -> Vec<u8> {
        let pairs = self.attributes.iter();
        let pairs: Vec<u8> = pairs
            .flat_map(|(name, value)| [packets::text(name), packets::text(value)].concat())
            .collect();
        packets::bytes(&pairs)
    }

    /// The first word of a method: what is sent before the server asks for more.
    fn scramble(&self, plugin: &str, salt: &[u8]) -> Vec<u8> {
        let password = self.password.as_bytes();
        match plugin {
            _ if password.is_empty() => Vec::new(),
            "mysql_native_password" => {
                let once = sha1(&[password]);
                xor(&once, &sha1(&[salt, &sha1(&[&once])]))
            }
            "caching_sha2_password" => {
                let once = sha256(&[password]);
                xor(&once, &sha256(&[&sha256(&[&once]), salt]))
            }
            "sha256_password" if self.certificate.is_some() => [password, &[0]].concat(),
            "sha256_password" => vec![1], // the server's key, please
            "mysql_clear_password" => [password, &[0]].concat(),
            other => panic!("the test's client does not know {other}"),
        }
    }

    /// Does what the server asks for until it is content or not.
    fn prove(&self, wire: &mut Wire, plugin: &mut String, salt: &mut Vec<u8>) -> io::Result<()> {
        loop {
            let packet = wire.try_read()?;
            wire.login_packets.push(packet.clone());
            let answer = match packet.payload.split_first() {
                Some((0x00, _)) => return Ok(()),
                Some((0xff, _)) => return Err(io::Error::other(format!("refused: {packet:?}"))),
                Some((0xfe, rest)) => {
                    let mut reader = Reader(rest);
                    *plugin = reader.until_zero().unwrap_or_default();
                    *salt = reader.0.strip_suffix(&[0]).unwrap_or(reader.0).to_vec();
                    self.scramble(plugin, salt)
                }
                // The password is known to be right; the OK follows.
                Some((0x01, [3])) => continue,
                Some((0x01, [4])) if self.certificate.is_some() => [self.password.as_bytes(), &[0]].concat(),
                Some((0x01, [4])) => vec![2], // the server's key, please
                Some((0x01, key)) => encrypt(key, &self.password, salt)?,
                _ => return Err(io::Error::other(format!("what is {packet:?}?"))),
            };
            wire.try_go_on(&answer)?;
        }
    }
}

/// The password, veiled by the salt, encrypted with the server's key.
fn encrypt(key: &[u8], password: &str, salt: &[u8]) -> io::Result<Vec<u8>> {
    let clear = [password.as_bytes(), &[0]].concat();
    let veiled: Vec<u8> = clear
        .iter()
        .zip(salt.iter().cycle())
        .map(|(a, b)| a ^ b)
        .collect();
    let file = std::env::temp_dir().join(format!(
        "lull-key-{}-{:?}",
        std::process::id(),
        std::thread::current().id()
    ));
    std::fs::write(&file, key)?;
    let mut openssl = Command::new("openssl")
        .args([
            "pkeyutl",
            "-encrypt",
            "-pubin",
            "-pkeyopt",
            "rsa_padding_mode:oaep",
            "-inkey",
        ])
        .arg(&file)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    openssl.stdin.take().expect("piped").write_all(&veiled)?;
    let output = openssl.wait_with_output()?;
    let _ = std::fs::remove_file(&file);
    if !output.status.success() {
        return Err(io::Error::other(format!("openssl: {output:?}")));
    }
    Ok(output.stdout)
}

fn sha1(parts: &[&[u8]]) -> Vec<u8> {
    digest(&SHA1_FOR_LEGACY_USE_ONLY, &parts.concat())
        .as_ref()
        .to_vec()
}

fn sha256(parts: &[&[u8]]) -> Vec<u8> {
    digest(&SHA256, &parts.concat()).as_ref().to_vec()
}

fn xor(a: &[u8], b: &[u8]) -> Vec<u8> {
    a.iter().zip(b).map(|(a, b)| a ^ b).collect()
}
