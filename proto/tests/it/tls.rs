//! TLS with certificates made here: whom a client trusts, what it shows, what it says when that fails, and files that are
//! replaced while it runs.

use std::{fs, path::PathBuf, time::Duration};

use proto::client::{
    BillingClient, ClientConfig, ClientError, ClientIdentity, ClientTls, EventClient, Token,
};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use tempfile::TempDir;
use tokio::sync::mpsc;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tonic::{
    Code,
    transport::{Certificate, Identity, Server, ServerTlsConfig},
};

use crate::{
    events::{self, Events, event},
    retries::charge,
    server::{Billing, Running},
};

/// Signs certificates.
struct Ca(CertifiedIssuer<'static, KeyPair>);

/// A certificate with its key, in PEM.
struct Issued {
    cert: String,
    key: String,
    der: Vec<u8>,
}

impl Ca {
    fn new(name: &str) -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, name);
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    fn issue(&self, name: &str) -> Issued {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new([name.to_owned()]).unwrap();
        let cert = params.signed_by(&key, &self.0).unwrap();
        Issued { cert: cert.pem(), key: key.serialize_pem(), der: cert.der().to_vec() }
    }
}

/// The files of a client.
struct Files {
    folder: TempDir,
}

impl Files {
    fn new(ca: &Ca, own: &Issued, token: &str) -> Self {
        let files = Self { folder: tempfile::tempdir().unwrap() };
        files.write("ca.pem", &ca.0.pem());
        files.write("cert.pem", &own.cert);
        files.write("key.pem", &own.key);
        files.write("token", token);
        files
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, content: &str) {
        fs::write(self.path(name), content).unwrap();
    }

    fn config(&self, server: &Running) -> ClientConfig {
        let identity = ClientIdentity { cert: self.path("cert.pem"), key: self.path("key.pem") };
        let tls = ClientTls { ca: self.path("ca.pem"), identity: Some(identity) };
        let url = format!("https://localhost:{}", server.address.port());
        let token =
            Token::File { path: self.path("token"), variable: "BILLING_TOKEN_FILE".to_owned() };
        ClientConfig { token: Some(token), tls: Some(tls), ..ClientConfig::new(url, None) }
    }
}

/// Serves with `own`, and asks clients for a certificate of `clients`.
async fn serve(billing: &Billing, events: Events, own: &Issued, clients: &Ca) -> Running {
    // tonic's server needs it where other crates of the build bring a second provider. Refused the second time.
    drop(aws_lc_rs::default_provider().install_default());
    let tls = ServerTlsConfig::new()
        .identity(Identity::from_pem(&own.cert, &own.key))
        .client_ca_root(Certificate::from_pem(clients.0.pem()));
    let router = Server::builder()
        .tls_config(tls)
        .unwrap()
        .add_service(billing.service())
        .add_service(events.service());
    Running::start(router).await
}

async fn serve_billing(billing: &Billing, own: &Issued, clients: &Ca) -> Running {
    serve(billing, Events::new([]), own, clients).await
}

/// What a call to a server with such a certificate fails with.
async fn failure(server: &Issued, servers_clients: &Ca, files: &Files) -> String {
    let billing = Billing::default();
    let running = serve_billing(&billing, server, servers_clients).await;
    let client = BillingClient::new(&files.config(&running)).unwrap();
    let error = client.charge(charge()).await.unwrap_err();
    assert_eq!(error.code, Code::Unavailable);
    assert_eq!(billing.seen().len(), 0);
    let place = format!("localhost:{}", running.address.port());
    assert!(error.message.starts_with(&place), "{error}");
    error.message
}

#[tokio::test]
async fn the_client_shows_its_certificate_and_its_token() {
    let ca = Ca::new("one");
    let own = ca.issue("gateway");
    let files = Files::new(&ca, &own, "t-1\n");
    let billing = Billing::default();
    let running = serve_billing(&billing, &ca.issue("localhost"), &ca).await;
    BillingClient::new(&files.config(&running)).unwrap().charge(charge()).await.unwrap();
    let seen = billing.seen();
    assert_eq!(seen[0].certificate.as_ref(), Some(&own.der));
    assert_eq!(seen[0].metadata.get("authorization").unwrap(), "Bearer t-1");
}

#[tokio::test]
async fn a_server_of_another_ca_is_refused_and_the_error_says_what_to_look_at() {
    let (ca, other) = (Ca::new("one"), Ca::new("two"));
    let files = Files::new(&ca, &ca.issue("gateway"), "t-1");
    let message = failure(&other.issue("localhost"), &ca, &files).await;
    assert!(message.contains("invalid peer certificate: UnknownIssuer"), "{message}");
    assert!(message.contains("is not signed by the CA"), "{message}");

    // A CA that was made anew under the same name is another one.
    let again = Ca::new("one");
    let message = failure(&again.issue("localhost"), &ca, &files).await;
    assert!(message.contains("is not signed by the CA"), "{message}");
}

