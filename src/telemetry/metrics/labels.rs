//! The values that labels can have. Few and fixed.

use crate::fault::Fault;

pub trait Label: Copy + 'static {
    const ALL: &'static [Self];
    fn index(self) -> usize;
    fn as_str(self) -> &'static str;
}

macro_rules! label {
    ($(#[$doc:meta])* $name:ident { $($(#[$value_doc:meta])* $value:ident = $text:literal,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum $name { $($(#[$value_doc])* $value,)* }

        impl $name {
            pub const COUNT: usize = <Self as Label>::ALL.len();
        }

        impl Label for $name {
            const ALL: &'static [Self] = &[$(Self::$value,)*];

            fn index(self) -> usize {
                self as usize
            }

            fn as_str(self) -> &'static str {
                match self { $(Self::$value => $text,)* }
            }
        }
    };
}

label! {
    /// Why a statement was refused in a lull.
    RefusalClass {
        /// The server itself said no.
        Write = "write",
        Lift = "lift",
        Leak = "leak",
        /// A routine or block that could act where no lexer sees it.
        Opaque = "opaque",
        /// lull could not read it.
        Unknown = "unknown",
        /// Its transaction was ended by the drain policy.
        Drained = "drained",
        Lost = "lost",
    }
}

label! {
    /// What made lull set the guard again.
    ReassertCause {
        /// The session's default was lifted: SET, RESET ALL, DISCARD ALL and the like.
        Session = "session",
        /// The transaction's mode was, or may have been: BEGIN READ WRITE, ROLLBACK TO and the like.
        Transaction = "transaction",
    }
}

label! {
    /// The guard was not where it had to be.
    GuardAlarm {
        /// The server refused the guard statement, or confirmed it and reported the opposite.
        Refused = "refused",
    }
}

label! {
    LoginResult {
        Ok = "ok",
        /// The upstream said no: password, pg_hba, unknown database. Or lull did, where it authenticates.
        Rejected = "rejected",
        /// The client sent what is no login.
        ClientProtocol = "client_protocol",
        ClientGone = "client_gone",
        ClientTls = "client_tls",
        UpstreamUnreachable = "upstream_unreachable",
        UpstreamProtocol = "upstream_protocol",
        UpstreamGone = "upstream_gone",
        Timeout = "timeout",
        Limit = "limit",
        /// Both legs have TLS and the client binds the channel.
        ChannelBinding = "channel_binding",
        /// The server would not take the guard.
        Guard = "guard",
        Shutdown = "shutdown",
        /// lull has nothing to show that the server would take.
        NoSecret = "no_secret",
        /// Too many logins of this user have failed.
        Throttled = "throttled",
    }
}

label! {
    /// Who is to blame for the end of a session.
    Who {
        Client = "client",
        Upstream = "upstream",
        Proxy = "proxy",
        Policy = "policy",
    }
}

label! {
    SessionEnd {
        /// A proper goodbye.
        Closed = "closed",
        /// The connection broke.
        Lost = "lost",
        Protocol = "protocol",
        Timeout = "timeout",
        Limit = "limit",
        /// The drain policy.
        Drain = "drain",
        Guard = "guard",
        Shutdown = "shutdown",
        Internal = "internal",
    }
}

label! {
    /// Named as the keys of the configuration.
    LimitHit {
        Connections = "connections_max",
        Login = "login_timeout",
        Connect = "connect_timeout",
        InspectBytes = "inspect_bytes_max",
        StartupBytes = "startup_bytes_max",
        PreparedStatements = "prepared_statements_max",
        Audit = "audit_timeout",
        StragglerGrace = "straggler_grace",
        LoginFailures = "login_failures_max",
    }
}

label! {
    /// How the wait for a straggler ended.
    StragglerEnd {
        Finished = "finished",
        Aborted = "aborted",
        Terminated = "terminated",
        Reported = "reported",
    }
}

label! {
    UpstreamError {
        Refused = "refused",
        Unresolved = "unresolved",
        Timeout = "timeout",
        Tls = "tls",
        Lost = "lost",
        Protocol = "protocol",
        Other = "other",
    }
}

impl UpstreamError {
    /// As far as the words of a fault tell: they are the operating system's, rustls' or ours.
    pub fn of(fault: &Fault) -> Self {
        let words = fault.to_string().to_lowercase();
        let says = |any: &[&str]| any.iter().any(|phrase| words.contains(phrase));
        if says(&["connection refused", "no such file"]) {
            Self::Refused
        } else if says(&["lookup", "name or service", "name resolution", "no address"]) {
            Self::Unresolved
        } else if says(&[
            "no connection within",
            "did not end the login within",
            "timed out",
        ]) {
            Self::Timeout
        } else if says(&["certificate", "tls", "handshake"]) {
            Self::Tls
        } else if says(&["reset", "broken pipe", "closed", "unexpected end", "eof"]) {
            Self::Lost
        } else if says(&[
            "sslrequest",
            "protocol",
            "malformed",
            "impossible length",
            "bytes during the login",
        ]) {
            Self::Protocol
        } else {
            Self::Other
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_of_an_upstream_has_its_kind() {
        for (words, kind) in [
            ("Connection refused (os error 111)", UpstreamError::Refused),
            (
                "failed to lookup address information: Name or service not known",
                UpstreamError::Unresolved,
            ),
            ("no connection within 10s", UpstreamError::Timeout),
            (
                "it did not end the login within 30s (login_timeout)",
                UpstreamError::Timeout,
            ),
            (
                "the server closed the connection unexpectedly",
                UpstreamError::Lost,
            ),
            ("invalid peer certificate: UnknownIssuer", UpstreamError::Tls),
            ("Connection reset by peer (os error 104)", UpstreamError::Lost),
            (
                "it does not answer an SSLRequest as PostgreSQL does",
                UpstreamError::Protocol,
            ),
            ("something else", UpstreamError::Other),
        ] {
            assert_eq!(UpstreamError::of(&Fault::upstream(words)), kind, "{words}");
        }
    }
}
