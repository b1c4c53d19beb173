//! A connection that lull has opened by itself, question by question (manual: "Text Resultset").
//!
//! Guarantees that what it keeps of an answer is bounded, and overwritten when nobody needs it.

use zeroize::Zeroizing;

use super::{
    leg::{Beyond, Leg, Missing},
    open_as::Opened,
};
use crate::{
    fault::Fault,
    session::mysql::Server,
    wire::mysql::{
        command,
        error::Error,
        ok::{self, EOF_BYTES_MAX},
        read::Reader,
        row,
    },
};

/// One question's answer.
const ANSWER_BYTES_MAX: usize = 1 << 20;

pub(super) struct Entered {
    leg: Leg,
    pub(super) server: Server,
}

/// Why there is no answer.
#[derive(Debug)]
pub(super) enum Unanswered {
    /// Another connection may do better.
    Lost(Missing),
    /// By the server, in its own words.
    Refused(String),
    /// The server breaks the protocol.
    Malformed,
}

/// Rows of text, None where NULL, and the names of their columns.
#[derive(Debug, Default)]
pub(super) struct Table {
    pub(super) names: Vec<String>,
    pub(super) rows: Vec<Vec<Option<Zeroizing<Vec<u8>>>>>,
}

impl Entered {
    pub(super) fn of(opened: Opened) -> Self {
        Self {
            leg: Leg::of(opened.stream, opened.ahead),
            server: opened.server,
        }
    }

    /// Of several results, the first.
    pub(super) async fn ask(&mut self, text: &str) -> Result<Table, Unanswered> {
        let question = Zeroizing::new([&[command::QUERY], text.as_bytes()].concat());
        self.leg.sequence = 0;
        let sent = self.leg.write(&question).await;
        sent.map_err(|error| Unanswered::Lost(error.into()))?;
        let mut left = ANSWER_BYTES_MAX;
        let head = self.packet(&mut left).await?;
        if head.first() == Some(&ok::OK) {
            return Ok(Table::default());
        }
        // A request for a file is no count.
        let columns = Reader::new(&head).length().ok_or(Unanswered::Malformed)?;
        let mut table = Table::default();
        for _ in 0..columns {
            let definition = self.packet(&mut left).await?;
            let name = row::column_name(&definition).ok_or(Unanswered::Malformed)?;
            table.names.push(String::from_utf8_lossy(name).into_owned());
        }
        // The end of the definitions.
        self.packet(&mut left).await?;
        loop {
            let payload = self.packet(&mut left).await?;
            if payload.first() == Some(&ok::EOF) && payload.len() < EOF_BYTES_MAX {
                return Ok(table);
            }
            let row = row::text(&payload).ok_or(Unanswered::Malformed)?;
            let kept = |column: &[u8]| Zeroizing::new(column.to_vec());
            table
                .rows
                .push(row.into_iter().map(|column| column.map(kept)).collect());
        }
    }

    async fn packet(&mut self, left: &mut usize) -> Result<Zeroizing<Vec<u8>>, Unanswered> {
        let payload = self.leg.read(*left, Beyond::Anything).await;
        let payload = payload.map_err(Unanswered::Lost)?;
        *left = left.saturating_sub(payload.len());
        match Error::read(&payload) {
            None => Ok(payload),
            Some(error) => {
                let message = String::from_utf8_lossy(error.message);
                Err(Unanswered::Refused(format!("{} ({message})", error.code)))
            }
        }
    }
}

impl Unanswered {
    pub(super) fn into_fault(self) -> Fault {
        match self {
            Self::Lost(missing) => Fault::upstream(missing),
            Self::Refused(why) => Fault::upstream(why),
            Self::Malformed => Fault::upstream("protocol: an answer that is no rows of text"),
        }
    }
}
