//! The codes of whom a certificate comes from: its issuer, the pin, a CA in the broker's place.

use crate::config::Key;
use crate::diagnosis::chain::{Evidence, sign};
use crate::diagnosis::code::Kind;
use crate::diagnosis::{Code, Diagnosis, origin};
use crate::failure::Stage;
use crate::x509::{Certificate, certificate};

/// The codes of this layer, in the order of `mqtt-test explain`.
pub(crate) static CODES: &[&Code] = &[
    &UNKNOWN_ISSUER,
    &MISSING_INTERMEDIATE,
    &SELF_SIGNED,
    &PIN_MISMATCH,
    &CA_AS_LEAF,
];

/// No trusted CA has issued the chain.
pub(crate) fn unknown(shown: &Evidence<'_>) -> Diagnosis {
    let leaf = |test: fn(&Certificate) -> bool| shown.chain.leaf().is_some_and(test);
    if leaf(|leaf| leaf.is_ca) {
        ca_as_leaf(shown)
    } else if leaf(|leaf| leaf.self_issued) {
        self_signed(shown)
    } else if lacks_intermediate(shown) {
        missing_intermediate(shown)
    } else {
        unknown_issuer(shown)
    }
}

/// The leaf came alone, and something says that an issuer in between exists.
fn lacks_intermediate(shown: &Evidence<'_>) -> bool {
    let chain = shown.chain;
    // Where `ca_file` has ended, its organisation may have a new root.
    let of_trusted = chain.facts.issuer_organisation_trusted && shown.ended_ca_file().is_none();
    chain.facts.chain.len() == 1 && (of_trusted || chain.leaf().is_some_and(|leaf| leaf.has_aia))
}

pub(crate) static UNKNOWN_ISSUER: Code = Code {
    name: "tls-unknown-issuer",
    kind: Kind::Failure {
        stage: Stage::Tls,
        retry: false,
    },
    line: "the certificate is from an issuer not trusted here",
    more: "A broker shows a certificate, signed by an authority (CA). This machine trusts a list of CAs, and the signer is not among them.",
    causes: &[
        "the broker has a certificate of a company's own or a home-made CA, and `ca_file` is not set",
        "`ca_file` names another CA than the one that signed",
        "this machine's list of public CAs is old",
        "a proxy that inspects TLS shows a certificate of its own",
    ],
    remedies: &[
        "get the CA's certificate from the broker's operator and set `ca_file = ca.crt`",
        "for a public CA, bring this machine's list up to date: `apt install ca-certificates`",
        "see what is presented: `mqtt-test CONFIG --verbose`, and compare the issuer with `openssl x509 -in ca.crt -noout -subject`",
    ],
};

fn unknown_issuer(shown: &Evidence<'_>) -> Diagnosis {
    let issuer = shown.chain.top_issuer();
    let lone = shown.chain.facts.chain.len() == 1;
    let ended = shown.ended_ca_file();
    Diagnosis::new(&UNKNOWN_ISSUER, "the broker's certificate was issued by a CA that this machine does not trust")
        .notes(shown.chain.lines_to_top(&format!("not trusted: no trusted CA is named `{issuer}` and has signed it")))
        .note(shown.chain.trusted())
        .notes(ended.map(|ended| shown.holds(ended)))
        .helps(ended.map(|_| fetch(shown, &issuer)))
        .help_if(ended.is_none(), match shown.config.is_set(Key::CaFile) {
            true => format!("if `{issuer}` is your own or your broker's CA, set {} to its certificate: the present one is another's", origin(shown.config, Key::CaFile)),
            false => format!("if `{issuer}` is your own or your broker's CA, get its certificate from the broker's operator and set `ca_file` to it"),
        })
        .help_if(lone, "if it is an intermediate CA of a public one, the broker must send that CA's certificate after its own")
        .help_if(!shown.system_roots(), format!("if it is a public CA, remove {}", origin(shown.config, Key::SystemRoots)))
        .help_if(shown.system_roots(), "if it is a public CA, update this machine's certificates (Debian: `apt-get install ca-certificates`)")
}

