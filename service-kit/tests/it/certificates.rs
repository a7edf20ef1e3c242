//! Certificates for tests: authorities, and what they sign.

use std::{fs, path::PathBuf};

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair, SanType, date_time_ymd,
};
use tonic::transport::{Certificate, Identity};

/// When something is valid.
#[derive(Clone, Copy)]
pub enum When {
    Now,
    Past,
    Future,
}

/// An authority.
pub struct Ca(CertifiedIssuer<'static, KeyPair>);

/// A certificate with its key, both PEM.
#[derive(Clone)]
pub struct Pair {
    pub cert: String,
    pub key: String,
}

impl Ca {
    pub fn new(name: &str) -> Self {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    pub fn pem(&self) -> String {
        self.0.pem()
    }

    pub fn trusted(&self) -> Certificate {
        Certificate::from_pem(self.pem())
    }

    /// Of that DNS name or URI.
    pub fn sign(&self, name: &str) -> Pair {
        self.sign_for(name, When::Now)
    }

    pub fn sign_for(&self, name: &str, when: When) -> Pair {
        let kind = if name.contains("://") { SanType::URI } else { SanType::DnsName };
        self.sign_as(kind(name.to_owned().try_into().unwrap()), when)
    }

    /// Of a name of that kind, whatever it looks like.
    pub fn sign_as(&self, name: SanType, when: When) -> Pair {
        let mut params = CertificateParams::default();
        params.subject_alt_names = vec![name];
        params.extended_key_usages =
            vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
        (params.not_before, params.not_after) = match when {
            When::Now => (date_time_ymd(2020, 1, 1), date_time_ymd(2120, 1, 1)),
            When::Past => (date_time_ymd(2020, 1, 1), date_time_ymd(2021, 1, 1)),
            When::Future => (date_time_ymd(2119, 1, 1), date_time_ymd(2120, 1, 1)),
        };
        let key = KeyPair::generate().unwrap();
        let cert = params.signed_by(&key, &self.0).unwrap();
        Pair { cert: cert.pem(), key: key.serialize_pem() }
    }
}

impl Pair {
    pub fn identity(&self) -> Identity {
        Identity::from_pem(&self.cert, &self.key)
    }
}

/// A server's files.
pub struct Files(tempfile::TempDir);

impl Files {
    pub fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub fn write(&self, name: &str, content: &str) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, content).unwrap();
        path
    }

    pub fn write_pair(&self, pair: &Pair) {
        self.write("cert.pem", &pair.cert);
        self.write("key.pem", &pair.key);
    }
}
