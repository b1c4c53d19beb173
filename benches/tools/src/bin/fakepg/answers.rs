//! The messages that the fake server sends, made once. Names of messages as in the manual, "Message Formats".

pub struct Answers {
    /// AuthenticationOk, the ParameterStatus set of a real 15, BackendKeyData, ReadyForQuery.
    pub greeting: Vec<u8>,
    row_description: Vec<u8>,
    row: Vec<u8>,
    ready: Vec<u8>,
}

const PARAMETERS: &[(&str, &str)] = &[
    ("application_name", ""),
    ("client_encoding", "UTF8"),
    ("DateStyle", "ISO, MDY"),
    ("default_transaction_read_only", "off"),
    ("in_hot_standby", "off"),
    ("integer_datetimes", "on"),
    ("IntervalStyle", "postgres"),
    ("is_superuser", "on"),
    ("server_encoding", "UTF8"),
    ("server_version", "15.18"),
    ("session_authorization", "bench"),
    ("standard_conforming_strings", "on"),
    ("TimeZone", "Etc/UTC"),
];

impl Answers {
    pub fn new() -> Self {
        let ready = message(b'Z', b"I");
        let mut greeting = message(b'R', &[0, 0, 0, 0]);
        for (name, value) in PARAMETERS {
            greeting.extend(message(b'S', format!("{name}\0{value}\0").as_bytes()));
        }
        greeting.extend(message(b'K', &[0, 0, 0x10, 0x01, 0, 0, 0x20, 0x02]));
        greeting.extend(&ready);
        // One column, `?column?`, int4, text format.
        let column = b"\0\x01?column?\0\0\0\0\0\0\0\0\0\0\x17\0\x04\xff\xff\xff\xff\0\0";
        let row_description = message(b'T', column);
        let row = [message(b'D', b"\0\x01\0\0\0\x011"), message(b'C', b"SELECT 1\0")].concat();
        Self {
            greeting,
            row_description,
            row,
            ready,
        }
    }

    /// Appends the answer to one frontend message.
    pub fn to(&self, request: &[u8], out: &mut Vec<u8>) {
        match request[0] {
            b'Q' => {
                self.to_query(&request[5..], out);
                out.extend(&self.ready);
            }
            b'P' => out.extend(message(b'1', b"")),
            b'B' => out.extend(message(b'2', b"")),
            b'C' => out.extend(message(b'3', b"")),
            b'D' => {
                if request.get(5) == Some(&b'S') {
                    out.extend(message(b't', b"\0\0"));
                }
                out.extend(&self.row_description);
            }
            b'E' => out.extend(&self.row),
            b'S' => out.extend(&self.ready),
            _ => {}
        }
    }

    /// A row for everything, except for the words by which poolers tidy up: they expect a bare tag.
    fn to_query(&self, sql: &[u8], out: &mut Vec<u8>) {
        let word: Vec<u8> = sql.iter().copied().take_while(u8::is_ascii_alphabetic).collect();
        match word.to_ascii_uppercase().as_slice() {
            tag @ (b"SET" | b"RESET" | b"DISCARD" | b"BEGIN" | b"COMMIT" | b"ROLLBACK") => {
                out.extend(message(b'C', &[tag, b"\0"].concat()));
            }
            _ => {
                out.extend(&self.row_description);
                out.extend(&self.row);
            }
        }
    }
}

fn message(kind: u8, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len() + 4).unwrap_or(u32::MAX);
    [&[kind][..], &length.to_be_bytes(), body].concat()
}