/// What to do about a `ca_file` that has ended.
pub(crate) fn fetch(shown: &Evidence<'_>, root: &str) -> String {
    let file = origin(shown.config, Key::CaFile);
    format!(
        "the certificate in {file} has expired: if `{root}` is your broker's CA now, get its certificate from the operator or from the CA itself, and set `ca_file` to it"
    )
}

pub(crate) static MISSING_INTERMEDIATE: Code = Code {
    name: "tls-missing-intermediate",
    kind: Kind::Failure {
        stage: Stage::Tls,
        retry: false,
    },
    line: "the broker does not send an intermediate certificate",
    more: "Between a broker's certificate and a trusted CA there is often one more, the intermediate, and the broker must send it along. It sends its own alone, so the way to the trusted CA cannot be found. Web browsers hide this fault by fetching what is missing.",
    causes: &[
        "the broker's certificate file holds its own certificate only (`cert.pem` instead of `fullchain.pem`)",
    ],
    remedies: &[
        "on the broker, use the file with the whole chain; with Let's Encrypt that is `fullchain.pem`",
        "or append the intermediate: `cat intermediate.crt >> server.crt`, and reload the broker: `systemctl reload mosquitto`",
        "until then, put the intermediate into a file of your own and set `ca_file` to it",
    ],
};

fn missing_intermediate(shown: &Evidence<'_>) -> Diagnosis {
    let issuer = shown.chain.top_issuer();
    let url = shown.chain.leaf().and_then(|leaf| leaf.ca_issuers.first());
    let words = Diagnosis::new(&MISSING_INTERMEDIATE, "the broker does not send the intermediate certificate")
        .notes(shown.chain.lines_to_top(&format!("its issuer `{issuer}` was neither sent nor is it trusted")))
        .note(shown.chain.trusted())
        .notes(shown.ended_ca_file().map(|ended| shown.holds(ended)))
        .help(format!("append the certificate of `{issuer}` to the broker's certificate file, after its own, and reload it (Let's Encrypt: use `fullchain.pem`)"));
    let words = match url {
        Some(url) => words
            .help(format!("the broker's certificate says that it can be had from {url}"))
            .help("if that is no PEM text: `openssl x509 -inform der -in intermediate.der -out intermediate.pem`"),
        None => words,
    };
    words.help(match shown.config.is_set(Key::CaFile) {
        true => format!(
            "until then, append that certificate (PEM) to the file of {}",
            origin(shown.config, Key::CaFile)
        ),
        false => {
            "until then, save that certificate (PEM) as a file of your own and set `ca_file` to it"
                .to_owned()
        }
    })
    .helps(shown.ended_ca_file().map(|_| format!("get the root's present certificate, too: the one in {} has expired", origin(shown.config, Key::CaFile))))
}

pub(crate) static SELF_SIGNED: Code = Code {
    name: "tls-self-signed",
    kind: Kind::Failure {
        stage: Stage::Tls,
        retry: false,
    },
    line: "the broker's certificate is signed by itself",
    more: "Nobody vouches for it but itself, so this machine must be told to trust this very certificate.",
    causes: &[
        "the certificate was made with `openssl req -x509`, as for a first try",
        "a device or router uses the certificate that it made for itself",
    ],
    remedies: &[
        "get the certificate from the broker's operator, over a way that you trust, and set `ca_file = server.crt`",
        "or trust it by its fingerprint, once the operator has confirmed it: `pin_sha256 = …`",
        "better for several brokers: make a CA of your own, let it sign, and set `ca_file` to it",
    ],
};

fn self_signed(shown: &Evidence<'_>) -> Diagnosis {
    let pin = shown.chain.fingerprint(0);
    Diagnosis::new(&SELF_SIGNED,
        "the broker's certificate is self-signed, and this machine does not trust it",
    )
    .notes(shown.chain.lines(0, "signed by itself, and not trusted"))
    .note(format!("SHA-256: {pin}"))
    .note(shown.chain.trusted())
    .help("get this certificate from the broker's operator and set `ca_file` to it")
    .help(format!(
        "or, if the operator confirms the fingerprint: `pin_sha256 = {pin}`"
    ))
    .help("the operator sees it with `openssl x509 -in server.crt -noout -fingerprint -sha256`, on the broker's own certificate file")
}

