//! A connection of lull's own, on which servers are asked how they are.

use super::{
    enter::Entered,
    open_as::{Who, open_known, open_service},
};
use crate::{
    config::Address,
    connect::{Front, known},
    fault::Fault,
    wire::pg::{backend, error::Fields, frontend, startup},
};

/// One question's answer.
const MESSAGE_BYTES_MAX: usize = 1 << 20;

/// Ends with its value.
pub(in crate::connect) struct Watch(Entered);

impl Watch {
    /// As lull's own account, or else as the last user who was logged in.
    pub(in crate::connect) async fn open(front: &Front, server: &Address) -> Result<Self, Fault> {
        if front.cluster.service.is_some() {
            // Whether the server itself lets anybody write is one of the questions.
            return open_service(front, server, &[]).await.map(Entered::of).map(Self);
        }
        let (user, database) = known::last_login(front)?;
        // Nobody who may create objects decides what the questions mean.
        let packet = startup::packet(&[
            ("user", &user),
            ("database", &database),
            ("application_name", "lull"),
            ("search_path", "pg_catalog"),
        ]);
        let who = Who {
            address: server,
            user: &user,
            packet: &packet,
        };
        open_known(front, who, None).await.map(Entered::of).map(Self)
    }

    /// The first row of the answer.
    pub(in crate::connect) async fn ask(&mut self, text: &str) -> Result<Vec<Option<String>>, Fault> {
        let mut query = Vec::new();
        frontend::write_query(&mut query, text);
        self.0.send(&query).await?;
        let (mut row, mut error) = (None, None);
        loop {
            let (tag, body) = self.0.message(MESSAGE_BYTES_MAX).await?;
            match tag {
                backend::DATA_ROW if row.is_none() => {
                    let text =
                        |column: Option<&[u8]>| column.map(|c| String::from_utf8_lossy(c).into_owned());
                    let columns = backend::data_row(&body).unwrap_or_default();
                    row = Some(columns.into_iter().map(text).collect());
                }
                backend::ERROR => {
                    let fields = Fields::read(&body).unwrap_or_default();
                    error = Some(String::from_utf8_lossy(fields.message()).into_owned());
                }
                backend::READY_FOR_QUERY => break,
                _ => {}
            }
        }
        match error {
            Some(why) => Err(Fault::upstream(why)),
            None => row.ok_or_else(|| Fault::upstream("no row where one was asked for")),
        }
    }
}
