//! The explanations of usage and configuration, where nothing was contacted. Texts only.

use crate::diagnosis::Entry;

pub(crate) const USAGE_INVALID: Entry = Entry {
    line: "the command line is not understood",
    more: "A flag or command is unknown, a value is missing, or something is left over. Nothing was read or contacted.",
    causes: &[
        "a slip in a flag or command: the nearest right one is named",
        "a value with spaces in it without quotes around it, so that its second word stands alone",
        "a flag of another MQTT program, such as `-h HOST` or `-p PORT`",
    ],
    remedies: &[
        "read the last line of the message, and `mqtt-test --help`",
        "put values with spaces in quotes: `-m \"hello world\"`",
        "give any key of the config file as `--set key=value`, such as `--set port=8883`",
    ],
};

pub(crate) const CONFIG_UNREADABLE: Entry = Entry {
    line: "the config file cannot be read",
    more: "It is missing, a folder, not readable for this user, larger than 1 MiB, or not UTF-8 text.",
    causes: &[
        "the name is misspelt, or the command was run in another folder",
        "the file belongs to another user",
        "an editor saved it in another encoding than UTF-8",
    ],
    remedies: &[
        "look which files are there: `ls -l *.conf`",
        "make a new one to fill in: `mqtt-test new hivemq > hivemq.conf` (or emqx, aws, mosquitto, local)",
        "if it belongs to another user, run the command as that user",
        "if it is not UTF-8: `iconv -f latin1 -t utf-8 old.conf > new.conf`",
    ],
};

pub(crate) const CONFIG_INVALID: Entry = Entry {
    line: "a setting is wrong, missing or contradictory",
    more: "Every wrong line of the config file is named at once, with what would be right. Settings from flags and URLs are judged in the same way.",
    causes: &[
        "a misspelt key, or a key set twice",
        "a value of the wrong form: a time without its unit (`15` for `15s`), quotes or a comment behind the value",
        "a placeholder `YOUR-…` that was not replaced yet",
        "keys that contradict each other, such as `ca_file` together with `tls = off`",
    ],
    remedies: &[
        "correct the named lines; the message says what is accepted",
        "write values without quotes, and comments on lines of their own that begin with `#`",
        "compare with a fresh file: `mqtt-test new mosquitto`",
    ],
};

pub(crate) const HOST_INVALID: Entry = Entry {
    line: "`host` is not a plain host name or IP address",
    more: "`host` takes the name alone. What else a web page shows around it, such as `mqtts://`, `:8883` or a path, has keys of its own.",
    causes: &[
        "a whole URL was copied into `host`",
        "the port stands behind the name",
        "spaces, quotes or a comma in the value",
    ],
    remedies: &[
        "write the name alone: `host = broker.example.com`",
        "put the port into `port = 8883`, and whether to encrypt into `tls = on` or `tls = off`",
        "or give the URL instead of a file: `mqtt-test mqtts://broker.example.com:8883`",
    ],
};

pub(crate) const PASSWORD_UNAVAILABLE: Entry = Entry {
    line: "the password is not where it should be",
    more: "The password is read from the variable that `password_env` names or from the first line of the file that `password_file` names, and there is none.",
    causes: &[
        "the variable is not set in this shell, or was set without `export`",
        "`sudo`, cron and systemd do not hand variables on by themselves",
        "the file is missing, empty, or not readable for this user; its path counts from the folder of the config file",
    ],
    remedies: &[
        "set the variable without leaving it in the shell's history: `read -rs MQTT_PASSWORD && export MQTT_PASSWORD`",
        "or put it on the first line of a file that only you can read: `(umask 077; cat > password.txt)`, then `password_file = password.txt`",
        "for a systemd service, use `EnvironmentFile=` or `LoadCredential=`",
    ],
};

pub(crate) const CA_FILE_INVALID: Entry = Entry {
    line: "`ca_file` holds no usable CA certificate",
    more: "A CA (certificate authority) vouches for a broker's certificate by signing it. `ca_file` names the file with the CA's own certificate, and what is there is missing, unreadable or something else.",
    causes: &[
        "the path is wrong: it counts from the folder of the config file",
        "the file holds a private key, or a web page that was saved in place of the certificate",
        "the file was cut off while it was copied",
    ],
    remedies: &[
        "look what it holds: `openssl x509 -in ca.crt -noout -subject -dates`",
        "download it once more; a PEM file begins with `-----BEGIN CERTIFICATE-----`",
        "remove `ca_file` if the broker has a public certificate, as the large clouds do",
    ],
};

