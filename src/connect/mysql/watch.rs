//! A connection of lull's own, on which servers are asked how they are.

use super::{
    entered::{Entered, Table, Unanswered},
    open_as::{Who, open_known, open_service},
};
use crate::{
    config::Address,
    connect::{Front, known},
    fault::Fault,
    session::mysql::Server,
    wire::mysql::handshake_response,
};

/// Ends with its value.
pub struct Watch(Entered);

/// The first row of an answer, its columns by their names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Row(Vec<(String, Option<String>)>);

impl Watch {
    /// As lull's own account, or else as the last user who was logged in.
    pub async fn open(front: &Front, server: &Address) -> Result<Self, Fault> {
        if front.cluster.service.is_some() {
            return open_service(front, server).await.map(Self);
        }
        let (user, _) = known::last_login(front)?;
        let response = handshake_response::service(&user, "");
        let who = Who {
            address: server,
            user: &user,
            response: &response,
        };
        open_known(front, who, None).await.map(Entered::of).map(Self)
    }

    /// Which server it is, and of which version.
    pub fn server(&self) -> Server {
        self.0.server
    }

    /// The first row of the answer to a statement, if there is one: `SHOW REPLICA STATUS` has none on a primary.
    pub async fn ask(&mut self, text: &str) -> Result<Option<Row>, Fault> {
        let Table { names, rows } = self.0.ask(text).await.map_err(Unanswered::into_fault)?;
        let text = |value: &[u8]| String::from_utf8_lossy(value).into_owned();
        Ok(rows.into_iter().next().map(|row| {
            let values = row.iter().map(|value| value.as_ref().map(|value| text(value)));
            Row(names.into_iter().zip(values).collect())
        }))
    }
}

impl Row {
    /// None where it is NULL or not there. Letters of either case are alike.
    pub fn get(&self, name: &str) -> Option<&str> {
        let mut columns = self.0.iter();
        let (_, value) = columns.find(|(is, _)| is.eq_ignore_ascii_case(name))?;
        value.as_deref()
    }

    /// In their order.
    pub fn into_values(self) -> Vec<Option<String>> {
        self.0.into_iter().map(|(_, value)| value).collect()
    }

    /// By its place, from 0.
    pub fn at(&self, place: usize) -> Option<&str> {
        self.0.get(place)?.1.as_deref()
    }
}
