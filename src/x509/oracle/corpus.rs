//! Certificates of every kind, made once per run, each with what must be found in it.

use std::net::{IpAddr, Ipv6Addr};
use std::path::Path;
use std::sync::LazyLock;

use crate::util::clock::utc;
use crate::x509::Certificate;
use rcgen::{
    BasicConstraints, CertificateParams, CustomExtension, DistinguishedName, DnType, DnValue,
    ExtendedKeyUsagePurpose, IsCa, KeyPair, PKCS_ECDSA_P384_SHA384, PKCS_ED25519, SanType,
    SerialNumber, date_time_ymd, string as dn,
};

use super::openssl;

/// The sample that has a value in every field.
pub(crate) const EVERYTHING: &str = "every extension and every kind of name";

pub(crate) struct Sample {
    pub(crate) what: &'static str,
    pub(crate) der: Vec<u8>,
    /// What must be found, beside what the oracles find.
    pub(crate) check: fn(&Certificate),
}

impl Sample {
    pub(crate) fn new(what: &'static str, der: Vec<u8>) -> Self {
        let check = |_: &Certificate| {};
        Self { what, der, check }
    }

    fn must(self, check: fn(&Certificate)) -> Self {
        Self { check, ..self }
    }
}

pub(crate) fn corpus() -> &'static [Sample] {
    static CORPUS: LazyLock<Vec<Sample>> = LazyLock::new(|| {
        let folder = tempfile::tempdir().unwrap();
        let mut all = by_rcgen();
        all.extend(by_openssl(folder.path()));
        all
    });
    &CORPUS
}

fn rcgen(what: &'static str, change: impl FnOnce(&mut CertificateParams)) -> Sample {
    signed(what, KeyPair::generate().unwrap(), change)
}

fn signed(what: &'static str, key: KeyPair, change: impl FnOnce(&mut CertificateParams)) -> Sample {
    let mut params = CertificateParams::default();
    change(&mut params);
    let der = params.self_signed(&key).unwrap().der().to_vec();
    Sample::new(what, der)
}

fn named(what: &'static str, attributes: Vec<(DnType, DnValue)>) -> Sample {
    rcgen(what, |params| {
        params.distinguished_name = DistinguishedName::new();
        for (kind, value) in attributes {
            params.distinguished_name.push(kind, value);
        }
    })
}

fn dated(what: &'static str, from: (i32, u8, u8), to: (i32, u8, u8)) -> Sample {
    rcgen(what, |params| {
        params.not_before = date_time_ymd(from.0, from.1, from.2);
        params.not_after = date_time_ymd(to.0, to.1, to.2);
    })
}

fn extended(what: &'static str, oid: &[u64], content: &[u8]) -> Sample {
    rcgen(what, |params| {
        let extension = CustomExtension::from_oid_content(oid, content.to_vec());
        params.custom_extensions = vec![extension];
    })
}

