//! Random facts of a handshake, for what must hold of the words whatever was seen. Tests only.

use proptest::prelude::*;

use crate::failure::{Named, TlsFacts};
use crate::testing::{facts, intermediate, leaf, presented};
use crate::x509::Certificate;

fn any_certificate() -> impl Strategy<Value = Certificate> {
    let flags = prop::array::uniform5(any::<bool>());
    let text = "[^`\\p{C}]{1,20}";
    (1..=3_u8, any::<i64>(), any::<i64>(), flags, text, text).prop_map(
        |(version, not_before, not_after, flags, holder, issuer)| {
            let mut certificate = leaf();
            let [self_issued, has_san, is_ca, has_aia, named] = flags;
            certificate.version = version;
            certificate.not_before = not_before;
            certificate.not_after = not_after;
            certificate.self_issued = self_issued;
            certificate.has_san = has_san;
            certificate.is_ca = is_ca;
            certificate.has_aia = has_aia;
            certificate.names = if named && has_san {
                vec![holder.clone()]
            } else {
                vec![]
            };
            certificate.subject.attributes = vec![("CN".to_owned(), holder)];
            certificate.issuer.attributes = vec![("O".to_owned(), issuer)];
            certificate
        },
    )
}

prop_compose! {
    /// Any combination of what was seen, likely or not.
    pub(crate) fn any_facts()(
        flags in prop::array::uniform6(any::<bool>()),
        mut chain in prop::collection::vec(any_certificate(), 0..4),
        unreadable in any::<bool>(),
        first_bytes in prop::collection::vec(any::<u8>(), 0..64),
        tls_like in any::<bool>(),
        alpn in prop::collection::vec("[a-z]{1,8}", 0..3),
        issuers in prop::collection::vec("[^`\\p{C}]{1,20}", 0..8),
    ) -> TlsFacts {
        let [sni, requested, sent, plain, known, pinned] = flags;
        if let Some(last) = chain.last_mut() {
            last.issuer = intermediate().issuer;
        }
        let mut facts = facts(vec![]);
        facts.chain = chain.into_iter().map(presented).collect();
        if let (Some(last), true) = (facts.chain.last_mut(), unreadable) {
            last.certificate = None;
        }
        if !sni {
            facts.sni = None;
            let name = "h.example".to_owned();
            facts.named = known.then_some(Named { name, same: sent });
        }
        facts.client_cert_requested = requested;
        facts.client_cert_sent = requested && sent;
        facts.client_certificate = sent.then(leaf);
        facts.client_cert_issuers = issuers;
        facts.answers_plain_mqtt = plain;
        facts.issuer_organisation_trusted = known;
        facts.pinned = pinned;
        facts.offered_alpn = alpn;
        facts.first_bytes = if tls_like { b"\x16\x03\x03\0\x02ab".to_vec() } else { first_bytes };
        facts
    }
}
