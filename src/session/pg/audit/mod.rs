//! The audit of routines.

use crate::session::Rows;
use crate::sql::pg::RefusedWords;

/// One database, one run.
#[derive(Debug)]
pub struct Audit {}

#[derive(Debug)]
pub enum Step {
    /// The next SQL text.
    Ask(String),
    Done(Outcome),
}

#[derive(Debug, Default)]
pub struct Outcome {
    pub words: RefusedWords,
    pub findings: Vec<Finding>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    pub object: String,
    pub why: String,
}

impl Audit {
    pub fn new(_allowed: &[String]) -> Self {
        Self {}
    }

    pub fn begin(&mut self) -> Step {
        Step::Ask("SELECT 1".to_owned())
    }

    pub fn answer(&mut self, _rows: Rows) -> Result<Step, String> {
        Ok(Step::Done(Outcome::default()))
    }
}
