//! The stage tls, as far as the broker's certificate goes: every fault that one can have, with the
//! evidence that the words must hold, and the remedy that they name.

use rcgen::{
    BasicConstraints, CertificateParams, CustomExtension, GeneralSubtree, IsCa, NameConstraints,
};
use serde_json::json;

use crate::certs::{Authority, Leaf};
use crate::certs_openssl as forms;
use crate::lab::Lab;
use crate::mosquitto::{mosquitto, with_certificate};
use crate::openssl::s_server;
use crate::provoke::{Provoked, provoke, tls_config, trusting_lab};
use crate::run::Run;

/// Provokes `code` with a broker that has this certificate of the trusted root.
#[track_caller]
fn check_certificate(code: &str, leaf: impl FnOnce(Leaf<'_>) -> Leaf<'_>) -> Provoked {
    let (lab, root) = trusting_lab();
    let broker = with_certificate(&lab, leaf(root.server(&["localhost"])));
    provoke(&lab, tls_config(broker.port, "")).fails(code)
}

#[test]
fn tls_unknown_issuer() {
    let (lab, _) = trusting_lab();
    let other = Authority::root("Other Root");
    let broker = with_certificate(&lab, other.server(&["localhost"]));
    let found = provoke(&lab, tls_config(broker.port, "")).fails("tls-unknown-issuer");
    found.says(&["Other Root", "ca.pem"]);
    let chain = &found.stage("tls")["chain"];
    assert_eq!(chain[0]["names"], json!(["localhost"]));
    assert!(chain[0]["issuer"].to_string().contains("Other Root"));
    let sha256 = chain[0]["sha256"].as_str().unwrap().replace(':', "");
    let openssl = forms::fingerprint(&lab, "server.pem").replace(':', "");
    assert_eq!(sha256.to_lowercase(), openssl.to_lowercase());
}

#[test]
fn tls_unknown_issuer_names_the_top_of_a_longer_chain() {
    let (lab, _) = trusting_lab();
    let other = Authority::root("Other Root").intermediate("Other Intermediate");
    let broker = with_certificate(&lab, other.server(&["localhost"]));
    let found = provoke(&lab, tls_config(broker.port, ""))
        .variant("chain")
        .fails("tls-unknown-issuer");
    found.says(&["Other Root", "Other Intermediate"]);
}

#[test]
fn tls_missing_intermediate() {
    let (lab, root) = trusting_lab();
    let intermediate = root.intermediate("Test Intermediate");
    let server = intermediate.server(&["localhost"]).with_aia().issue();
    let broker = mosquitto(&lab)
        .tls(&server.alone().write(&lab, "server"))
        .start();
    let found = provoke(&lab, tls_config(broker.port, "")).fails("tls-missing-intermediate");
    found.says(&["Test Intermediate"]);
    // The workaround that the help names.
    lab.write("ca.pem", root.pem() + &intermediate.pem());
    provoke(&lab, tls_config(broker.port, "")).passes();
}

/// The organisation of the issuer is that of a trusted root: there must be one in between.
#[test]
fn tls_missing_intermediate_of_a_trusted_organisation() {
    let (lab, root) = trusting_lab();
    let server = root
        .intermediate("Test Intermediate")
        .server(&["localhost"])
        .issue();
    let broker = mosquitto(&lab)
        .tls(&server.alone().write(&lab, "server"))
        .start();
    provoke(&lab, tls_config(broker.port, ""))
        .variant("organisation")
        .fails("tls-missing-intermediate");
}

#[test]
fn tls_self_signed() {
    let (lab, _) = trusting_lab();
    let broker = with_certificate(&lab, Leaf::self_signed(&["localhost"]));
    let found = provoke(&lab, tls_config(broker.port, "")).fails("tls-self-signed");
    let sha256 = forms::fingerprint(&lab, "server.pem");
    let words = found.human.all().to_uppercase();
    let shown = words.contains(&sha256) || words.contains(&sha256.replace(':', ""));
    assert!(shown, "no {sha256} in:\n{}", found.human);
    // The remedies that the help names.
    provoke(&lab, tls_config(broker.port, "ca_file = server.pem\n")).passes();
    provoke(
        &lab,
        tls_config(broker.port, &format!("pin_sha256 = {sha256}\n")),
    )
    .passes();
}

#[test]
fn tls_pin_mismatch() {
    let (lab, root) = trusting_lab();
    let broker = with_certificate(&lab, root.server(&["localhost"]));
    let pin = "ab".repeat(32);
    let found = provoke(
        &lab,
        tls_config(broker.port, &format!("pin_sha256 = {pin}\n")),
    )
    .fails("tls-pin-mismatch");
    let words = found.human.all().replace(':', "").to_lowercase();
    let found = forms::fingerprint(&lab, "server.pem")
        .replace(':', "")
        .to_lowercase();
    assert!(
        words.contains(&pin) && words.contains(&found),
        "both fingerprints"
    );
}

#[test]
fn tls_ca_as_leaf() {
    check_certificate("tls-ca-as-leaf", |leaf| leaf.ca_true());
}

#[test]
fn tls_ca_as_leaf_even_if_it_is_trusted_itself() {
    let (lab, _) = trusting_lab();
    let broker = with_certificate(&lab, Leaf::self_signed(&["localhost"]).ca_true());
    provoke(&lab, tls_config(broker.port, "ca_file = server.pem\n"))
        .variant("trusted")
        .fails("tls-ca-as-leaf");
}

#[test]
fn tls_expired() {
    check_certificate("tls-expired", |leaf| leaf.expired()).says(&["days ago", "clock"]);
}

#[test]
fn tls_expired_intermediate() {
    let (lab, root) = trusting_lab();
    let intermediate = root.intermediate_valid("Test Intermediate", -90, -7);
    let broker = with_certificate(&lab, intermediate.server(&["localhost"]));
    let found = provoke(&lab, tls_config(broker.port, ""))
        .variant("intermediate")
        .fails("tls-expired");
    found.says(&["Test Intermediate"]);
}

/// A lab whose `ca_file` is that of a root which has ended.
fn lab_with_old_root() -> (Lab, Authority) {
    let lab = Lab::new();
    let old = Authority::root_valid("Old Root", -3000, -30);
    lab.write("ca.pem", old.pem());
    (lab, old)
}

/// rustls does not look at the dates of a trusted CA; OpenSSL does.
#[test]
fn a_ca_file_that_has_ended_is_a_warning() {
    let (lab, old) = lab_with_old_root();
    let broker = with_certificate(&lab, old.server(&["localhost"]));
    let config = tls_config(broker.port, "");
    let found = provoke(&lab, config.clone())
        .variant("warning.ca-expired")
        .passes();
    found
        .warns("ca-expired")
        .says(&["`Old Root`", ", 30 days ago"]);
    provoke(&lab, config).streams_warn("ca-expired");
    let openssl = std::process::Command::new("openssl")
        .args(["verify", "-CAfile", "ca.pem", "server.pem"])
        .current_dir(lab.dir())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&openssl.stderr);
    assert!(said.contains("certificate has expired"), "{said}");

    // What is not relied on does not matter, nor does one beside its successor.
    let stranger = Authority::root_valid("Other Root", -3000, -30);
    let root = Authority::root("Test Root");
    lab.write("ca.pem", stranger.pem() + &root.pem());
    let broker = with_certificate(&lab, root.server(&["localhost"]));
    provoke(&lab, tls_config(broker.port, ""))
        .passes()
        .warns_of_nothing();
    let heir = Authority::root("Old Root");
    lab.write("ca.pem", old.pem() + &heir.pem());
    let broker = with_certificate(&lab, heir.server(&["localhost"]));
    provoke(&lab, tls_config(broker.port, ""))
        .passes()
        .warns_of_nothing();
}

