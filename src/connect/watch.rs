//! A connection of lull's own, on which servers are asked how they are, whatever protocol they speak.

use super::{Front, mysql, pg};
use crate::{
    config::{Address, Protocol},
    fault::Fault,
};

/// Ends with its value.
pub struct Watch(Kind);

enum Kind {
    PostgreSql(pg::Watch),
    MySql(Box<mysql::Watch>),
}

impl Watch {
    /// As lull's own account, or else as the last user who was logged in.
    pub async fn open(front: &Front, server: &Address) -> Result<Self, Fault> {
        let kind = match front.cluster.protocol {
            Protocol::PostgreSql => Kind::PostgreSql(pg::Watch::open(front, server).await?),
            Protocol::MySql => Kind::MySql(Box::new(mysql::Watch::open(front, server).await?)),
        };
        Ok(Self(kind))
    }

    /// The first row of the answer. Empty where there is none.
    pub async fn ask(&mut self, text: &str) -> Result<Vec<Option<String>>, Fault> {
        match &mut self.0 {
            Kind::PostgreSql(watch) => watch.ask(text).await,
            Kind::MySql(watch) => {
                let row = watch.ask(text).await?;
                Ok(row.map(mysql::Row::into_values).unwrap_or_default())
            }
        }
    }
}