pub(crate) const CLIENT_CERT_INVALID: Entry = Entry {
    line: "`cert_file` holds no usable certificate",
    more: "`cert_file` names the certificate by which this machine shows the broker who it is, and what is there is missing, unreadable or something else.",
    causes: &[
        "the path is wrong: it counts from the folder of the config file",
        "`cert_file` and `key_file` were taken for each other",
        "the file holds a signing request (CSR) instead of the certificate made from it",
    ],
    remedies: &[
        "look what it holds: `openssl x509 -in client.crt -noout -subject -dates`",
        "take the certificate that the broker's operator or console gave you",
    ],
};

pub(crate) const CLIENT_KEY_INVALID: Entry = Entry {
    line: "`key_file` holds no usable private key",
    more: "`key_file` names the private key that belongs to `cert_file`, and what is there is missing, unreadable or something else.",
    causes: &[
        "the path is wrong: it counts from the folder of the config file",
        "the file holds the public key or the certificate",
        "the key is of a kind that is not supported, such as DSA",
        "the file belongs to another user and is rightly closed to all others",
    ],
    remedies: &[
        "look what it holds: `openssl pkey -in client.key -noout -text | head -1`",
        "take the private key that was made together with the certificate",
        "if it belongs to another user, run the command as that user",
    ],
};

pub(crate) const CLIENT_KEY_ENCRYPTED: Entry = Entry {
    line: "the private key is protected by a passphrase",
    more: "The key in `key_file` cannot be used without its passphrase, and nobody is asked for one: a device that starts by itself has nobody to ask.",
    causes: &["the key was made with a passphrase, which many tools do unless told otherwise"],
    remedies: &[
        "make a copy without one that only you can read: `(umask 077; openssl pkey -in client.key -out client-plain.key)`",
        "name the copy in `key_file`, and keep it out of version control",
    ],
};

pub(crate) const CLIENT_KEY_MISMATCH: Entry = Entry {
    line: "client certificate and private key are not a pair",
    more: "A certificate works only together with the one key that it was made with, and the key in `key_file` is another one.",
    causes: &[
        "files of two devices were mixed up",
        "the certificate was renewed with a new key, and the old key is still in place",
        "an issuer's certificate stands first in `cert_file`, before the device's own",
    ],
    remedies: &[
        "compare the two: `openssl x509 -in client.crt -noout -pubkey` and `openssl pkey -in client.key -pubout` must print the same",
        "take the key and the certificate that were made together",
        "in `cert_file`, put the device's own certificate first",
    ],
};

pub(crate) const NO_TRUST_ROOTS: Entry = Entry {
    line: "this machine has no CA certificates to verify with",
    more: "To know that a broker is the right one, this machine needs the certificates of those it trusts (CAs). Its own collection is empty, and `ca_file` is not set.",
    causes: &[
        "a small system or container (Alpine, Buildroot, Docker) without the package `ca-certificates`",
        "the variable SSL_CERT_FILE or SSL_CERT_DIR names something that does not exist",
    ],
    remedies: &[
        "install the package: `apt install ca-certificates` or `apk add ca-certificates`",
        "if one of the two variables is set, correct it or `unset` it",
        "or set `ca_file` to the certificate of the broker's CA",
    ],
};

pub(crate) const QOS_UNSUPPORTED: Entry = Entry {
    line: "this broker has no QoS 2",
    more: "QoS (quality of service) says how surely a message arrives: 0 at most once, 1 at least once, 2 exactly once. AWS IoT Core has 0 and 1 only, and never answers a message of QoS 2.",
    causes: &["`qos = 2` or `will_qos = 2` with a host of AWS IoT Core"],
    remedies: &["set `qos = 1`, and `will_qos = 1` if there is a last will"],
};

pub(crate) const ALPN_REQUIRED: Entry = Entry {
    line: "port 443 of AWS IoT Core needs `alpn`",
    more: "AWS IoT Core serves web requests and MQTT on port 443 and tells them apart by ALPN, a protocol name that the client sends with its first TLS message. None is set.",
    causes: &["`port = 443` with a host of AWS IoT Core, without `alpn`"],
    remedies: &[
        "add `alpn = x-amzn-mqtt-ca`",
        "or use `port = 8883`, which needs none, if the network lets it through",
    ],
};
