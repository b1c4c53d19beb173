//! What a PostgreSQL client sends, as bytes: to be joined, cut and bent by tests.
//!
//! Names follow the manual, "Message Formats". Nothing here refers to lull's own codecs.

pub const PROTOCOL_3_0: u32 = 3 << 16;
pub const PROTOCOL_3_2: u32 = (3 << 16) + 2;
const CANCEL_REQUEST: u32 = 80_877_102;
const SSL_REQUEST: u32 = 80_877_103;
const GSSENC_REQUEST: u32 = 80_877_104;

/// Any tagged message.
pub fn message(tag: u8, body: &[u8]) -> Vec<u8> {
    let mut frame = vec![tag];
    frame.extend(length(body.len()).to_be_bytes());
    frame.extend(body);
    frame
}

/// A message of the time before the login: no tag, but a code.
pub fn untagged(code: u32, body: &[u8]) -> Vec<u8> {
    let mut frame = length(body.len() + 4).to_be_bytes().to_vec();
    frame.extend(code.to_be_bytes());
    frame.extend(body);
    frame
}

fn length(body: usize) -> u32 {
    u32::try_from(body + 4).expect("a message below 4 GB")
}

fn strings(parts: &[&str]) -> Vec<u8> {
    parts.iter().flat_map(|part| part.bytes().chain([0])).collect()
}

pub fn startup(protocol: u32, parameters: &[(&str, &str)]) -> Vec<u8> {
    let mut body: Vec<u8> = parameters
        .iter()
        .flat_map(|(name, value)| strings(&[name, value]))
        .collect();
    body.push(0);
    untagged(protocol, &body)
}

pub fn ssl_request() -> Vec<u8> {
    untagged(SSL_REQUEST, b"")
}

pub fn gssenc_request() -> Vec<u8> {
    untagged(GSSENC_REQUEST, b"")
}

/// `key` is four bytes with protocol 3.0, up to 256 with 3.2.
pub fn cancel_request(pid: u32, key: &[u8]) -> Vec<u8> {
    untagged(CANCEL_REQUEST, &[&pid.to_be_bytes(), key].concat())
}

pub fn password(text: &str) -> Vec<u8> {
    message(b'p', &strings(&[text]))
}

pub fn query(sql: &str) -> Vec<u8> {
    message(b'Q', &strings(&[sql]))
}

/// Without types: the server infers them.
pub fn parse(statement: &str, sql: &str) -> Vec<u8> {
    message(b'P', &[strings(&[statement, sql]), vec![0, 0]].concat())
}

/// Text parameters, text results.
pub fn bind(portal: &str, statement: &str, parameters: &[Option<&str>]) -> Vec<u8> {
    let mut body = strings(&[portal, statement]);
    body.extend([0, 0]);
    body.extend(
        u16::try_from(parameters.len())
            .expect("few parameters")
            .to_be_bytes(),
    );
    body.extend(values(parameters));
    body.extend([0, 0]);
    message(b'B', &body)
}

fn values(parameters: &[Option<&str>]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for parameter in parameters {
        match parameter {
            Some(text) => {
                bytes.extend(u32::try_from(text.len()).expect("a short text").to_be_bytes());
                bytes.extend(text.bytes());
            }
            None => bytes.extend((-1i32).to_be_bytes()),
        }
    }
    bytes
}

pub fn describe_statement(name: &str) -> Vec<u8> {
    message(b'D', &[b"S".to_vec(), strings(&[name])].concat())
}

pub fn describe_portal(name: &str) -> Vec<u8> {
    message(b'D', &[b"P".to_vec(), strings(&[name])].concat())
}

pub fn close_statement(name: &str) -> Vec<u8> {
    message(b'C', &[b"S".to_vec(), strings(&[name])].concat())
}

pub fn close_portal(name: &str) -> Vec<u8> {
    message(b'C', &[b"P".to_vec(), strings(&[name])].concat())
}

/// `rows` 0 asks for all.
pub fn execute(portal: &str, rows: u32) -> Vec<u8> {
    message(b'E', &[strings(&[portal]), rows.to_be_bytes().to_vec()].concat())
}

pub fn sync() -> Vec<u8> {
    message(b'S', b"")
}

pub fn flush() -> Vec<u8> {
    message(b'H', b"")
}

pub fn terminate() -> Vec<u8> {
    message(b'X', b"")
}

pub fn copy_data(data: &[u8]) -> Vec<u8> {
    message(b'd', data)
}

pub fn copy_done() -> Vec<u8> {
    message(b'c', b"")
}

pub fn copy_fail(reason: &str) -> Vec<u8> {
    message(b'f', &strings(&[reason]))
}

/// FunctionCall with text arguments and a text result.
pub fn function_call(oid: u32, arguments: &[Option<&str>]) -> Vec<u8> {
    let mut body = oid.to_be_bytes().to_vec();
    body.extend([0, 0]);
    body.extend(
        u16::try_from(arguments.len())
            .expect("few arguments")
            .to_be_bytes(),
    );
    body.extend(values(arguments));
    body.extend([0, 0]);
    message(b'F', &body)
}

/// Parse, Bind, Describe, Execute of an unnamed statement; no Sync.
pub fn extended(sql: &str, parameters: &[Option<&str>]) -> Vec<u8> {
    [
        parse("", sql),
        bind("", "", parameters),
        describe_portal(""),
        execute("", 0),
    ]
    .concat()
}
