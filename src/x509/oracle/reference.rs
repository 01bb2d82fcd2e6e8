//! `x509-parser` as the oracle: each field of ours against what it sees. Our names for what it
//! knows by OID are looked up by *its* names, so that no table of ours proves itself.

use crate::x509::Certificate;
use crate::x509::certificate::Name;
use x509_parser::asn1_rs::{Any, BmpString, Class, Oid, Tag, UniversalString};
use x509_parser::objects::{oid_registry, oid2sn};
use x509_parser::oid_registry as known;
use x509_parser::prelude::*;
use x509_parser::public_key::PublicKey;

/// One certificate and nothing after it.
pub(crate) fn parse(der: &[u8]) -> Result<X509Certificate<'_>, String> {
    match X509Certificate::from_der(der) {
        Ok(([], certificate)) => Ok(certificate),
        Ok(_) => Err("bytes behind the end".to_owned()),
        Err(error) => Err(error.to_string()),
    }
}

#[track_caller]
pub(crate) fn agree(ours: &Certificate, theirs: &X509Certificate<'_>) {
    assert_eq!(u32::from(ours.version), theirs.version().0 + 1);
    assert_eq!(ours.serial, serial(theirs.raw_serial()));
    agree_on_name(&ours.subject, theirs.subject());
    agree_on_name(&ours.issuer, theirs.issuer());
    let same = theirs.subject().as_raw() == theirs.issuer().as_raw();
    assert_eq!(ours.self_issued, same);
    let validity = theirs.validity();
    assert_eq!(ours.not_before, validity.not_before.timestamp());
    assert_eq!(ours.not_after, validity.not_after.timestamp());
    assert_eq!(
        ours.signature,
        signature(&theirs.signature_algorithm.algorithm)
    );
    agree_on_key(&ours.key, theirs.public_key());
    agree_on_extensions(ours, theirs);
}

fn agree_on_extensions(ours: &Certificate, theirs: &X509Certificate<'_>) {
    let parsed = |oid: &Oid<'_>| {
        let extension = theirs.get_extension_unique(oid).expect("one at the most");
        extension.map(X509Extension::parsed_extension)
    };
    let constraints = match parsed(&known::OID_X509_EXT_BASIC_CONSTRAINTS) {
        Some(ParsedExtension::BasicConstraints(it)) => (it.ca, it.path_len_constraint),
        None => (false, None),
        Some(other) => panic!("basicConstraints: {other:?}"),
    };
    assert_eq!((ours.is_ca, ours.path_length), constraints);
    let limits = parsed(&known::OID_X509_EXT_NAME_CONSTRAINTS);
    assert_eq!(ours.limits_names, limits.is_some());
    // Byte by byte, as rustls looks at them.
    let known = |oid: &Oid<'_>| {
        matches!(
            oid.as_bytes(),
            [0x55, 0x1d, 15 | 17 | 19 | 30 | 31 | 37] | [0x2b, 6, 1, 4, 1, 0xd6, 0x79, 2, 4, 2]
        )
    };
    let mut extensions = theirs.iter_extensions();
    let critical = extensions.any(|it| it.critical && !known(&it.oid));
    assert_eq!(ours.critical.is_some(), critical);

    match parsed(&known::OID_X509_EXT_SUBJECT_ALT_NAME) {
        Some(ParsedExtension::SubjectAlternativeName(san)) => {
            assert!(ours.has_san);
            assert_eq!(ours.names.len(), san.general_names.len());
            for (ours, theirs) in ours.names.iter().zip(&san.general_names) {
                agree_on_general_name(ours, theirs);
            }
        }
        None => assert_eq!((ours.has_san, ours.names.len()), (false, 0)),
        Some(other) => panic!("subjectAltName: {other:?}"),
    }

    match parsed(&known::OID_X509_EXT_EXTENDED_KEY_USAGE) {
        Some(ParsedExtension::ExtendedKeyUsage(usage)) => {
            let mut sorted = ours.extended_key_usage.clone().expect("an extKeyUsage");
            sorted.sort();
            sorted.dedup();
            assert_eq!(sorted, purposes(usage));
        }
        None => assert_eq!(ours.extended_key_usage, None),
        Some(other) => panic!("extKeyUsage: {other:?}"),
    }

    // Twice is accepted here: rustls does not read this extension, so ours need not be strict.
    let access = theirs
        .iter_extensions()
        .find(|extension| extension.oid == known::OID_PKIX_AUTHORITY_INFO_ACCESS);
    assert_eq!(ours.has_aia, access.is_some());
}

fn agree_on_name(ours: &Name, theirs: &X509Name<'_>) {
    let theirs: Vec<_> = theirs.iter_attributes().collect();
    assert_eq!(ours.attributes.len(), theirs.len(), "{ours}");
    for ((kind, value), theirs) in ours.attributes.iter().zip(theirs) {
        assert_eq!(kind, &attribute(theirs.attr_type()));
        match text(theirs.attr_value()) {
            Some(text) => assert_eq!(value, &text),
            None => assert!(
                value.contains('\u{fffd}') || value.starts_with('#'),
                "{value}"
            ),
        }
    }
}

