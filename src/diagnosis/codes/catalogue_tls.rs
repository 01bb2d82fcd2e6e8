//! The explanations of tls: encryption, and whether the broker is the right one. Texts only.

use crate::diagnosis::Entry;

pub(crate) const NOT_TLS: Entry = Entry {
    line: "what answers on this port does not speak TLS",
    more: "TLS encrypts the connection and proves who the broker is. The port answered with something else, or closed where a port without TLS does.",
    causes: &[
        "the port is the one without TLS: 1883 instead of 8883",
        "the port belongs to another service, such as a web server or SSH",
        "a proxy or a login page of the network answers in the broker's place",
    ],
    remedies: &[
        "use the broker's TLS port: `port = 8883` is the usual one",
        "look at the first bytes in the message: `HTTP` is a web server, `SSH` is SSH",
        "if the broker has no TLS port and is on this machine or network, set `tls = off`",
        "try another network, such as a phone's hotspot",
    ],
};

pub(crate) const CLOSED: Entry = Entry {
    line: "the broker hung up during the TLS handshake",
    more: "TLS begins with a handshake, in which both sides agree on the encryption. The other side ended it without saying why.",
    causes: &[
        "the name in `host` is not one that the server, or the proxy before it, knows",
        "the port is one without TLS",
        "a firewall that inspects traffic cut the connection",
        "the broker could not load its own certificate",
    ],
    remedies: &[
        "check `host`: it must be the very name that the broker's provider gave you",
        "check `port`: 8883 is usual with TLS",
        "read the broker's log, where the reason often stands: `journalctl -u mosquitto -e`",
    ],
};

pub(crate) const TIMEOUT: Entry = Entry {
    line: "the TLS handshake did not end in time",
    more: "The connection stands, but the messages that begin TLS were not answered.",
    causes: &[
        "the port is one without TLS, and its server waits for something else",
        "a firewall inspects TLS and holds the data",
        "the link is very slow, or large packets get lost on it (a VPN's MTU)",
    ],
    remedies: &[
        "check `port`: 8883 is usual with TLS",
        "try another network, such as a phone's hotspot",
        "give it more time: `--timeout 60s`",
    ],
};