fn by_rcgen() -> Vec<Sample> {
    let text = |text: &str| DnValue::Utf8String(text.to_owned());
    let common_name = |value| vec![(DnType::CommonName, value)];
    vec![
        rcgen("EC P-256, no subjectAltName", |_| {}).must(|it| {
            assert_eq!((it.version, it.has_san, it.is_ca), (3, false, false));
            assert_eq!((it.key.as_str(), it.self_issued), ("EC P-256", true));
            assert_eq!((it.has_aia, &it.extended_key_usage), (false, &None));
        }),
        signed(
            "EC P-384",
            KeyPair::generate_for(&PKCS_ECDSA_P384_SHA384).unwrap(),
            |_| {},
        ),
        signed(
            "Ed25519",
            KeyPair::generate_for(&PKCS_ED25519).unwrap(),
            |_| {},
        )
        .must(|it| assert_eq!((&*it.key, &*it.signature), ("Ed25519", "Ed25519"))),
        rcgen("names and addresses", |params| {
            let dns = |name: &str| SanType::DnsName(name.try_into().unwrap());
            params.subject_alt_names = vec![
                dns("*.example.com"),
                dns("192.168.1.5"),
                SanType::IpAddress(IpAddr::from([192, 168, 1, 5])),
                SanType::IpAddress(IpAddr::from(Ipv6Addr::LOCALHOST)),
            ];
        })
        .must(|it| {
            let names = ["*.example.com", "DNS:192.168.1.5", "192.168.1.5", "::1"];
            assert_eq!(it.names, names);
        }),
        rcgen("a CA", |params| {
            params.is_ca = IsCa::Ca(BasicConstraints::Constrained(3))
        })
        .must(|it| assert!(it.is_ca)),
        rcgen("not a CA, and it says so", |params| {
            params.is_ca = IsCa::ExplicitNoCa
        })
        .must(|it| assert!(!it.is_ca)),
        rcgen("a client's purpose", |params| {
            params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        })
        .must(|it| assert_eq!(it.extended_key_usage, Some(vec!["clientAuth".to_owned()]))),
        rcgen("a long serial number", |params| {
            params.serial_number = Some(SerialNumber::from(vec![0xff; 20]));
        })
        .must(|it| assert_eq!(it.serial, "FF".repeat(20))),
        dated("before 1950 to 1950", (1930, 5, 6), (1950, 1, 1)).must(|it| {
            assert_eq!(utc(it.not_before), "1930-05-06 00:00:00 UTC");
            assert_eq!(utc(it.not_after), "1950-01-01 00:00:00 UTC");
        }),
        dated("1949 to 1999", (1949, 12, 31), (1999, 12, 31)),
        dated("2000 to 2049", (2000, 2, 29), (2049, 12, 31)),
        dated("2050 to the end of time", (2050, 1, 1), (9999, 12, 31)).must(|it| {
            assert_eq!(utc(it.not_after), "9999-12-31 00:00:00 UTC");
        }),
        dated("the first year", (1, 1, 1), (1000, 1, 1)),
        named("an empty name", vec![]).must(|it| {
            assert!(it.subject.attributes.is_empty());
        }),
        named(
            "many attributes",
            vec![
                (
                    DnType::CountryName,
                    DnValue::PrintableString("CZ".try_into().unwrap()),
                ),
                (DnType::StateOrProvinceName, text("Praha")),
                (DnType::LocalityName, text("Žižkov")),
                (DnType::OrganizationName, text("Mосты, s.r.o.")),
                (DnType::OrganizationalUnitName, text("+ \"quoted\" \\ <#>")),
                (DnType::CustomDnType(vec![1, 2, 3, 4]), text("unknown")),
                (DnType::CommonName, text("sensor-7")),
            ],
        )
        .must(|it| {
            let shown = "CN=sensor-7, 1.2.3.4=unknown, OU=+ \"quoted\" \\ <#>, \
                         O=Mосты, s.r.o., L=Žižkov, ST=Praha, C=CZ";
            assert_eq!(it.subject.to_string(), shown);
            assert_eq!(it.subject.organisation(), Some("Mосты, s.r.o."));
        }),
        named(
            "BMPString",
            common_name(DnValue::BmpString("Žižkov".try_into().unwrap())),
        )
        .must(|it| assert_eq!(it.subject.common_name(), Some("Žižkov"))),
        named(
            "UniversalString",
            common_name(DnValue::UniversalString("Ži 😀".try_into().unwrap())),
        )
        .must(|it| assert_eq!(it.subject.common_name(), Some("Ži 😀"))),
        named(
            "IA5String",
            common_name(DnValue::Ia5String(dn::Ia5String::try_from("a@b").unwrap())),
        ),
        named(
            "TeletexString",
            common_name(DnValue::TeletexString("teletex".try_into().unwrap())),
        ),
        // An address of five bytes: some tools write the text of an address there.
        extended(
            "an address of a wrong length",
            &[2, 5, 29, 17],
            &[0x30, 7, 0x87, 5, 1, 2, 3, 4, 0xab],
        )
        .must(|it| assert_eq!(it.names, ["IP:01:02:03:04:AB"])),
        extended(
            "a subjectAltName without a name",
            &[2, 5, 29, 17],
            &[0x30, 0],
        )
        .must(|it| assert_eq!((it.has_san, it.names.len()), (true, 0))),
        extended("CA:FALSE written out", &[2, 5, 29, 19], &[0x30, 3, 1, 1, 0])
            .must(|it| assert!(!it.is_ca)),
        extended(
            "an unreadable authorityInfoAccess",
            &[1, 3, 6, 1, 5, 5, 7, 1, 1],
            b"junk",
        )
        .must(|it| assert_eq!((it.has_aia, it.ca_issuers.len()), (true, 0))),
    ]
}

const CONFIG: &str = "
[req]
distinguished_name = none
[t61]
distinguished_name = none
string_mask = default
[none]
[everything]
basicConstraints = critical,CA:TRUE,pathlen:0
extendedKeyUsage = serverAuth,clientAuth,codeSigning,emailProtection,timeStamping,OCSPSigning,1.2.3.4
authorityInfoAccess = OCSP;URI:http://ocsp.example.com,caIssuers;URI:http://example.com/ca.der
subjectAltName = @names
[names]
DNS.1 = *.example.com
IP.1 = 2001:db8::1
email.1 = me@example.com
URI.1 = mqtts://example.com
RID.1 = 1.2.3.4
dirName.1 = directory
otherName.1 = 1.3.6.1.4.1.311.20.2.3;UTF8:some text
[directory]
C = US
O = Example
";

const SUBJECT: &str = "/DC=com/DC=example/C=US/O=Müller/OU=a+OU=b/emailAddress=me@example.com\
                       /serialNumber=7/UID=u/GN=g/SN=s/title=t/CN=one/CN=two";