/// The broker's chain goes back to a newer root by now.
#[test]
fn a_ca_file_that_has_ended_is_blamed() {
    let (lab, _) = lab_with_old_root();
    let chain = Authority::root("New Root").intermediate("New Intermediate");
    let broker = with_certificate(&lab, chain.server(&["localhost"]));
    provoke(&lab, tls_config(broker.port, ""))
        .variant("ca-expired")
        .fails("tls-unknown-issuer")
        .says(&["line 4 has expired: if `O=New Root, CN=New Root` is"]);
}

/// The organisation is the same, and that does not make the new root an intermediate.
#[test]
fn a_ca_file_that_ended_is_blamed_for_its_successor() {
    let (lab, old) = lab_with_old_root();
    let new = old.intermediate("New Root");
    let server = new.server(&["localhost"]).issue().alone();
    let broker = mosquitto(&lab).tls(&server.write(&lab, "server")).start();
    provoke(&lab, tls_config(broker.port, ""))
        .variant("ca-expired-leaf-alone")
        .fails("tls-unknown-issuer")
        .says(&["line 4 has expired: if"]);
}

/// The same through a cross-signed certificate: Let's Encrypt's of `DST Root CA X3`.
#[test]
fn a_ca_file_that_ended_with_what_it_signed_is_blamed() {
    let (lab, old) = lab_with_old_root();
    let cross = old.intermediate_valid("New Root", -2000, -30);
    let chain = cross.intermediate("New Intermediate");
    let broker = with_certificate(&lab, chain.server(&["localhost"]));
    let found = provoke(&lab, tls_config(broker.port, ""))
        .variant("ca-file")
        .fails("tls-expired");
    found.says(&[
        "the CA certificate in `ca_file` has expired",
        "if `New Root` is your broker's CA now",
    ]);
}

