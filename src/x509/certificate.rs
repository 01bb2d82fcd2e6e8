//! What an X.509 certificate says (RFC 5280 §4): DER → subject, issuer, names, dates, key. It
//! judges nothing and trusts nothing: whether a certificate is good is rustls's to decide, and
//! this only tells people what they were shown.
//!
//! All text is as the certificate has it, and NOT escaped; whoever shows it must do so.
//! `x509-parser` is the oracle in the tests; a parser of its size is not worth its 186 kB here.

use rustls::SupportedCipherSuite;
use rustls::crypto::ring::cipher_suite::TLS13_AES_128_GCM_SHA256;

use crate::x509::der::{DerError, Element, ParseError, Reader, hex, in_part};
use crate::x509::extensions::Extensions;
pub(crate) use crate::x509::name::Name;
use crate::x509::{der, oid};

/// The facts of one certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Certificate {
    /// 1, 2 or 3. rustls takes nothing but 3.
    pub(crate) version: u8,
    /// The serial number's bytes in upper-case hex, without a leading zero byte.
    pub(crate) serial: String,
    pub(crate) subject: Name,
    pub(crate) issuer: Name,
    /// Subject and issuer are the same, byte for byte.
    pub(crate) self_issued: bool,
    /// Unix seconds; may be before 1970.
    pub(crate) not_before: i64,
    /// Unix seconds; the certificate is valid up to and with this one.
    pub(crate) not_after: i64,
    /// `RSA 2048`, `EC P-256`, `Ed25519`, or the dotted OID of what is not known.
    pub(crate) key: String,
    /// `SHA256 with RSA`, or the dotted OID.
    pub(crate) signature: String,
    /// There is a subjectAltName, whatever it holds.
    pub(crate) has_san: bool,
    /// What the subjectAltName holds: a DNS name as written and an IP address as the standard
    /// library writes it, both bare; others with their kind in front, as OpenSSL has it
    /// (`email:…`, `URI:…`, `DirName:…`, `Registered ID:…`, `othername:…`). A DNS name that reads
    /// like an IP address, which matches no host, is `DNS:192.168.1.5`; an address of a wrong
    /// length is `IP:` and its bytes in hex.
    pub(crate) names: Vec<String>,
    /// `CA:TRUE` of the basic constraints.
    pub(crate) is_ca: bool,
    /// How many CAs may stand between it and a leaf, where that is limited.
    pub(crate) path_length: Option<u32>,
    /// It has name constraints.
    pub(crate) limits_names: bool,
    /// The first extension that is critical and that rustls does not know: its name, or dotted OID.
    pub(crate) critical: Option<String>,
    /// There is an authorityInfoAccess: an issuer other than itself is published somewhere.
    pub(crate) has_aia: bool,
    /// Where that says the issuer's certificate can be downloaded.
    pub(crate) ca_issuers: Vec<String>,
    /// `serverAuth`, `clientAuth`, …, or dotted OIDs; `None`: good for every purpose.
    pub(crate) extended_key_usage: Option<Vec<String>>,
}

