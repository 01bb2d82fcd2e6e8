//! The extensions of a certificate that a diagnosis needs (RFC 5280 §4.2). The others are only
//! skipped, and a critical one among them is named: it is for rustls to refuse.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::x509::der::{
    DerError, Element, ParseError, Reader, context, context_primitive, hex, in_part,
};
use crate::x509::name::Name;
use crate::x509::{der, oid};

/// Each is `None`, or false, when its extension is not there.
#[derive(Default)]
pub(crate) struct Extensions {
    pub(crate) names: Option<Vec<String>>,
    /// And how many CAs may stand below it.
    pub(crate) is_ca: Option<(bool, Option<u32>)>,
    pub(crate) purposes: Option<Vec<String>>,
    pub(crate) ca_issuers: Option<Vec<String>>,
    pub(crate) limits_names: bool,
    /// The first that is critical and that rustls does not know.
    pub(crate) critical: Option<String>,
}

impl Extensions {
    /// Reads those at the end of `body`, if there are any.
    pub(crate) fn read(body: &mut Reader<'_>) -> Result<Self, ParseError> {
        let error = in_part("extensions");
        let mut found = Self::default();
        let Some(list) = body.optional(context(3)).map_err(&error)? else {
            return Ok(found);
        };
        let list = der::single(list.value, der::SEQUENCE).map_err(&error)?;
        let mut list = list.reader();
        while !list.is_empty() {
            let (oid, critical, value) = extension(&mut list).map_err(&error)?;
            if critical && found.critical.is_none() && !oid::is_known_to_rustls(&oid) {
                found.critical = Some(oid::name_or_numbers(oid::extension, oid.clone()));
            }
            found.add(&oid, value)?;
        }
        Ok(found)
    }

    /// What rustls reads too must be right; authorityInfoAccess, which it does not read, may be
    /// odd without making the certificate unreadable.
    fn add(&mut self, oid: &str, value: &[u8]) -> Result<(), ParseError> {
        match oid {
            "2.5.29.17" => {
                once(&mut self.names, alternative_names(value)).map_err(in_part("subjectAltName"))
            }
            "2.5.29.19" => once(&mut self.is_ca, ca(value)).map_err(in_part("basicConstraints")),
            "2.5.29.37" => {
                once(&mut self.purposes, purposes(value)).map_err(in_part("extKeyUsage"))
            }
            "2.5.29.30" => {
                self.limits_names = true;
                Ok(())
            }
            "1.3.6.1.5.5.7.1.1" => {
                self.ca_issuers = Some(ca_issuers(value).unwrap_or_default());
                Ok(())
            }
            _ => Ok(()),
        }
    }
}

/// RFC 5280 §4.2: no extension may appear twice.
fn once<T>(slot: &mut Option<T>, value: Result<T, DerError>) -> Result<(), DerError> {
    match slot.replace(value?) {
        None => Ok(()),
        Some(_) => Err(DerError::Value("single extension")),
    }
}

/// The dotted OID, whether it is critical, and the DER inside the OCTET STRING. An OID that cannot be read is none of those looked for, and becomes an empty text.
fn extension<'a>(list: &mut Reader<'a>) -> Result<(String, bool, &'a [u8]), DerError> {
    let mut inside = list.inside(der::SEQUENCE)?;
    let oid = oid::dotted(inside.expect(der::OID)?.value).unwrap_or_default();
    let critical = inside.optional(der::BOOLEAN)?;
    let critical = critical.map_or(Ok(false), Element::boolean)?;
    let value = inside.expect(der::OCTET_STRING)?.value;
    inside.end()?;
    Ok((oid, critical, value))
}

/// BasicConstraints (§4.2.1.9). `FALSE`, which DER leaves out, is often written anyway.
fn ca(value: &[u8]) -> Result<(bool, Option<u32>), DerError> {
    let mut inside = der::single(value, der::SEQUENCE)?.reader();
    let ca = inside.optional(der::BOOLEAN)?;
    let length = match inside.optional(der::INTEGER)? {
        Some(length) => match length.unsigned_bytes()? {
            bytes if bytes.len() > 4 => return Err(DerError::Value("path length")),
            bytes => Some(
                bytes
                    .iter()
                    .fold(0, |sum, byte| sum << 8 | u32::from(*byte)),
            ),
        },
        None => None,
    };
    inside.end()?;
    Ok((ca.map_or(Ok(false), Element::boolean)?, length))
}

/// ExtKeyUsageSyntax (§4.2.1.12).
fn purposes(value: &[u8]) -> Result<Vec<String>, DerError> {
    let mut inside = der::single(value, der::SEQUENCE)?.reader();
    let mut purposes = Vec::new();
    while !inside.is_empty() {
        let purpose = oid::read(&mut inside)?;
        purposes.push(oid::name_or_numbers(oid::purpose, purpose));
    }
    Ok(purposes)
}

/// AuthorityInfoAccessSyntax (§4.2.2.1): the addresses of the method caIssuers.
fn ca_issuers(value: &[u8]) -> Result<Vec<String>, DerError> {
    let mut list = der::single(value, der::SEQUENCE)?.reader();
    let mut addresses = Vec::new();
    while !list.is_empty() {
        let mut access = list.inside(der::SEQUENCE)?;
        let method = oid::read(&mut access)?;
        let location = access.any()?;
        access.end()?;
        if method == "1.3.6.1.5.5.7.48.2" && location.tag == context_primitive(6) {
            addresses.push(lossy(location));
        }
    }
    Ok(addresses)
}

/// GeneralNames (§4.2.1.6); how each is written is at `Certificate::names`.
fn alternative_names(value: &[u8]) -> Result<Vec<String>, DerError> {
    let mut list = der::single(value, der::SEQUENCE)?.reader();
    let mut names = Vec::new();
    while !list.is_empty() {
        names.push(general_name(list.any()?)?);
    }
    Ok(names)
}

fn general_name(name: Element<'_>) -> Result<String, DerError> {
    const OTHER_NAME: u8 = context(0);
    const EMAIL: u8 = context_primitive(1);
    const DNS: u8 = context_primitive(2);
    const X400: u8 = context(3);
    const DIRECTORY: u8 = context(4);
    const EDI_PARTY: u8 = context(5);
    const URI: u8 = context_primitive(6);
    const IP: u8 = context_primitive(7);
    const REGISTERED_ID: u8 = context_primitive(8);
    Ok(match name.tag {
        DNS => match lossy(name) {
            text if text.parse::<IpAddr>().is_ok() => format!("DNS:{text}"),
            text => text,
        },
        IP => ip_address(name.value),
        EMAIL => format!("email:{}", lossy(name)),
        URI => format!("URI:{}", lossy(name)),
        DIRECTORY => format!("DirName:{}", Name::read(name.value)?),
        REGISTERED_ID => format!("Registered ID:{}", oid::dotted(name.value)?),
        OTHER_NAME => format!("othername:{}", oid::read(&mut name.reader())?),
        X400 => "X400Name".to_owned(),
        EDI_PARTY => "EdiPartyName".to_owned(),
        _ => return Err(DerError::Value("GeneralName")),
    })
}

fn ip_address(bytes: &[u8]) -> String {
    if let Ok(address) = <[u8; 4]>::try_from(bytes) {
        Ipv4Addr::from(address).to_string()
    } else if let Ok(address) = <[u8; 16]>::try_from(bytes) {
        Ipv6Addr::from(address).to_string()
    } else {
        format!("IP:{}", hex(bytes, ":"))
    }
}

fn lossy(element: Element<'_>) -> String {
    String::from_utf8_lossy(element.value).into_owned()
}