fn by_openssl(folder: &Path) -> Vec<Sample> {
    std::fs::write(folder.join("config"), CONFIG).unwrap();
    let run = |arguments: &str, more: &[&str]| {
        let arguments = arguments.split_whitespace().chain(more.iter().copied());
        openssl::run(folder, &arguments.collect::<Vec<_>>(), b"")
    };
    let keys = [
        (
            "rsa",
            "genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048",
        ),
        (
            "rsa-odd",
            "genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:1031",
        ),
        (
            "rsa-pss",
            "genpkey -algorithm RSA-PSS -pkeyopt rsa_keygen_bits:1024",
        ),
        (
            "p256",
            "genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256",
        ),
        (
            "p521",
            "genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-521",
        ),
        (
            "secp256k1",
            "genpkey -algorithm EC -pkeyopt ec_paramgen_curve:secp256k1",
        ),
        (
            "explicit",
            "ecparam -name prime256v1 -param_enc explicit -genkey -noout",
        ),
        ("dsa", "dsaparam -genkey -noout 1024"),
        ("ed448", "genpkey -algorithm ED448"),
        ("x25519", "genpkey -algorithm X25519"),
    ];
    for (key, arguments) in keys {
        std::fs::write(folder.join(key), run(arguments, &[])).unwrap();
    }
    std::fs::write(
        folder.join("x25519.pub"),
        run("pkey -in x25519 -pubout", &[]),
    )
    .unwrap();
    let request = run("req -new -config config -key p256 -subj /CN=old", &[]);
    std::fs::write(folder.join("request"), request).unwrap();

    let made = |what, arguments: &str, more: &[&str]| {
        Sample::new(what, run(&format!("{arguments} -outform DER"), more))
    };
    let plain = |what, key| {
        let arguments = format!("req -x509 -new -config config -subj /CN=key -key {key}");
        made(what, &arguments, &["-addext", "basicConstraints=CA:FALSE"])
    };
    vec![
        plain("RSA", "rsa").must(|it| {
            assert_eq!((&*it.key, &*it.signature), ("RSA 2048", "SHA256 with RSA"));
        }),
        plain("RSA of an odd size", "rsa-odd").must(|it| assert_eq!(it.key, "RSA 1031")),
        plain("RSA-PSS", "rsa-pss").must(|it| assert_eq!(it.key, "RSA-PSS 1024")),
        plain("EC P-521", "p521").must(|it| assert_eq!(it.key, "EC P-521")),
        plain("EC secp256k1", "secp256k1").must(|it| assert_eq!(it.key, "EC secp256k1")),
        plain("EC with its curve spelled out", "explicit").must(|it| assert_eq!(it.key, "EC")),
        plain("DSA", "dsa").must(|it| assert_eq!(it.key, "DSA")),
        plain("Ed448", "ed448").must(|it| assert_eq!(it.key, "Ed448")),
        made(
            "X25519",
            "x509 -new -subj /CN=x -force_pubkey x25519.pub -key p256",
            &[],
        )
        .must(|it| assert_eq!(it.key, "X25519")),
        made(
            "SHA-1",
            "req -x509 -new -sha1 -config config -subj /CN=old -key rsa",
            &[],
        )
        .must(|it| assert_eq!(it.signature, "SHA1 with RSA")),
        made(
            "X.509 version 1",
            "x509 -req -in request -key p256 -days 9",
            &[],
        )
        .must(|it| {
            assert_eq!((it.version, it.is_ca, it.has_san), (1, false, false));
        }),
        made(
            "a negative serial number",
            "x509 -req -in request -key p256 -set_serial -5",
            &[],
        )
        .must(|it| assert_eq!(it.serial, "FB")),
        made(
            "serial number 0",
            "x509 -req -in request -key p256 -set_serial 0",
            &[],
        )
        .must(|it| assert_eq!(it.serial, "00")),
        made(
            "old strings",
            "req -x509 -new -config config -section t61 -utf8 -key p256",
            &["-subj", SUBJECT],
        )
        .must(|it| assert_eq!(it.subject.organisation(), Some("Müller"))),
        made(
            EVERYTHING,
            "req -x509 -new -utf8 -config config -extensions everything -key p256",
            &["-subj", SUBJECT],
        )
        .must(|it| {
            let names = [
                "*.example.com",
                "2001:db8::1",
                "email:me@example.com",
                "URI:mqtts://example.com",
                "Registered ID:1.2.3.4",
                "DirName:O=Example, C=US",
                "othername:1.3.6.1.4.1.311.20.2.3",
            ];
            assert_eq!(it.names, names);
            assert_eq!(it.ca_issuers, ["http://example.com/ca.der"]);
            assert_eq!(it.subject.common_name(), Some("two"));
            let purposes = it.extended_key_usage.as_ref().unwrap();
            assert_eq!((purposes.len(), purposes[6].as_str()), (7, "1.2.3.4"));
            assert!(it.is_ca && it.has_aia);
        }),
    ]
}