/// Reads one certificate; `der` must hold it and nothing else.
pub(crate) fn read(der: &[u8]) -> Result<Certificate, ParseError> {
    let outer = der::single(der, der::SEQUENCE).map_err(in_part("frame"))?;
    let mut outer = outer.reader();
    let mut body = outer
        .inside(der::SEQUENCE)
        .map_err(in_part("tbsCertificate"))?;
    let signature = algorithm(&mut outer)
        .map_err(in_part("signatureAlgorithm"))?
        .0;
    signature_value(outer).map_err(in_part("signatureValue"))?;

    let version = version(&mut body).map_err(in_part("version"))?;
    let serial = serial(&mut body).map_err(in_part("serialNumber"))?;
    algorithm(&mut body).map_err(in_part("signature"))?;
    let issuer_raw = body.expect(der::SEQUENCE).map_err(in_part("issuer"))?.raw;
    let issuer = Name::read(issuer_raw).map_err(in_part("issuer"))?;
    let (not_before, not_after) = validity(&mut body).map_err(in_part("validity"))?;
    let subject_raw = body.expect(der::SEQUENCE).map_err(in_part("subject"))?.raw;
    let subject = Name::read(subject_raw).map_err(in_part("subject"))?;
    let key = key(&mut body).map_err(in_part("subjectPublicKeyInfo"))?;
    for (tag, part) in [(1, "issuerUniqueID"), (2, "subjectUniqueID")] {
        let id = body.optional(der::context_primitive(tag));
        id.map_err(in_part(part))?;
    }
    let extensions = Extensions::read(&mut body)?;
    body.end().map_err(in_part("tbsCertificate"))?;

    Ok(Certificate {
        version,
        serial,
        subject,
        issuer,
        self_issued: subject_raw == issuer_raw,
        not_before,
        not_after,
        key,
        signature: oid::name_or_numbers(oid::signature, signature),
        has_san: extensions.names.is_some(),
        names: extensions.names.unwrap_or_default(),
        is_ca: extensions.is_ca.is_some_and(|(ca, _)| ca),
        path_length: extensions.is_ca.and_then(|(_, length)| length),
        limits_names: extensions.limits_names,
        critical: extensions.critical,
        has_aia: extensions.ca_issuers.is_some(),
        ca_issuers: extensions.ca_issuers.unwrap_or_default(),
        extended_key_usage: extensions.purposes,
    })
}

/// Reads a bare distinguished name, such as those of a CertificateRequest (RFC 5246 §7.4.4, RFC
/// 8446 §4.2.4).
pub(crate) fn read_name(der: &[u8]) -> Result<Name, ParseError> {
    Name::read(der).map_err(in_part("distinguished name"))
}

/// SHA-256 of the DER: what `pin_sha256` holds. rustls's own crypto provider computes it.
pub(crate) fn sha256(der: &[u8]) -> [u8; 32] {
    let hash = match TLS13_AES_128_GCM_SHA256 {
        SupportedCipherSuite::Tls13(suite) => suite.common.hash_provider,
        SupportedCipherSuite::Tls12(suite) => suite.common.hash_provider,
    };
    let mut digest = [0; 32];
    for (to, from) in digest.iter_mut().zip(hash.hash(der).as_ref()) {
        *to = *from;
    }
    digest
}

/// Upper-case hex with colons, as `openssl x509 -fingerprint` prints it.
pub(crate) fn fingerprint(digest: &[u8; 32]) -> String {
    hex(digest, ":")
}

/// RFC 5280 §4.1.2.1: left out, it is 1, which is written as 0.
fn version(body: &mut Reader<'_>) -> Result<u8, DerError> {
    let Some(version) = body.optional(der::context(0))? else {
        return Ok(1);
    };
    match der::single(version.value, der::INTEGER)?.small_integer()? {
        version @ 0..=2 => Ok(version + 1),
        _ => Err(DerError::Value("version of X.509")),
    }
}

fn serial(body: &mut Reader<'_>) -> Result<String, DerError> {
    Ok(hex(body.expect(der::INTEGER)?.integer_bytes()?, ""))
}

/// AlgorithmIdentifier (RFC 5280 §4.1.1.2): the dotted OID, and the parameters if there are any.
fn algorithm<'a>(reader: &mut Reader<'a>) -> Result<(String, Option<Element<'a>>), DerError> {
    let mut inside = reader.inside(der::SEQUENCE)?;
    let algorithm = oid::read(&mut inside)?;
    let parameters = (!inside.is_empty()).then(|| inside.any()).transpose()?;
    inside.end()?;
    Ok((algorithm, parameters))
}

