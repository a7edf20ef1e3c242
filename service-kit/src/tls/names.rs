//! The names in a certificate.

use x509_parser::prelude::{FromDer, GeneralName, ParsedExtension, X509Certificate};

/// Names that are kept of one certificate; ours have one or two.
const MAX_NAMES: usize = 16;
/// Longer ones are no names of ours.
const MAX_LENGTH: usize = 256;

/// What every URI of ours has and no DNS name may have.
pub(crate) const OF_URIS: &str = "://";

/// The DNS names (in small letters) and URIs of a certificate (DER): its subject alternative names. None of one that can't be read;
/// the common name is no name.
/// A URI has `://` and a DNS name neither `:` nor `/`: no authority that watches over one kind alone lets the other be forged.
pub fn names_of(certificate: &[u8]) -> Vec<String> {
    let Ok((_, certificate)) = X509Certificate::from_der(certificate) else {
        return Vec::new();
    };
    let mut names = Vec::new();
    for extension in certificate.extensions() {
        if let ParsedExtension::SubjectAlternativeName(alternative) = extension.parsed_extension() {
            names.extend(alternative.general_names.iter().filter_map(name));
        }
    }
    names.truncate(MAX_NAMES);
    names
}

fn name(name: &GeneralName<'_>) -> Option<String> {
    let name = match name {
        GeneralName::DNSName(dns) if !dns.contains([':', '/']) => dns.to_ascii_lowercase(),
        GeneralName::URI(uri) if uri.contains(OF_URIS) => (*uri).to_owned(),
        GeneralName::DNSName(_) | GeneralName::URI(_) => return None,
        // Other kinds of names are nobody's here.
        GeneralName::OtherName(..)
        | GeneralName::RFC822Name(_)
        | GeneralName::X400Address(_)
        | GeneralName::DirectoryName(_)
        | GeneralName::EDIPartyName(_)
        | GeneralName::IPAddress(_)
        | GeneralName::RegisteredID(_)
        | GeneralName::Invalid(..) => return None,
    };
    (name.len() <= MAX_LENGTH && name.bytes().all(|byte| byte.is_ascii_graphic())).then_some(name)
}
