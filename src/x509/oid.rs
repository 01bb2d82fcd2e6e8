//! Object identifiers, and the usual names of those found in certificates. What has no name here is
//! shown as its numbers; nothing is ever refused for being unknown.

use crate::x509::der::{DerError, OID, Reader};

/// Reads an OBJECT IDENTIFIER as its numbers with dots between them, such as `2.5.29.17`.
pub(crate) fn read(reader: &mut Reader<'_>) -> Result<String, DerError> {
    dotted(reader.expect(OID)?.value)
}

/// X.690 §8.19: numbers in base 128, each in its shortest form; the first holds two.
/// Numbers beyond 128 bits (the longest in use, a UUID below `2.25`, has that many) are refused.
pub(crate) fn dotted(value: &[u8]) -> Result<String, DerError> {
    const FAULT: DerError = DerError::Value("OBJECT IDENTIFIER");
    let mut text = String::new();
    for number in value.split_inclusive(|byte| byte & 0x80 == 0) {
        let ended = number.last().is_some_and(|byte| byte & 0x80 == 0);
        if !ended || number.first() == Some(&0x80) {
            return Err(FAULT);
        }
        let number = number.iter().try_fold(0_u128, |number, byte| {
            Some(number.checked_mul(128)? + u128::from(byte & 0x7f))
        });
        let number = number.ok_or(FAULT)?;
        if text.is_empty() {
            let root = (number / 40).min(2);
            text = format!("{root}.{}", number - 40 * root);
        } else {
            text.push_str(&format!(".{number}"));
        }
    }
    if text.is_empty() {
        Err(FAULT)
    } else {
        Ok(text)
    }
}

/// The short name of an attribute of a distinguished name: RFC 4514 §3 for the common ones,
/// OpenSSL's for the others.
pub(crate) fn attribute(dotted: &str) -> Option<&'static str> {
    Some(match dotted {
        "2.5.4.3" => "CN",
        "2.5.4.4" => "SN",
        "2.5.4.5" => "serialNumber",
        "2.5.4.6" => "C",
        "2.5.4.7" => "L",
        "2.5.4.8" => "ST",
        "2.5.4.9" => "street",
        "2.5.4.10" => "O",
        "2.5.4.11" => "OU",
        "2.5.4.12" => "title",
        "2.5.4.13" => "description",
        "2.5.4.15" => "businessCategory",
        "2.5.4.17" => "postalCode",
        "2.5.4.42" => "GN",
        "2.5.4.43" => "initials",
        "2.5.4.44" => "generationQualifier",
        "2.5.4.46" => "dnQualifier",
        "2.5.4.65" => "pseudonym",
        "2.5.4.97" => "organizationIdentifier",
        "0.9.2342.19200300.100.1.1" => "UID",
        "0.9.2342.19200300.100.1.25" => "DC",
        "1.2.840.113549.1.9.1" => "emailAddress",
        "1.2.840.113549.1.9.2" => "unstructuredName",
        "1.2.840.113549.1.9.8" => "unstructuredAddress",
        "1.3.6.1.4.1.311.60.2.1.1" => "jurisdictionL",
        "1.3.6.1.4.1.311.60.2.1.2" => "jurisdictionST",
        "1.3.6.1.4.1.311.60.2.1.3" => "jurisdictionC",
        _ => return None,
    })
}

/// The kind of a public key (RFC 3279, RFC 4055, RFC 5480, RFC 8410, RFC 9881).
pub(crate) fn key(dotted: &str) -> Option<&'static str> {
    Some(match dotted {
        "1.2.840.113549.1.1.1" => "RSA",
        "1.2.840.113549.1.1.10" => "RSA-PSS",
        "1.2.840.10040.4.1" => "DSA",
        "1.2.840.10045.2.1" => "EC",
        "1.2.840.10046.2.1" => "DH",
        "1.3.101.110" => "X25519",
        "1.3.101.111" => "X448",
        "1.3.101.112" => "Ed25519",
        "1.3.101.113" => "Ed448",
        "2.16.840.1.101.3.4.3.17" => "ML-DSA-44",
        "2.16.840.1.101.3.4.3.18" => "ML-DSA-65",
        "2.16.840.1.101.3.4.3.19" => "ML-DSA-87",
        _ => return None,
    })
}

/// A named curve (RFC 5480 §2.1.1.1, RFC 5639, SEC 2).
pub(crate) fn curve(dotted: &str) -> Option<&'static str> {
    Some(match dotted {
        "1.2.840.10045.3.1.1" => "P-192",
        "1.3.132.0.33" => "P-224",
        "1.2.840.10045.3.1.7" => "P-256",
        "1.3.132.0.34" => "P-384",
        "1.3.132.0.35" => "P-521",
        "1.3.132.0.10" => "secp256k1",
        "1.3.36.3.3.2.8.1.1.7" => "brainpoolP256r1",
        "1.3.36.3.3.2.8.1.1.11" => "brainpoolP384r1",
        "1.3.36.3.3.2.8.1.1.13" => "brainpoolP512r1",
        _ => return None,
    })
}