fn validity(body: &mut Reader<'_>) -> Result<(i64, i64), DerError> {
    let mut inside = body.inside(der::SEQUENCE)?;
    let dates = (inside.any()?.time()?, inside.any()?.time()?);
    inside.end()?;
    Ok(dates)
}

/// The kind of key, with its size where the kind has several. A key whose parameters or bits are
/// not what its kind asks for is named without them; that it is bad is for rustls to say.
fn key(body: &mut Reader<'_>) -> Result<String, DerError> {
    let mut inside = body.inside(der::SEQUENCE)?;
    let (algorithm, parameters) = algorithm(&mut inside)?;
    let bits = inside.expect(der::BIT_STRING)?.whole_bits()?;
    inside.end()?;
    let kind = oid::name_or_numbers(oid::key, algorithm);
    let size = match kind.as_str() {
        "RSA" | "RSA-PSS" => modulus_bits(bits).ok(),
        // RFC 5480 §2.1.1: the curve by its OID; spelled out in full, it has no name.
        "EC" => parameters
            .filter(|curve| curve.tag == der::OID)
            .and_then(|curve| oid::dotted(curve.value).ok())
            .map(|curve| oid::name_or_numbers(oid::curve, curve)),
        _ => None,
    };
    Ok(size.map_or(kind.clone(), |size| format!("{kind} {size}")))
}

/// RSAPublicKey (RFC 8017 §A.1.1): the modulus, whose length is the key's, and the exponent.
fn modulus_bits(key: &[u8]) -> Result<String, DerError> {
    let mut inside = der::single(key, der::SEQUENCE)?.reader();
    let modulus = inside.expect(der::INTEGER)?.unsigned_bytes()?;
    inside.expect(der::INTEGER)?.unsigned_bytes()?;
    inside.end()?;
    let unused = modulus.first().map_or(0, |byte| byte.leading_zeros());
    Ok((8 * modulus.len() - unused as usize).to_string())
}

fn signature_value(mut outer: Reader<'_>) -> Result<(), DerError> {
    outer.expect(der::BIT_STRING)?.whole_bits()?;
    outer.end()
}

#[cfg(test)]
mod tests {
    use std::error::Error;

    use super::*;

    /// FIPS 180-4's example, and the empty message.
    #[test]
    fn the_fingerprint_is_sha_256() {
        let print = |bytes| fingerprint(&sha256(bytes));
        let abc = "BA:78:16:BF:8F:01:CF:EA:41:41:40:DE:5D:AE:22:23:\
                   B0:03:61:A3:96:17:7A:9C:B4:10:FF:61:F2:00:15:AD";
        assert_eq!(print(b"abc"), abc);
        assert!(print(b"").starts_with("E3:B0:C4:42:98:FC:1C:14:"));
    }

    #[track_caller]
    fn check(der: &[u8], error: &str, cause: &str) {
        let found = read(der).err();
        let words = found.map(|found| (found.to_string(), found.why.to_string()));
        assert_eq!(words, Some((error.to_owned(), cause.to_owned())));
        assert!(found.is_some_and(|found| found.source().is_some()));
    }

    /// What else a file or a peer may have in place of a certificate.
    #[test]
    fn other_things_are_no_certificates() {
        let no = |part| format!("not an X.509 certificate: its {part} cannot be read");
        check(b"", &no("frame"), "the data ends too early");
        check(b"<html>", &no("frame"), "the data ends too early");
        check(b"0", &no("frame"), "the data ends too early");
        check(
            b"-----BEGIN CERTIFICATE-----\nMIIB",
            &no("frame"),
            "the data ends too early",
        );
        // The beginning of a PKCS#8 key.
        let key = [0x30, 3, 2, 1, 0];
        check(&key, &no("tbsCertificate"), "tag 0x02 where 0x30 belongs");
        check(&[0x30, 0, 0], &no("frame"), "bytes behind the end");
        check(
            &[0x30, 2, 0x30, 0],
            &no("signatureAlgorithm"),
            "the data ends too early",
        );
    }
}