/// `None`: no text, or not in its own encoding.
fn text(value: &Any<'_>) -> Option<String> {
    match value.tag() {
        // DER writes a string in one piece (X.690 §10.2), under its own tag; theirs looks at the
        // number alone.
        _ if value.header.is_constructed() || value.class() != Class::Universal => None,
        Tag::Utf8String
        | Tag::NumericString
        | Tag::PrintableString
        | Tag::Ia5String
        | Tag::VisibleString => String::from_utf8(value.data.to_vec()).ok(),
        // Theirs reads it as UTF-8, which is not what any certificate means by it.
        Tag::TeletexString => Some(value.data.iter().copied().map(char::from).collect()),
        // Theirs reads a last half character as a whole one.
        Tag::BmpString if value.data.len().is_multiple_of(2) => {
            BmpString::try_from(value).ok().map(|text| text.string())
        }
        Tag::UniversalString => UniversalString::try_from(value)
            .ok()
            .map(|text| text.string()),
        _ => None,
    }
}

fn agree_on_general_name(ours: &str, theirs: &GeneralName<'_>) {
    let expected = match theirs {
        GeneralName::DNSName(name) if name.parse::<std::net::IpAddr>().is_ok() => {
            format!("DNS:{name}")
        }
        GeneralName::DNSName(name) => (*name).to_owned(),
        GeneralName::RFC822Name(address) => format!("email:{address}"),
        GeneralName::URI(uri) => format!("URI:{uri}"),
        GeneralName::RegisteredID(oid) => format!("Registered ID:{}", numbers(oid)),
        GeneralName::OtherName(oid, _) => format!("othername:{}", numbers(oid)),
        GeneralName::X400Address(_) => "X400Name".to_owned(),
        GeneralName::EDIPartyName(_) => "EdiPartyName".to_owned(),
        GeneralName::IPAddress(bytes) => match <[u8; 4]>::try_from(*bytes) {
            Ok(address) => std::net::IpAddr::from(address).to_string(),
            Err(_) => match <[u8; 16]>::try_from(*bytes) {
                Ok(address) => std::net::IpAddr::from(address).to_string(),
                Err(_) => format!("IP:{}", format_serial(bytes).to_uppercase()),
            },
        },
        GeneralName::DirectoryName(name) => {
            let values = name
                .iter_attributes()
                .filter_map(|one| text(one.attr_value()));
            for value in values {
                assert!(ours.contains(&value), "{ours} holds {value}");
            }
            return assert!(ours.starts_with("DirName:"), "{ours}");
        }
        GeneralName::Invalid(..) => {
            return assert!(ours.contains('\u{fffd}'), "{ours}");
        }
    };
    assert_eq!(ours, expected);
}

fn agree_on_key(ours: &str, theirs: &SubjectPublicKeyInfo<'_>) {
    let kind = key(&theirs.algorithm.algorithm);
    let expected = match (kind.as_str(), theirs.parsed()) {
        ("RSA", Ok(PublicKey::RSA(key))) => {
            let first = key.modulus.iter().position(|byte| *byte != 0);
            let bits = first.map_or(0, |first| {
                let modulus = &key.modulus[first..];
                modulus.len() * 8 - modulus[0].leading_zeros() as usize
            });
            format!("RSA {bits}")
        }
        ("EC", _) => {
            let parameters = theirs.algorithm.parameters.as_ref();
            let curve = parameters.and_then(|curve| curve.as_oid().ok());
            curve.map_or("EC".to_owned(), |curve| {
                format!("EC {}", self::curve(&curve))
            })
        }
        _ => kind.clone(),
    };
    if ours != expected {
        // Ours leaves the size out when the key itself is damaged, theirs the name of RSA-PSS.
        assert!(
            ours == kind || ours.starts_with("RSA-PSS"),
            "{ours}, {expected}"
        );
    }
}

/// Upper-case hex without one leading zero byte.
fn serial(raw: &[u8]) -> String {
    let raw = match raw {
        [0, rest @ ..] if !rest.is_empty() => rest,
        raw => raw,
    };
    raw.iter().map(|byte| format!("{byte:02X}")).collect()
}

fn purposes(usage: &ExtendedKeyUsage<'_>) -> Vec<String> {
    let known = [
        (usage.any, "anyExtendedKeyUsage"),
        (usage.server_auth, "serverAuth"),
        (usage.client_auth, "clientAuth"),
        (usage.code_signing, "codeSigning"),
        (usage.email_protection, "emailProtection"),
        (usage.time_stamping, "timeStamping"),
        (usage.ocsp_signing, "OCSPSigning"),
    ];
    let known = known.into_iter().filter(|(set, _)| *set);
    let mut all: Vec<_> = known.map(|(_, name)| name.to_owned()).collect();
    all.extend(usage.other.iter().map(numbers));
    all.sort();
    all.dedup();
    all
}

