//! Payloads of the packets that a client sends, and what numbers are called (manual: "Client/Server Protocol").

pub const QUIT: u8 = 0x01;
pub const INIT_DB: u8 = 0x02;
pub const QUERY: u8 = 0x03;
pub const FIELD_LIST: u8 = 0x04;
pub const STATISTICS: u8 = 0x09;
pub const PROCESS_KILL: u8 = 0x0c;
pub const PING: u8 = 0x0e;
pub const CHANGE_USER: u8 = 0x11;
pub const STMT_PREPARE: u8 = 0x16;
pub const STMT_EXECUTE: u8 = 0x17;
pub const STMT_SEND_LONG_DATA: u8 = 0x18;
pub const STMT_CLOSE: u8 = 0x19;
pub const STMT_RESET: u8 = 0x1a;
pub const SET_OPTION: u8 = 0x1b;
pub const STMT_FETCH: u8 = 0x1c;
pub const RESET_CONNECTION: u8 = 0x1f;
/// MariaDB's.
pub const STMT_BULK_EXECUTE: u8 = 0xfa;

/// Capabilities; MariaDB's own are the upper half.
pub mod capability {
    pub const LONG_PASSWORD: u64 = 1;
    pub const FOUND_ROWS: u64 = 1 << 1;
    pub const LONG_FLAG: u64 = 1 << 2;
    pub const CONNECT_WITH_DB: u64 = 1 << 3;
    pub const COMPRESS: u64 = 1 << 5;
    pub const LOCAL_FILES: u64 = 1 << 7;
    pub const PROTOCOL_41: u64 = 1 << 9;
    pub const SSL: u64 = 1 << 11;
    pub const TRANSACTIONS: u64 = 1 << 13;
    pub const SECURE_CONNECTION: u64 = 1 << 15;
    pub const MULTI_STATEMENTS: u64 = 1 << 16;
    pub const MULTI_RESULTS: u64 = 1 << 17;
    pub const PS_MULTI_RESULTS: u64 = 1 << 18;
    pub const PLUGIN_AUTH: u64 = 1 << 19;
    pub const CONNECT_ATTRS: u64 = 1 << 20;
    pub const LENENC_AUTH: u64 = 1 << 21;
    pub const SESSION_TRACK: u64 = 1 << 23;
    pub const DEPRECATE_EOF: u64 = 1 << 24;
    pub const OPTIONAL_METADATA: u64 = 1 << 25;
    pub const ZSTD: u64 = 1 << 26;
    pub const QUERY_ATTRIBUTES: u64 = 1 << 27;
    pub const MARIADB_PROGRESS: u64 = 1 << 32;
    pub const MARIADB_BULK: u64 = 1 << 34;
    pub const MARIADB_CACHE_METADATA: u64 = 1 << 36;

    /// What a simple client of today asks for.
    pub const USUAL: u64 = LONG_PASSWORD
        | LONG_FLAG
        | PROTOCOL_41
        | TRANSACTIONS
        | SECURE_CONNECTION
        | MULTI_RESULTS
        | PS_MULTI_RESULTS
        | PLUGIN_AUTH
        | LENENC_AUTH;
}

/// What a session is, as flags in each answer.
pub mod status {
    pub const IN_TRANS: u16 = 0x1;
    pub const AUTOCOMMIT: u16 = 0x2;
    pub const MORE_RESULTS: u16 = 0x8;
    pub const CURSOR_EXISTS: u16 = 0x40;
    pub const LAST_ROW_SENT: u16 = 0x80;
    pub const IN_TRANS_READONLY: u16 = 0x2000;
    pub const SESSION_STATE_CHANGED: u16 = 0x4000;
}

/// Types of values.
pub mod kind {
    pub const TINY: u8 = 0x01;
    pub const SHORT: u8 = 0x02;
    pub const LONG: u8 = 0x03;
    pub const DOUBLE: u8 = 0x05;
    pub const NULL: u8 = 0x06;
    pub const LONGLONG: u8 = 0x08;
    pub const VAR_STRING: u8 = 0xfd;
    pub const BLOB: u8 = 0xfc;
}

pub fn command(code: u8, body: &[u8]) -> Vec<u8> {
    [&[code], body].concat()
}

pub fn query(sql: &str) -> Vec<u8> {
    command(QUERY, sql.as_bytes())
}