/// Its successor has the same name.
#[test]
fn a_ca_file_that_ended_before_its_namesake_is_blamed() {
    let (lab, _) = lab_with_old_root();
    let namesake = Authority::root("Old Root");
    let broker = with_certificate(&lab, namesake.server(&["localhost"]));
    provoke(&lab, tls_config(broker.port, ""))
        .variant("ca-expired")
        .fails("tls-bad-certificate")
        .says(&["holds `Old Root`, valid until"]);
}

#[test]
fn tls_not_yet_valid() {
    check_certificate("tls-not-yet-valid", |leaf| leaf.not_yet_valid()).says(&["clock"]);
}

#[test]
fn tls_name_mismatch() {
    let (lab, root) = trusting_lab();
    let broker = with_certificate(&lab, root.server(&["broker.example", "*.mqtt.example"]));
    let found = provoke(&lab, tls_config(broker.port, "")).fails("tls-name-mismatch");
    found.says(&["localhost", "broker.example", "*.mqtt.example"]);
    // The remedy, if it is the right broker.
    provoke(
        &lab,
        tls_config(broker.port, "server_name = broker.example\n"),
    )
    .passes();
}

#[test]
fn tls_name_mismatch_of_an_address() {
    let (lab, root) = trusting_lab();
    let broker = with_certificate(&lab, root.server(&["broker.example"]));
    let found = provoke(&lab, tls_config(broker.port, "host = 127.0.0.1\n"))
        .variant("address")
        .fails("tls-name-mismatch");
    found.says(&["127.0.0.1", "server_name"]);
}

#[test]
fn tls_no_san() {
    check_certificate("tls-no-san", |leaf| leaf.without_san()).says(&["subjectAltName"]);
}

#[test]
fn tls_v1_certificate() {
    let (lab, root) = trusting_lab();
    let server = forms::version_1_certificate(&lab, &root, "localhost");
    let broker = mosquitto(&lab).tls(&server).start();
    provoke(&lab, tls_config(broker.port, "")).fails("tls-v1-certificate");
}

/// A certificate whose signature is not of the issuer that it names.
#[test]
fn tls_bad_certificate() {
    let (lab, _) = trusting_lab();
    let namesake = Authority::root("Test Root");
    let broker = with_certificate(&lab, namesake.server(&["localhost"]));
    provoke(&lab, tls_config(broker.port, "")).fails("tls-bad-certificate");
}

/// A certificate that its CA issued for clients.
#[test]
fn tls_bad_certificate_for_another_purpose() {
    let (lab, root) = trusting_lab();
    let broker = with_certificate(&lab, root.server(&["localhost"]).for_clients());
    let found = provoke(&lab, tls_config(broker.port, ""))
        .variant("purpose")
        .fails("tls-bad-certificate");
    found.says(&["serverAuth"]);
}

/// The fault of a CA is not the broker's: `say` stands in the words, and no advice to have the leaf
/// issued anew.
#[track_caller]
fn check_ca(variant: &str, say: &str, fault: impl FnOnce(&mut CertificateParams)) {
    let (lab, root) = trusting_lab();
    let upper = root.intermediate_with("Upper CA", fault);
    let lower = upper.intermediate("Lower CA");
    let broker = with_certificate(&lab, lower.server(&["localhost"]));
    let found = provoke(&lab, tls_config(broker.port, ""))
        .variant(variant)
        .fails("tls-bad-certificate");
    found.says(&["Upper CA", say]);
    let words = found.human.all();
    assert!(!words.contains("of `localhost` issued anew"), "{words}");
}

#[test]
fn a_ca_with_a_fault_is_blamed() {
    check_ca("ca-not-marked", "is no CA", |params| {
        params.is_ca = IsCa::ExplicitNoCa;
    });
    check_ca(
        "ca-path-length",
        "allows so many below it: 0; found: 1",
        |params| {
            params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        },
    );
    check_ca("ca-name-constraints", "nameConstraints", |params| {
        let permitted = vec![GeneralSubtree::DnsName("other.example".to_owned())];
        params.name_constraints = Some(NameConstraints {
            permitted_subtrees: permitted,
            excluded_subtrees: Vec::new(),
        });
    });
    check_ca("ca-critical-extension", "policyConstraints", |params| {
        let content = vec![0x30, 3, 0x80, 1, 0];
        let mut extension = CustomExtension::from_oid_content(&[2, 5, 29, 36], content);
        extension.set_criticality(true);
        params.custom_extensions = vec![extension];
    });
}

