//! How the end of a connection breaks a login off.

use super::inbox::Missing;
pub(super) use crate::connect::broken::{Broken, failure};
use crate::{fault::Fault, telemetry::metrics::LoginResult};

pub(super) fn upstream_broken(missing: Missing) -> Broken {
    let result = match missing {
        Missing::Closed | Missing::Io(_) => LoginResult::UpstreamGone,
        Missing::TooLong { .. } | Missing::Malformed(_) => LoginResult::UpstreamProtocol,
    };
    (result, Fault::upstream(missing), false)
}

pub(super) fn client_broken(missing: Missing) -> Broken {
    match missing {
        Missing::Closed | Missing::Io(_) => (LoginResult::ClientGone, Fault::client(missing), true),
        Missing::TooLong { .. } | Missing::Malformed(_) => {
            (LoginResult::ClientProtocol, Fault::client(missing), false)
        }
    }
}
