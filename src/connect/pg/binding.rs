//! Channel binding (RFC 5929, manual: "SASL Authentication"), as far as a relay must know it.
//!
//! A client that binds the login to its TLS channel binds it to lull's certificate; the server expects its own. Where
//! both legs have TLS the login cannot succeed, and the server's error would not say why. A client without TLS has no
//! channel to bind, and takes an offer to do so for an attack: it must not see what the server offers to lull's TLS.

/// Whether a SASLInitialResponse binds the channel, or claims that the server offered no binding.
pub(super) fn binds(body: &[u8]) -> bool {
    let Some(end) = body.iter().position(|&b| b == 0) else {
        return false;
    };
    let (mechanism, rest) = body.split_at(end);
    // The terminator, the response's length, and then the GS2 header: p=..., y or n.
    mechanism.ends_with(b"-PLUS") || matches!(rest.get(5), Some(b'p' | b'y'))
}

/// Whether an AuthenticationSASL offers a mechanism with binding.
pub(super) fn offered(mechanisms: &[u8]) -> bool {
    mechanisms
        .split(|&b| b == 0)
        .any(|mechanism| mechanism.ends_with(b"-PLUS"))
}

/// The body of an AuthenticationSASL without the mechanisms that bind. The code and the last zero stay.
pub(super) fn without_offer(body: &[u8]) -> Vec<u8> {
    let (code, mechanisms) = body.split_at(body.len().min(4));
    let mut kept = code.to_vec();
    for mechanism in mechanisms.split_inclusive(|&b| b == 0) {
        if !mechanism.ends_with(b"-PLUS\0") {
            kept.extend_from_slice(mechanism);
        }
    }
    kept
}

pub(super) const EXPLANATION: &str = "SCRAM with channel binding cannot pass a proxy that relays the login while both \
    its legs have TLS: the client binds to the proxy's certificate, the server to its own. Set \
    channel_binding=disable at the client, or use no TLS on one of the legs (primary sslmode = \"disable\" \
    in lull's configuration), or let lull authenticate clients itself ([cluster.auth] mode = \"terminate\")";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_that_binds_or_could_have_bound_is_recognised() {
        assert!(binds(
            b"SCRAM-SHA-256-PLUS\0\0\0\0\x10p=tls-server-end-point,,n=,r=x"
        ));
        assert!(binds(b"SCRAM-SHA-256\0\0\0\0\x10y,,n=,r=x"));
        assert!(!binds(b"SCRAM-SHA-256\0\0\0\0\x10n,,n=,r=x"));
        assert!(!binds(b"SCRAM"));
        assert!(offered(b"SCRAM-SHA-256-PLUS\0SCRAM-SHA-256\0\0"));
        assert!(!offered(b"SCRAM-SHA-256\0\0"));
    }

    #[test]
    fn an_offer_without_binding_keeps_everything_else() {
        let offer = b"\0\0\0\x0aSCRAM-SHA-256-PLUS\0SCRAM-SHA-256\0OTHER\0\0";
        assert_eq!(without_offer(offer), b"\0\0\0\x0aSCRAM-SHA-256\0OTHER\0\0");
        assert_eq!(without_offer(b"\0\0"), b"\0\0");
    }
}
