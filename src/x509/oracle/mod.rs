//! The proof of our own certificate reader: `x509-parser` and the `openssl` command as its
//! oracles, over this machine's own trust anchors, certificates made per run in every kind that
//! we could think of, and both of them damaged. Nothing here reaches for the network.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a test may end at once, and then shows at which sample it was"
)]

mod corpus;
mod openssl;
mod reference;

use crate::x509::certificate;
use proptest::prelude::*;
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::server::ParsedCertificate;

use corpus::{Sample, corpus};

fn system_roots() -> Vec<Sample> {
    let found = rustls_native_certs::load_native_certs().certs;
    assert!(!found.is_empty(), "this test needs the ca-certificates");
    found
        .into_iter()
        .map(|der| Sample::new("a system root", der.to_vec()))
        .collect()
}

#[test]
fn every_system_root_reads_as_the_oracles_have_it() {
    for root in system_roots() {
        let ours = certificate::read(&root.der).expect("a system root");
        reference::agree(&ours, &reference::parse(&root.der).unwrap());
        openssl::agree(&ours, &root.der);
        assert!(ours.self_issued, "{}", ours.subject);

        // rustls hands out names as a server's CertificateRequest has them.
        let mut store = RootCertStore::empty();
        if store.add(CertificateDer::from(root.der)).is_ok() {
            let subject = store.subjects().remove(0);
            assert_eq!(certificate::read_name(subject.as_ref()), Ok(ours.subject));
        }
    }
}

#[test]
fn every_kind_of_certificate_reads_as_the_oracles_have_it() {
    for sample in corpus() {
        println!("{}", sample.what);
        let ours = certificate::read(&sample.der).expect(sample.what);
        reference::agree(&ours, &reference::parse(&sample.der).unwrap());
        openssl::agree(&ours, &sample.der);
        (sample.check)(&ours);
    }
}

/// Damaged bytes never make the reader panic; what it still reads, the oracle reads the same;
/// and what rustls could still go on with, it reads or says which part it cannot.
fn check_damaged(der: &[u8]) {
    let ours = certificate::read(der);
    match (&ours, reference::parse(der)) {
        (Ok(ours), Ok(theirs)) => reference::agree(ours, &theirs),
        (Ok(ours), Err(why)) => panic!("only we accept {ours:?}\nx509-parser: {why}"),
        (Err(_), _) => {}
    }
    if let Err(error) = ours {
        let der = CertificateDer::from(der);
        if ParsedCertificate::try_from(&der).is_ok() {
            // These rustls takes as bytes, and looks into them only when it needs them.
            let unread = [
                "signatureAlgorithm",
                "signature",
                "issuer",
                "validity",
                "subject",
                "subjectPublicKeyInfo",
                "basicConstraints",
                "subjectAltName",
                "extKeyUsage",
            ];
            assert!(unread.contains(&error.part), "{error:?}");
        }
    }
}

#[derive(Clone, Debug)]
enum Damage {
    Flip { at: prop::sample::Index, bit: u8 },
    Set { at: prop::sample::Index, to: u8 },
    Insert { at: prop::sample::Index, byte: u8 },
    Remove { at: prop::sample::Index },
    Truncate { at: prop::sample::Index },
}

impl Damage {
    fn any() -> impl Strategy<Value = Self> {
        let at = any::<prop::sample::Index>;
        prop_oneof![
            6 => (at(), 0..8_u8).prop_map(|(at, bit)| Self::Flip { at, bit }),
            6 => (at(), any::<u8>()).prop_map(|(at, to)| Self::Set { at, to }),
            1 => (at(), any::<u8>()).prop_map(|(at, byte)| Self::Insert { at, byte }),
            1 => at().prop_map(|at| Self::Remove { at }),
            1 => at().prop_map(|at| Self::Truncate { at }),
        ]
    }

    fn apply(self, der: &mut Vec<u8>) {
        if der.is_empty() {
            return;
        }
        let length = der.len();
        let place = |at: prop::sample::Index| at.index(length);
        match self {
            Self::Flip { at, bit } => der[place(at)] ^= 1 << bit,
            Self::Set { at, to } => der[place(at)] = to,
            Self::Insert { at, byte } => der.insert(place(at), byte),
            Self::Remove { at } => drop(der.remove(place(at))),
            Self::Truncate { at } => der.truncate(place(at)),
        }
    }
}

proptest! {
    // `PROPTEST_CASES` in the environment overrides this number.
    #![proptest_config(ProptestConfig {
        cases: 10_000,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn damaged_certificates_are_read_as_the_oracle_does_or_refused(
        which in any::<prop::sample::Index>(),
        damages in prop::collection::vec(Damage::any(), 1..4),
    ) {
        let mut der = which.get(corpus()).der.clone();
        damages.into_iter().for_each(|damage| damage.apply(&mut der));
        check_damaged(&der);
    }

    #[test]
    fn noise_is_refused(noise in prop::collection::vec(any::<u8>(), 0..300)) {
        prop_assert!(certificate::read(&noise).is_err());
        let _ = certificate::read_name(&noise);
    }
}

/// Every bit of one certificate that has every part, and every length to cut it to.
#[test]
fn no_single_bit_and_no_cut_does_harm() {
    let sample = corpus()
        .iter()
        .find(|sample| sample.what == corpus::EVERYTHING);
    let der = &sample.unwrap().der;
    for at in 0..der.len() {
        assert!(certificate::read(&der[..at]).is_err(), "cut at {at}");
        for bit in 0..8 {
            let mut damaged = der.clone();
            damaged[at] ^= 1 << bit;
            check_damaged(&damaged);
        }
    }
}