pub(crate) static PIN_MISMATCH: Code = Code {
    name: "tls-pin-mismatch",
    kind: Kind::Failure {
        stage: Stage::Tls,
        retry: false,
    },
    line: "the certificate is not the one that was pinned",
    more: "`pin_sha256` is the fingerprint of the only certificate to trust, and the broker shows another one.",
    causes: &[
        "the broker got a new certificate",
        "the fingerprint was copied wrongly, or is that of the CA",
        "something else answers in the broker's place",
    ],
    remedies: &[
        "ask the broker's operator for the fingerprint: `openssl x509 -in server.crt -noout -fingerprint -sha256`",
        "if it is the new one, set `pin_sha256` to it",
        "if nobody renewed the certificate, send no password there, and find out who answers",
    ],
};

pub(crate) fn pin_mismatch(shown: &Evidence<'_>, expected: &[u8; 32]) -> Diagnosis {
    let expected = certificate::fingerprint(expected);
    Diagnosis::new(&PIN_MISMATCH, "the broker's certificate is not the one that is pinned")
        .note(format!("SHA-256 expected: {expected} ({})", origin(shown.config, Key::PinSha256)))
        .note(format!("SHA-256 found:    {}", shown.chain.fingerprint(0)))
        .notes(shown.chain.lines(0, "another fingerprint"))
        .help("if the broker got a new certificate, have its operator confirm the fingerprint found, then set `pin_sha256` to it")
        .help("if nobody renewed it, something else answers in the broker's place: do not send it a password")
}

pub(crate) static CA_AS_LEAF: Code = Code {
    name: "tls-ca-as-leaf",
    kind: Kind::Failure {
        stage: Stage::Tls,
        retry: false,
    },
    line: "the broker shows a CA certificate as its own",
    more: "A CA certificate (marked CA:TRUE) is for signing others. A server needs a certificate of its own, marked CA:FALSE. Clients built on OpenSSL may let it pass; this one, like many others, does not, whether the CA is trusted or not.",
    causes: &[
        "the certificate was made with `openssl req -x509`, which marks it as a CA unless told otherwise",
        "the CA's files were put into the broker's configuration in place of the server's",
    ],
    remedies: &[
        "keep the present certificate as the CA, and make one for the broker: `openssl req -new -newkey rsa:2048 -nodes -keyout server.key -subj /CN=broker.example.com -out server.csr`",
        "sign it: `printf 'basicConstraints=CA:FALSE\\nsubjectAltName=DNS:broker.example.com\\n' > ext.cnf; openssl x509 -req -in server.csr -CA ca.crt -CAkey ca.key -CAcreateserial -days 365 -extfile ext.cnf -out server.crt`",
        "set `ca_file` to the CA certificate on this machine",
    ],
};

pub(crate) fn ca_as_leaf(shown: &Evidence<'_>) -> Diagnosis {
    let (name, kind) = shown.wanted();
    Diagnosis::new(&CA_AS_LEAF, "the broker uses a CA certificate as its server certificate")
        .notes(shown.chain.lines(0, "marked as a CA (CA:TRUE)"))
        .note("rustls refuses that (RFC 5280 §4.2.1.9); OpenSSL-based clients may accept it")
        .help(match shown.chain.leaf() {
            Some(leaf) if !leaf.self_issued => format!("have `{}` issue one for the broker that is no CA; if that is your own CA (`ca.crt`, `ca.key`):", leaf.issuer.short()),
            _ => "keep that certificate as the CA (`ca.crt`, `ca.key`), set `ca_file` to it, and sign one for the broker with it:".to_owned(),
        })
        .help(format!("`openssl req -new -newkey rsa:2048 -nodes -keyout server.key -subj /CN={name} -out server.csr`"))
        .help(format!("`printf 'basicConstraints=CA:FALSE\nsubjectAltName={kind}:{name}\n' > ext.cnf`"))
        .help(sign())
        .help("then give `server.crt` and `server.key` to the broker and reload it")
}