/// What OpenSSL takes at its lowest level of security, and rustls at none.
#[test]
fn tls_weak_key() {
    for (variant, key, root_key, digest) in [
        ("leaf", "rsa:1024", "rsa:2048", "-sha256"),
        ("ca", "rsa:2048", "rsa:1024", "-sha256"),
        ("sha1", "rsa:2048", "rsa:2048", "-sha1"),
    ] {
        let lab = Lab::new();
        let server = forms::made(&lab, "localhost", key, root_key, digest);
        let peer = s_server(&lab, &server, &["-cipher", "DEFAULT@SECLEVEL=0"]);
        provoke(&lab, tls_config(peer.port, ""))
            .variant(variant)
            .fails("tls-weak-key");
    }
}

/// The root is in `ca_file` alone, as it mostly is.
#[test]
fn tls_weak_key_in_ca_file() {
    let lab = Lab::new();
    let server = forms::made(&lab, "localhost", "rsa:2048", "rsa:1024", "-sha256");
    std::fs::copy(lab.path("leaf.pem"), lab.path(&server.cert)).unwrap();
    let peer = s_server(&lab, &server, &["-cipher", "DEFAULT@SECLEVEL=0"]);
    provoke(&lab, tls_config(peer.port, ""))
        .variant("ca-file")
        .fails("tls-weak-key")
        .says(&["the CA certificate in `ca_file`", "RSA 1024"]);
}

/// Curves that rustls with ring does not know, by their names.
#[test]
fn a_signature_of_an_unknown_kind_is_named() {
    for (variant, curve, digest, say) in [
        (
            "p-521",
            "secp521r1",
            "-sha512",
            "SHA512 with ECDSA, by `Made Root`, whose key is EC P-521",
        ),
        (
            "brainpool",
            "brainpoolP256r1",
            "-sha256",
            "whose key is EC brainpoolP256r1",
        ),
    ] {
        let lab = Lab::new();
        let how = ["ecparam", "-name", curve, "-out", "curve.pem"];
        forms::openssl(&lab, &how);
        let server = forms::made(&lab, "localhost", "rsa:2048", "ec:curve.pem", digest);
        let peer = s_server(&lab, &server, &["-cipher", "DEFAULT@SECLEVEL=0"]);
        provoke(&lab, tls_config(peer.port, ""))
            .variant(variant)
            .fails("tls-bad-certificate")
            .says(&[say]);
    }
}

/// Every certificate presented is there with its fingerprint, for those who want to see.
#[test]
fn verbose_and_json_have_the_whole_chain() {
    let (lab, root) = trusting_lab();
    let chain = root.intermediate("Test Intermediate");
    let broker = with_certificate(&lab, chain.server(&["localhost", "127.0.0.1"]));
    let config = tls_config(broker.port, "host = localhost\n");
    let found = provoke(&lab, config.clone()).passes();
    let verbose = Run::check(&lab, &config).arg("--verbose").go();
    let presented = found.stage("tls")["chain"].as_array().unwrap();
    assert_eq!(presented.len(), 2);
    for certificate in presented {
        let sha256 = certificate["sha256"].as_str().unwrap();
        assert!(
            verbose.stdout.contains(sha256),
            "no {sha256} in:\n{verbose}"
        );
        let subject = certificate["subject"].as_str().unwrap();
        assert!(
            verbose.stdout.contains(subject),
            "no {subject} in:\n{verbose}"
        );
    }
    assert_eq!(
        presented[0]["sha256"],
        forms::fingerprint(&lab, "server.pem")
    );
    assert!(
        verbose.stdout.contains("names localhost, 127.0.0.1"),
        "{verbose}"
    );
    // 90 days less the moment that has passed, where one has.
    let distance = [", in 89 days", ", in 90 days"].map(|text| verbose.stdout.contains(text));
    assert!(distance.contains(&true), "{verbose}");
}

/// Certificates, once trusted, may still say something worth knowing.
#[test]
fn a_certificate_that_ends_soon_is_a_warning() {
    let (lab, root) = trusting_lab();
    let broker = with_certificate(&lab, root.server(&["localhost"]).valid(-80, 10));
    let found = provoke(&lab, tls_config(broker.port, ""))
        .variant("warning.cert-expires-soon")
        .passes();
    found.warns("cert-expires-soon");
    provoke(&lab, tls_config(broker.port, "")).streams_warn("cert-expires-soon");
}