/// The first byte holds two numbers only below 120; theirs reads two from any, against X.690 §8.19.4,
/// and has no numbers beyond 64 bits. There ours has its own unit test.
fn numbers(oid: &Oid<'_>) -> String {
    match oid.as_bytes() {
        [..120, ..] if oid.iter().is_some() => oid.to_id_string(),
        bytes => crate::x509::oid::dotted(bytes).unwrap_or_else(|_| oid.to_id_string()),
    }
}

/// Our name for what the registry of `x509-parser` calls `sn`, or the numbers.
fn translate(oid: &Oid<'_>, names: &[(&str, &str)]) -> String {
    let numbers = numbers(oid);
    let sn = oid2sn(oid, oid_registry()).unwrap_or(&numbers);
    let found = names
        .iter()
        .find(|(theirs, _)| *theirs == sn || *theirs == numbers);
    found.map_or(numbers.clone(), |(_, ours)| (*ours).to_owned())
}

fn attribute(oid: &Oid<'_>) -> String {
    let names = [
        ("commonName", "CN"),
        ("surname", "SN"),
        ("serialNumber", "serialNumber"),
        ("countryName", "C"),
        ("localityName", "L"),
        ("stateOrProvinceName", "ST"),
        ("streetAddress", "street"),
        ("organizationName", "O"),
        ("organizationalUnit", "OU"),
        ("title", "title"),
        ("description", "description"),
        ("businessCategory", "businessCategory"),
        ("postalCode", "postalCode"),
        ("givenName", "GN"),
        ("initials", "initials"),
        ("generationQualifier", "generationQualifier"),
        ("dnQualifier", "dnQualifier"),
        ("2.5.4.65", "pseudonym"),
        ("2.5.4.97", "organizationIdentifier"),
        ("uid", "UID"),
        ("domainComponent", "DC"),
        ("emailAddress", "emailAddress"),
        ("unstructuredName", "unstructuredName"),
        ("1.2.840.113549.1.9.8", "unstructuredAddress"),
        ("msJurisdictionLocality", "jurisdictionL"),
        ("msJurisdictionStateOrProvince", "jurisdictionST"),
        ("msJurisdictionCountry", "jurisdictionC"),
    ];
    translate(oid, &names)
}

const KEYS: [(&str, &str); 12] = [
    ("rsaEncryption", "RSA"),
    ("rsassa-pss", "RSA-PSS"),
    ("id-dsa", "DSA"),
    ("id-ecPublicKey", "EC"),
    ("1.3.101.110", "X25519"),
    ("1.3.101.111", "X448"),
    ("ed25519", "Ed25519"),
    ("ed448", "Ed448"),
    ("1.2.840.10046.2.1", "DH"),
    ("2.16.840.1.101.3.4.3.17", "ML-DSA-44"),
    ("2.16.840.1.101.3.4.3.18", "ML-DSA-65"),
    ("2.16.840.1.101.3.4.3.19", "ML-DSA-87"),
];

fn key(oid: &Oid<'_>) -> String {
    translate(oid, &KEYS)
}

fn curve(oid: &Oid<'_>) -> String {
    let names = [
        ("1.2.840.10045.3.1.1", "P-192"),
        ("1.3.132.0.33", "P-224"),
        ("prime256v1", "P-256"),
        ("secp384r1", "P-384"),
        ("secp521r1", "P-521"),
        ("1.3.132.0.10", "secp256k1"),
        ("1.3.36.3.3.2.8.1.1.7", "brainpoolP256r1"),
        ("1.3.36.3.3.2.8.1.1.11", "brainpoolP384r1"),
        ("1.3.36.3.3.2.8.1.1.13", "brainpoolP512r1"),
    ];
    translate(oid, &names)
}

fn signature(oid: &Oid<'_>) -> String {
    let names = [
        ("md2WithRSAEncryption", "MD2 with RSA"),
        ("md5WithRSAEncryption", "MD5 with RSA"),
        ("1.2.840.113549.1.1.5", "SHA1 with RSA"),
        ("sha224WithRSAEncryption", "SHA224 with RSA"),
        ("sha256WithRSAEncryption", "SHA256 with RSA"),
        ("sha384WithRSAEncryption", "SHA384 with RSA"),
        ("sha512WithRSAEncryption", "SHA512 with RSA"),
        ("ecdsa-with-SHA224", "SHA224 with ECDSA"),
        ("ecdsa-with-SHA256", "SHA256 with ECDSA"),
        ("ecdsa-with-SHA384", "SHA384 with ECDSA"),
        ("ecdsa-with-SHA512", "SHA512 with ECDSA"),
        ("2.16.840.1.101.3.4.3.2", "SHA256 with DSA"),
        ("dsa-with-sha1", "SHA1 with DSA"),
        ("1.2.840.10045.4.1", "SHA1 with ECDSA"),
    ];
    match translate(oid, &names) {
        name if name == numbers(oid) => key(oid),
        name => name,
    }
}
