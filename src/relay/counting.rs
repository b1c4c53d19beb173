//! What sessions do besides moving bytes, as figures, and as words in the log where somebody must look.

use super::Relay;
use crate::{
    session::{Counts, Refused},
    telemetry::metrics::{GuardAlarm, Label, LimitHit, ReassertCause, RefusalClass},
};

impl Relay {
    pub(super) fn count(&self, counts: Counts) {
        if counts == Counts::default() {
            return;
        }
        let metrics = &self.metrics;
        for (class, refused) in Refused::ALL.iter().zip(counts.refused) {
            (0..refused).for_each(|_| metrics.refusals.add(label_of(*class)));
        }
        (0..counts.reasserts_session).for_each(|_| metrics.reasserts.add(ReassertCause::Session));
        (0..counts.reasserts_transaction).for_each(|_| metrics.reasserts.add(ReassertCause::Transaction));
        (0..counts.guard_alarms).for_each(|_| metrics.guard_alarms.add(GuardAlarm::Refused));
        if counts.write_leaks > 0 {
            metrics.write_leaks.add(u64::from(counts.write_leaks));
            self.alarm("the server has carried out a write behind the guard: this is a defect of lull");
        }
        (0..counts.inspect_bytes_hits).for_each(|_| self.hit(LimitHit::InspectBytes));
        (0..counts.prepared_statements_hits).for_each(|_| self.hit(LimitHit::PreparedStatements));
    }

    fn hit(&self, limit: LimitHit) {
        self.metrics.limit_hits.add(limit);
        let (facts, limit) = (&self.live.facts, limit.as_str());
        tracing::info!(
            client = &*facts.client,
            limit,
            "a statement is refused: a limit is reached"
        );
    }

    fn alarm(&self, what: &str) {
        let principal = self.live.principal();
        tracing::error!(
            cluster = principal.cluster,
            database = principal.database,
            client = &*self.live.facts.client,
            "{what}"
        );
    }
}

fn label_of(refused: Refused) -> RefusalClass {
    match refused {
        Refused::Write => RefusalClass::Write,
        Refused::Lift => RefusalClass::Lift,
        Refused::Leak => RefusalClass::Leak,
        Refused::Hidden => RefusalClass::Opaque,
        Refused::Unknown => RefusalClass::Unknown,
        Refused::Drained => RefusalClass::Drained,
        Refused::Lost => RefusalClass::Lost,
    }
}