#[tokio::test]
async fn a_server_with_another_name_is_refused() {
    let ca = Ca::new("one");
    let files = Files::new(&ca, &ca.issue("gateway"), "t-1");
    let message = failure(&ca.issue("worker.example"), &ca, &files).await;
    assert!(message.contains("localhost") && message.contains("worker.example"), "{message}");
}

#[tokio::test]
async fn a_client_whose_certificate_the_server_refuses_is_told_so() {
    let (ca, other) = (Ca::new("one"), Ca::new("two"));
    let files = Files::new(&ca, &other.issue("gateway"), "t-1");
    let message = failure(&ca.issue("localhost"), &ca, &files).await;
    assert!(message.contains("received fatal alert"), "{message}");
    assert!(message.contains("the server refuses this client's certificate"), "{message}");
}

#[tokio::test]
async fn certificates_and_tokens_are_replaced_under_a_running_client() {
    let ca = Ca::new("one");
    let (first, second) = (ca.issue("gateway"), ca.issue("gateway"));
    let files = Files::new(&ca, &first, "t-1");
    let (tell, told) = mpsc::channel(8);
    let billing = Billing::default();
    let watched = Events::new([events::Answer::Stream(told)]);
    let running = serve(&billing, watched, &ca.issue("localhost"), &ca).await;
    let client = BillingClient::new(&files.config(&running)).unwrap();
    let mut stream = EventClient::new(&files.config(&running))
        .unwrap()
        .watch_events(events::request())
        .await
        .unwrap();
    let shown = async || {
        client.charge(charge()).await.unwrap();
        let last = billing.seen().pop().unwrap();
        (last.certificate.unwrap(), last.metadata.get("authorization").unwrap().clone())
    };
    let until = async |certificate: &Issued, token: &str| {
        let shown =
            async { while shown().await != (certificate.der.clone(), token.parse().unwrap()) {} };
        tokio::time::timeout(Duration::from_secs(30), shown).await.unwrap();
    };
    until(&first, "Bearer t-1").await;

    files.write("cert.pem", &second.cert);
    files.write("key.pem", &second.key);
    files.write("token", "t-2");
    until(&second, "Bearer t-2").await;
    tell.send(Ok(event(8))).await.unwrap();
    assert_eq!(stream.message().await.unwrap(), Some(event(8)), "a stream goes on");

    // What can't be used changes nothing, and what can be used later is used.
    files.write("cert.pem", "nonsense");
    files.write("token", "t-3");
    until(&second, "Bearer t-3").await;
    files.write("cert.pem", &first.cert);
    files.write("key.pem", &first.key);
    files.write("token", "");
    until(&first, "Bearer t-3").await;
}

#[tokio::test]
async fn a_client_trusts_a_new_ca_once_its_file_has_it() {
    let (ca, new) = (Ca::new("one"), Ca::new("two"));
    let files = Files::new(&ca, &ca.issue("gateway"), "t-1");
    let billing = Billing::default();
    let running = serve_billing(&billing, &new.issue("localhost"), &ca).await;
    let client = BillingClient::new(&files.config(&running)).unwrap();
    client.charge(charge()).await.unwrap_err();
    files.write("ca.pem", &[ca.0.pem(), new.0.pem()].concat());
    let trusted = async { while client.charge(charge()).await.is_err() {} };
    tokio::time::timeout(Duration::from_secs(30), trusted).await.unwrap();
}

#[tokio::test]
async fn files_that_cannot_be_used_are_refused_at_start_by_name_and_without_their_content() {
    let ca = Ca::new("one");
    let (own, other) = (ca.issue("gateway"), ca.issue("other"));
    let running = Billing::default().start().await;
    let table: [(&str, &str); 7] = [
        ("ca.pem", ""),
        ("ca.pem", &own.key),
        ("cert.pem", "nonsense"),
        ("cert.pem", &other.cert),
        ("key.pem", &own.cert),
        ("token", " \n"),
        ("token", "hidden\ttoken\nhidden"),
    ];
    for (name, content) in table {
        let files = Files::new(&ca, &own, "t-1");
        files.write(name, content);
        let config = files.config(&running);
        let error = config.check().unwrap_err();
        let ClientError::BadFile { path, .. } = &error else { panic!("{name}: {error}") };
        assert_eq!(path, &files.path(name));
        assert!(!error.to_string().contains("hidden"), "{error}");
        assert!(BillingClient::new(&config).is_err());
    }
    let files = Files::new(&ca, &own, "t-1");
    fs::remove_file(files.path("token")).unwrap();
    let error = files.config(&running).check().unwrap_err();
    assert!(error.to_string().contains("not found"), "{error}");
    let config = ClientConfig { tls: None, token: None, ..files.config(&running) };
    assert!(matches!(config.check(), Err(ClientError::NoCa)));
}
