//! Channel binding `tls-server-end-point` (RFC 5929, 4): a hash of the server's certificate, by the hash function of the
//! certificate's own signature.

use ring::digest;

/// None where the certificate's signature has no hash function of its own, as Ed25519, or one that is not known here:
/// then there is no such binding.
pub fn end_point(certificate: &[u8]) -> Option<Vec<u8>> {
    let hash = digest::digest(signature_hash(certificate)?, certificate);
    Some(hash.as_ref().to_vec())
}

const SEQUENCE: u8 = 0x30;
const OID: u8 = 0x06;
/// RSASSA-PSS' first parameter, its hash function (RFC 4055, 3.1).
const PSS_HASH: u8 = 0xa0;

/// 1.2.840.113549.1.1: PKCS 1.
const RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01];
const RSA_PSS: u8 = 10;
/// 1.2.840.10045.4.1: ECDSA with SHA-1.
const ECDSA_SHA1: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x01];
/// 1.2.840.10045.4.3: ECDSA with SHA-2.
const ECDSA: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03];
/// 2.16.840.1.101.3.4.2: NIST's hash functions.
const NIST: &[u8] = &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02];

fn signature_hash(certificate: &[u8]) -> Option<&'static digest::Algorithm> {
    let (whole, _) = element(certificate, SEQUENCE)?;
    let (_to_be_signed, rest) = element(whole, SEQUENCE)?;
    let (algorithm, _) = element(rest, SEQUENCE)?;
    let (oid, parameters) = element(algorithm, OID)?;
    if oid == ECDSA_SHA1 {
        return Some(&digest::SHA256);
    }
    match (oid.strip_prefix(RSA), oid.strip_prefix(ECDSA)) {
        // In place of MD5 and SHA-1 stands SHA-256 (RFC 5929, 4.1).
        (Some([4 | 5 | 11]), _) | (_, Some([2])) => Some(&digest::SHA256),
        (Some([12]), _) | (_, Some([3])) => Some(&digest::SHA384),
        (Some([13]), _) | (_, Some([4])) => Some(&digest::SHA512),
        (Some([RSA_PSS]), _) => pss_hash(parameters),
        _ => None,
    }
}

fn pss_hash(parameters: &[u8]) -> Option<&'static digest::Algorithm> {
    let (parameters, _) = element(parameters, SEQUENCE)?;
    let Some((hash, _)) = element(parameters, PSS_HASH) else {
        // SHA-1, where none is named.
        return Some(&digest::SHA256);
    };
    let (algorithm, _) = element(hash, SEQUENCE)?;
    let (oid, _) = element(algorithm, OID)?;
    match oid.strip_prefix(NIST)? {
        [1] => Some(&digest::SHA256),
        [2] => Some(&digest::SHA384),
        [3] => Some(&digest::SHA512),
        _ => None,
    }
}

/// The contents of an element with this tag, and what follows it.
fn element(der: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (_, rest) = der.split_first().filter(|(is, _)| **is == tag)?;
    let (&first, rest) = rest.split_first()?;
    let (length, rest) = match first {
        0..=0x7f => (usize::from(first), rest),
        // So many bytes of length follow; four are four gigabytes.
        0x81..=0x84 => {
            let (length, rest) = rest.split_at_checked(usize::from(first - 0x80))?;
            let length = length
                .iter()
                .fold(0_usize, |sum, &byte| (sum << 8) | usize::from(byte));
            (length, rest)
        }
        _ => return None,
    };
    rest.split_at_checked(length)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tagged(tag: u8, contents: &[u8]) -> Vec<u8> {
        [&[tag, u8::try_from(contents.len()).unwrap()], contents].concat()
    }

    fn certificate(oid: &[u8], parameters: &[u8]) -> Vec<u8> {
        let algorithm = tagged(SEQUENCE, &[&tagged(OID, oid), parameters].concat());
        tagged(
            SEQUENCE,
            &[tagged(SEQUENCE, b"who"), algorithm, tagged(3, b"\0sig")].concat(),
        )
    }

    fn bytes(oid: &[u8], parameters: &[u8]) -> Option<usize> {
        end_point(&certificate(oid, parameters)).map(|hash| hash.len())
    }

    #[test]
    fn the_hash_is_that_of_the_signature_and_at_least_sha_256() {
        for (end, length) in [(4, 32), (5, 32), (11, 32), (12, 48), (13, 64)] {
            assert_eq!(bytes(&[RSA, &[end]].concat(), &[5, 0]), Some(length));
        }
        for (end, length) in [(2, 32), (3, 48), (4, 64)] {
            assert_eq!(bytes(&[ECDSA, &[end]].concat(), &[]), Some(length));
        }
        assert_eq!(bytes(ECDSA_SHA1, &[]), Some(32));
        let ed25519: &[u8] = &[0x2b, 0x65, 0x70];
        assert_eq!(bytes(ed25519, &[]), None);
    }

    #[test]
    fn rsassa_pss_names_its_hash_in_the_parameters() {
        let pss = [RSA, &[RSA_PSS]].concat();
        let named = |hash: u8| {
            let oid = tagged(OID, &[NIST, &[hash]].concat());
            tagged(SEQUENCE, &tagged(PSS_HASH, &tagged(SEQUENCE, &oid)))
        };
        assert_eq!(bytes(&pss, &named(1)), Some(32));
        assert_eq!(bytes(&pss, &named(2)), Some(48));
        assert_eq!(bytes(&pss, &named(3)), Some(64));
        assert_eq!(bytes(&pss, &named(9)), None);
        assert_eq!(bytes(&pss, &tagged(SEQUENCE, &[])), Some(32));
    }

    #[test]
    fn what_is_no_certificate_has_no_binding_at_any_length() {
        let whole = certificate(&[ECDSA, &[2]].concat(), &[]);
        assert_eq!(
            end_point(&whole).unwrap(),
            digest::digest(&digest::SHA256, &whole).as_ref()
        );
        for end in 0..whole.len() {
            assert_eq!(end_point(&whole[..end]), None);
        }
    }
}