/// A signature algorithm (the RFCs of [`key`]).
pub(crate) fn signature(dotted: &str) -> Option<&'static str> {
    Some(match dotted {
        "1.2.840.113549.1.1.2" => "MD2 with RSA",
        "1.2.840.113549.1.1.4" => "MD5 with RSA",
        "1.2.840.113549.1.1.5" => "SHA1 with RSA",
        "1.2.840.113549.1.1.14" => "SHA224 with RSA",
        "1.2.840.113549.1.1.11" => "SHA256 with RSA",
        "1.2.840.113549.1.1.12" => "SHA384 with RSA",
        "1.2.840.113549.1.1.13" => "SHA512 with RSA",
        "1.2.840.10045.4.1" => "SHA1 with ECDSA",
        "1.2.840.10045.4.3.1" => "SHA224 with ECDSA",
        "1.2.840.10045.4.3.2" => "SHA256 with ECDSA",
        "1.2.840.10045.4.3.3" => "SHA384 with ECDSA",
        "1.2.840.10045.4.3.4" => "SHA512 with ECDSA",
        "1.2.840.10040.4.3" => "SHA1 with DSA",
        "2.16.840.1.101.3.4.3.2" => "SHA256 with DSA",
        // RSA-PSS and the newer signatures have the name of their key.
        other => return key(other),
    })
}

/// A purpose of an extended key usage (RFC 5280 §4.2.1.12).
pub(crate) fn purpose(dotted: &str) -> Option<&'static str> {
    Some(match dotted {
        "2.5.29.37.0" => "anyExtendedKeyUsage",
        "1.3.6.1.5.5.7.3.1" => "serverAuth",
        "1.3.6.1.5.5.7.3.2" => "clientAuth",
        "1.3.6.1.5.5.7.3.3" => "codeSigning",
        "1.3.6.1.5.5.7.3.4" => "emailProtection",
        "1.3.6.1.5.5.7.3.8" => "timeStamping",
        "1.3.6.1.5.5.7.3.9" => "OCSPSigning",
        _ => return None,
    })
}

/// An extension that rustls does not know (RFC 5280 §4.2.1, RFC 7633).
pub(crate) fn extension(dotted: &str) -> Option<&'static str> {
    Some(match dotted {
        "2.5.29.18" => "issuerAltName",
        "2.5.29.32" => "certificatePolicies",
        "2.5.29.33" => "policyMappings",
        "2.5.29.36" => "policyConstraints",
        "2.5.29.54" => "inhibitAnyPolicy",
        "1.3.6.1.5.5.7.1.24" => "TLS feature",
        "" => "of an unreadable number",
        _ => return None,
    })
}

/// keyUsage, subjectAltName, basicConstraints, nameConstraints, cRLDistributionPoints, extKeyUsage, and
/// the timestamps of RFC 6962.
pub(crate) fn is_known_to_rustls(dotted: &str) -> bool {
    matches!(
        dotted,
        "2.5.29.15"
            | "2.5.29.17"
            | "2.5.29.19"
            | "2.5.29.30"
            | "2.5.29.31"
            | "2.5.29.37"
            | "1.3.6.1.4.1.11129.2.4.2"
    )
}

/// The name that `table` has for these numbers, or the numbers.
pub(crate) fn name_or_numbers(table: fn(&str) -> Option<&'static str>, dotted: String) -> String {
    table(&dotted).map_or(dotted, str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(value: &[u8], expected: Option<&str>) {
        assert_eq!(dotted(value).ok().as_deref(), expected, "{value:02x?}");
    }

    #[test]
    fn numbers() {
        check(&[0x55, 0x1d, 0x11], Some("2.5.29.17"));
        check(
            &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 11],
            Some("1.2.840.113549.1.1.11"),
        );
        check(
            &[0x09, 0x92, 0x26, 0x89, 0x93, 0xf2, 0x2c, 0x64, 1, 25],
            Some("0.9.2342.19200300.100.1.25"),
        );
        check(&[0x00], Some("0.0"));
        check(&[0x27], Some("0.39"));
        check(&[0x28], Some("1.0"));
        check(&[0x4f], Some("1.39"));
        check(&[0x50], Some("2.0"));
        // The example of X.690 §8.19.5.
        check(&[0x88, 0x37, 0x03], Some("2.999.3"));
        check(&[], None);
        check(&[0x2a, 0x86], None);
        check(&[0x2a, 0x80, 0x01], None);
    }

    #[test]
    fn the_largest_number_has_128_bits() {
        let largest = [&[0x69, 0x83], [0xff; 17].as_slice(), &[0x7f]].concat();
        check(&largest, Some(&format!("2.25.{}", u128::MAX)));
        let larger = [&[0x69, 0x84], [0x80; 17].as_slice(), &[0x00]].concat();
        check(&larger, None);
    }
}
