//! Who has named another database of his server, and waits for what is there.

use super::{Live, Need, Place, Roster, of_place};
use crate::session::{Audited, Instruction};

impl Roster {
    /// A session names another database of its server. It is told of every audit of that from now on.
    pub(in crate::relay) fn provide_audit_of(&self, live: &Live, database: String) {
        let who = live.principal();
        let place = (who.cluster.clone(), database.clone());
        let mut curious = self.curious.borrow_mut();
        curious.entry(place.clone()).or_default().insert(live.id);
        let audits = self.audits.borrow();
        let mut known = audits.iter().filter(|(known, _)| is_named(known, &place));
        // Names that differ only in case may be two databases.
        if let (Some((_, audited)), None) = (known.next(), known.next()) {
            live.tell(Instruction::AuditedElsewhere(database, Some(audited.clone())));
        } else if let Some(needs) = &*self.needs.borrow() {
            let _ = needs.send(Need::AuditOf(place, (who.cluster.clone(), who.database.clone())));
        }
    }

    pub(super) fn tell_the_curious(&self, place: &Place, audited: &Audited) {
        let (curious, sessions) = (self.curious.borrow(), self.sessions.borrow());
        for (named, ids) in curious.iter().filter(|(named, _)| is_named(place, named)) {
            for live in ids.iter().filter_map(|id| sessions.get(id)) {
                live.tell(Instruction::AuditedElsewhere(
                    named.1.clone(),
                    Some(audited.clone()),
                ));
            }
        }
    }

    /// Nobody can look into a database that sessions in this place have named.
    pub fn unaudited(&self, named: &Place, place: &Place) {
        let (curious, sessions) = (self.curious.borrow(), self.sessions.borrow());
        let ids = curious.get(named).into_iter().flatten();
        for live in ids.filter_map(|id| sessions.get(id)) {
            if of_place(&live.principal(), place) {
                live.tell(Instruction::AuditedElsewhere(named.1.clone(), None));
            }
        }
    }
}

/// Whether the place is the one that a text names, in lower case.
fn is_named(place: &Place, named: &Place) -> bool {
    place.0 == named.0 && place.1.eq_ignore_ascii_case(&named.1)
}