/// A query of a client that has QUERY_ATTRIBUTES: names and texts in front of the statement.
pub fn query_with_attributes(sql: &str, attributes: &[(&str, &str)]) -> Vec<u8> {
    let mut body = lenenc(attributes.len());
    body.push(1); // sets of parameters
    if !attributes.is_empty() {
        body.extend(vec![0; attributes.len().div_ceil(8)]);
        body.push(1); // types follow
        for (name, _) in attributes {
            body.extend([kind::VAR_STRING, 0]);
            body.extend(text(name));
        }
        for (_, value) in attributes {
            body.extend(text(value));
        }
    }
    body.extend(sql.as_bytes());
    command(QUERY, &body)
}

pub fn init_db(database: &str) -> Vec<u8> {
    command(INIT_DB, database.as_bytes())
}

pub fn prepare(sql: &str) -> Vec<u8> {
    command(STMT_PREPARE, sql.as_bytes())
}

pub const CURSOR_READ_ONLY: u8 = 1;
/// Of a client that has QUERY_ATTRIBUTES: the count of parameters is sent.
pub const PARAMETER_COUNT_AVAILABLE: u8 = 8;

/// Executes with texts (or NULL) for parameters.
pub fn execute(statement: u32, flags: u8, values: &[Option<&str>]) -> Vec<u8> {
    let mut body = statement.to_le_bytes().to_vec();
    body.push(flags);
    body.extend(1u32.to_le_bytes()); // iterations
    if flags & PARAMETER_COUNT_AVAILABLE != 0 {
        body.extend(lenenc(values.len()));
    }
    if !values.is_empty() {
        let mut nulls = vec![0u8; values.len().div_ceil(8)];
        for (at, _) in values.iter().enumerate().filter(|(_, value)| value.is_none()) {
            nulls[at / 8] |= 1 << (at % 8);
        }
        body.extend(nulls);
        body.push(1); // types follow
        for _ in values {
            body.extend([kind::VAR_STRING, 0]);
            if flags & PARAMETER_COUNT_AVAILABLE != 0 {
                body.push(0); // no name
            }
        }
        for value in values.iter().flatten() {
            body.extend(text(value));
        }
    }
    command(STMT_EXECUTE, &body)
}

/// MariaDB's: executes once per row of texts.
pub fn bulk_execute(statement: u32, rows: &[&[Option<&str>]]) -> Vec<u8> {
    let mut body = statement.to_le_bytes().to_vec();
    body.extend(128u16.to_le_bytes()); // types follow
    for _ in 0..rows.first().map_or(0, |row| row.len()) {
        body.extend([kind::VAR_STRING, 0]);
    }
    for value in rows.iter().flat_map(|row| row.iter()) {
        match value {
            Some(value) => {
                body.push(0); // a value
                body.extend(text(value));
            }
            None => body.push(1),
        }
    }
    command(STMT_BULK_EXECUTE, &body)
}

pub fn send_long_data(statement: u32, parameter: u16, data: &[u8]) -> Vec<u8> {
    let numbers = [&statement.to_le_bytes()[..], &parameter.to_le_bytes()].concat();
    command(STMT_SEND_LONG_DATA, &[&numbers, data].concat())
}

pub fn fetch(statement: u32, rows: u32) -> Vec<u8> {
    command(
        STMT_FETCH,
        &[statement.to_le_bytes(), rows.to_le_bytes()].concat(),
    )
}

pub fn close(statement: u32) -> Vec<u8> {
    command(STMT_CLOSE, &statement.to_le_bytes())
}

pub fn reset(statement: u32) -> Vec<u8> {
    command(STMT_RESET, &statement.to_le_bytes())
}

/// 0 switches multi-statements on, 1 off.
pub fn set_option(option: u16) -> Vec<u8> {
    command(SET_OPTION, &option.to_le_bytes())
}

/// Asks for a dump of the binary log from a file's position; `slave` must not be known to the server under another name.
pub fn binlog_dump(position: u32, flags: u16, slave: u32, file: &str) -> Vec<u8> {
    let mut body = position.to_le_bytes().to_vec();
    body.extend(flags.to_le_bytes());
    body.extend(slave.to_le_bytes());
    body.extend(file.as_bytes());
    command(0x12, &body)
}

/// A length-encoded number.
pub fn lenenc(number: usize) -> Vec<u8> {
    let wide = (number as u64).to_le_bytes();
    match number {
        0..=250 => wide[..1].to_vec(),
        251..=0xffff => [&[0xfc], &wide[..2]].concat(),
        0x1_0000..=0xff_ffff => [&[0xfd], &wide[..3]].concat(),
        _ => [&[0xfe], &wide[..]].concat(),
    }
}

/// A length-encoded text.
pub fn text(text: &str) -> Vec<u8> {
    bytes(text.as_bytes())
}

pub fn bytes(bytes: &[u8]) -> Vec<u8> {
    [&lenenc(bytes.len()), bytes].concat()
}
