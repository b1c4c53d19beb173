//! Opens a connection with what lull knows of a user, which may have grown old.

use super::Front;
use crate::{auth::Means, config::Service, fault::Fault};

/// A server did not let lull in.
pub(super) struct NotIn {
    pub(super) fault: Fault,
    /// A newer secret may be right.
    pub(super) by_secret: bool,
}

/// With what the user has proven to lull, or else with the secret that lull knows. One that the server does not take any
/// more is looked up again, once.
pub(super) async fn open_known<T>(
    front: &Front,
    user: &str,
    proven: Option<&Means>,
    known: impl AsyncFn() -> Result<Means, Fault>,
    open: impl AsyncFn(&Means) -> Result<T, NotIn>,
) -> Result<T, Fault> {
    let means = match proven {
        Some(proven) => proven.clone(),
        None => known().await?,
    };
    let refused = match open(&means).await {
        Ok(opened) => return Ok(opened),
        Err(refused) => refused,
    };
    if refused.by_secret {
        front.look_again(user).await;
        // Where nothing newer is known, the server's refusal is what there is to say.
        if let Ok(newer) = known().await
            && newer != means
        {
            return open(&newer).await.map_err(|refused| refused.fault);
        }
    }
    Err(refused.fault)
}

/// lull's own account, and what it shows.
pub(super) fn service(front: &Front) -> Result<(&Service, Means), Fault> {
    let none = || Fault::policy("there is no [cluster.service], the account that may ask");
    front.secrets.service().ok_or_else(none)
}

/// Not for a client to know.
pub(super) fn service_refused(service: &Service, why: &Fault) -> Fault {
    let user = &service.user;
    Fault::proxy(format!("the service account {user:?} cannot log in: {why}"))
}

/// As whom a server is asked where there is no account of lull's own: the user and the database of who was logged in
/// last.
pub(super) fn last_login(front: &Front) -> Result<(String, String), Fault> {
    front.tally.replicas.last_login().ok_or_else(|| {
        Fault::policy("nobody has logged in yet: lull knows no user to ask as (give it [cluster.service])")
    })
}

impl Front {
    /// A secret of this user has turned out to be wrong: the next login meets what holds then.
    pub(super) async fn look_again(&self, user: &str) {
        self.lookup.forget(user);
        self.secrets.read_again().await;
    }
}