pub(crate) const UNKNOWN_ISSUER: Entry = Entry {
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

pub(crate) const MISSING_INTERMEDIATE: Entry = Entry {
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

pub(crate) const SELF_SIGNED: Entry = Entry {
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

pub(crate) const PIN_MISMATCH: Entry = Entry {
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

pub(crate) const CA_AS_LEAF: Entry = Entry {
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

pub(crate) const EXPIRED: Entry = Entry {
    line: "the broker's certificate has expired",
    more: "Every certificate has a date on which it ends, and this one's, or that of a CA in its chain, is over by this machine's clock.",
    causes: &[
        "nobody renewed it, or automatic renewal failed",
        "it was renewed, but the broker was not reloaded and goes on with the old one",
        "this machine's clock runs ahead",
    ],
    remedies: &[
        "renew the certificate on the broker and reload it: `certbot renew`, then `systemctl reload mosquitto`",
        "look at the dates in the file: `openssl x509 -in server.crt -noout -dates`",
        "check this machine's clock with `date -u`, and set it if it is wrong: `timedatectl set-ntp true`",
    ],
};

pub(crate) const NOT_YET_VALID: Entry = Entry {
    line: "the broker's certificate is not valid yet",
    more: "Every certificate has a date on which it begins, and by this machine's clock that is still to come.",
    causes: &[
        "this machine's clock is slow, as on a board without a battery for it",
        "the clock of the machine that made the certificate was fast",
        "the certificate was put into place before its time",
    ],
    remedies: &[
        "check the clock with `date -u`, and set it if it is wrong: `timedatectl set-ntp true`",
        "if the clock is right, wait until the date, or have the certificate issued anew",
    ],
};

pub(crate) const CLOCK_WRONG: Entry = Entry {
    line: "this machine's clock is wrong, not the certificate",
    more: "Certificates hold between two dates, and the clock says a time that cannot be: one before this program was built, or one years after everything that the broker shows has ended.",
    causes: &[
        "a board without a battery for its clock, such as a Raspberry Pi, that has not asked for the time yet: it says 1970, or the time of its last shutdown",
        "time servers (NTP) cannot be reached from this network",
        "the clock was set by hand, to a wrong year",
    ],
    remedies: &[
        "let the system set it: `timedatectl set-ntp true`, and see with `timedatectl` whether it is synchronised",
        "or set it by hand, with the present time: `date -s '2026-01-31 12:00:00'`",
        "for a service that starts with the machine, add `After=time-sync.target`",
        "if `date -u` is right, the broker's certificate ended years ago: renew it",
    ],
};

pub(crate) const NAME_MISMATCH: Entry = Entry {
    line: "the certificate is for another name than `host`",
    more: "A certificate lists the names of the servers that it is for, and the name that was asked for is not among them. It can be the right broker under another name, or a wrong one.",
    causes: &[
        "`host` is an IP address, an alias or a short name, and the certificate has the full name",
        "the broker was moved to a new name and kept its old certificate",
        "the name is deeper than the certificate's `*` reaches: `*.example.com` is not for `a.b.example.com`",
        "another server answers at this address",
    ],
    remedies: &[
        "set `host` to a name that the certificate lists; the message shows them",
        "if that name has no address here, keep `host` and set `server_name` to the certificate's name",
        "or have the certificate issued for the name in `host` as well (subjectAltName)",
    ],
};

pub(crate) const NO_SAN: Entry = Entry {
    line: "the broker's certificate lists no host name",
    more: "Names belong into a part that is called subjectAltName, and this certificate has none. A name in the old field, the common name (CN), does not count any more; some older clients still accept it, so that the same broker works with them.",
    causes: &[
        "the certificate was made after an old guide: `openssl req` and `openssl x509` add no subjectAltName unless told to",
    ],
    remedies: &[
        "have it issued anew with the name: `-addext 'subjectAltName=DNS:broker.example.com'` for `openssl req -x509`, or in the file given by `-extfile` for `openssl x509 -req`",
        "for a broker that is called by its address: `subjectAltName=IP:192.0.2.1`",
        "see what is there: `openssl x509 -in server.crt -noout -ext subjectAltName`",
    ],
};

pub(crate) const V1_CERTIFICATE: Entry = Entry {
    line: "the certificate has an outdated form (version 1)",
    more: "Certificates of X.509 version 1 cannot list the names of servers. Version 3, of 1996, can, and is the only one that is accepted.",
    causes: &[
        "`openssl x509 -req` without `-extfile` makes version 1 (up to OpenSSL 3.3)",
        "ports 8883 and 8884 of test.mosquitto.org have one; port 8886 has a better one",
    ],
    remedies: &[
        "issue it anew with extensions, which makes it version 3: `printf 'subjectAltName=DNS:broker.example.com\\n' > ext.cnf`, then `openssl x509 -req … -extfile ext.cnf`",
        "see the version: `openssl x509 -in server.crt -noout -text | grep Version`",
    ],
};

pub(crate) const BAD_CERTIFICATE: Entry = Entry {
    line: "the broker's certificate cannot be accepted",
    more: "Something else is wrong with it, or with one of its chain: the signature does not fit, it is not meant for servers, it was revoked, or it cannot be read. The message has the TLS library's own words.",
    causes: &[
        "the CA was made anew under the same name, and `ca_file` still holds the old one (BadSignature)",
        "the certificate is meant for clients only (extended key usage without serverAuth)",
        "the certificate was signed with something outdated, such as SHA-1 or a short RSA key",
    ],
    remedies: &[
        "set `ca_file` to the CA certificate that is in use now",
        "have the broker's certificate issued anew: version 3, CA:FALSE, with the name as subjectAltName, for serverAuth, with SHA-256",
        "check it by hand: `openssl verify -CAfile ca.crt -purpose sslserver server.crt`",
    ],
};

pub(crate) const VERSION: Entry = Entry {
    line: "the broker speaks only old versions of TLS",
    more: "This client speaks TLS 1.2 and 1.3. Versions 1.0 and 1.1 are broken and were withdrawn (RFC 8996); the broker has nothing newer to offer.",
    causes: &[
        "the broker, or the system that it runs on, is very old",
        "its configuration allows an old version only (mosquitto: `tls_version tlsv1`)",
    ],
    remedies: &[
        "update the broker and its OpenSSL",
        "allow TLS 1.2 and newer there (mosquitto: `tls_version tlsv1.2`)",
    ],
};

pub(crate) const NO_COMMON_CIPHER: Entry = Entry {
    line: "broker and client share no kind of encryption",
    more: "Both sides list the algorithms that they know, and no combination suits both.",
    causes: &[
        "the broker's certificate has a key of a kind that is not supported here (P-521, DSA)",
        "the broker's configuration allows old or rare ciphers only",
        "the broker has no certificate at all, only pre-shared keys (PSK)",
    ],
    remedies: &[
        "give the broker a certificate with an RSA (2048 bits or more), P-256, P-384 or Ed25519 key",
        "allow ECDHE with AES-GCM or ChaCha20-Poly1305 in the broker's configuration (mosquitto: remove `ciphers`)",
    ],
};

pub(crate) const UNRECOGNISED_NAME: Entry = Entry {
    line: "the server does not know the name in `host`",
    more: "With its first TLS message a client names the server that it wants (SNI), since many can share one address. The other side says that no such server is there.",
    causes: &[
        "`host` is misspelt, or an alias of the name that the provider gave",
        "the broker in the cloud was deleted",
    ],
    remedies: &[
        "copy the host name once more from the broker's console",
        "look there whether the broker is running",
    ],
};

pub(crate) const NO_SNI: Entry = Entry {
    line: "the broker wants to be called by name (SNI)",
    more: "Many brokers can share one address, and the client tells with its first TLS message which one it wants (SNI). None was told, and the broker refused.",
    causes: &[
        "`host` is an IP address, and SNI carries names only",
        "`sni = off` is set",
    ],
    remedies: &[
        "set `host` to the broker's full name, as its provider shows it",
        "remove `sni = off`",
    ],
};

pub(crate) const ALPN: Entry = Entry {
    line: "the broker does not accept the protocol in `alpn`",
    more: "ALPN is a protocol name that the client sends with its first TLS message, so that one port can serve several protocols. The broker wants another one.",
    causes: &[
        "`alpn` is misspelt, or set for a broker that uses another name or none",
        "`alpn` is missing on a port that needs it, such as 443 of AWS IoT Core",
    ],
    remedies: &[
        "set `alpn` to what the broker's documentation asks for on this port",
        "AWS IoT Core on port 443: `alpn = x-amzn-mqtt-ca`",
        "on port 8883 most brokers need none: remove `alpn`",
    ],
};

pub(crate) const CLIENT_CERT_REQUIRED: Entry = Entry {
    line: "the broker demands a client certificate; none is set",
    more: "On this port the broker wants a certificate from its clients too, as an identity card, and refuses those that have none.",
    causes: &[
        "`cert_file` and `key_file` are not set",
        "the port is the one for clients with certificates, and another one takes user name and password",
    ],
    remedies: &[
        "set `cert_file` and `key_file` to the certificate and key that the broker's operator or console gave you",
        "if you have none, ask the operator for one, or for the port where a user name and password are enough",
    ],
};

pub(crate) const CLIENT_CERT_REJECTED: Entry = Entry {
    line: "the broker refuses our client certificate",
    more: "The certificate in `cert_file` was sent, and the broker did not accept it.",
    causes: &[
        "its issuer is not one that the broker trusts",
        "it has expired, or was revoked or never activated in the broker's console",
        "an intermediate CA issued it, and that CA's certificate is not sent along",
        "the broker's own clock is wrong",
    ],
    remedies: &[
        "look at it: `openssl x509 -in client.crt -noout -subject -issuer -dates`",
        "check in the broker's console that this certificate is known and active",
        "if an intermediate CA issued it: `cat client.crt intermediate.crt > chain.crt`, then `cert_file = chain.crt`",
        "on your own broker, let it trust the issuer (mosquitto: `cafile`), and read its log",
    ],
};

pub(crate) const ALERT: Entry = Entry {
    line: "the broker ended the TLS handshake with an alert",
    more: "TLS has a list of alerts by which one side tells the other why it stops. The message shows the one that came, with its meaning.",
    causes: &[
        "an error inside the broker, or in the proxy before it",
        "a device on the way that changes what passes through it",
    ],
    remedies: &[
        "read the broker's log at that time: `journalctl -u mosquitto -e`",
        "try another network, such as a phone's hotspot",
    ],
};
