//! The tool reaches a PostgreSQL over TLS as CloudNativePG sets it up: its URL names no TLS, its CA is a file.

use std::{path::PathBuf, process::Output};

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use sqlx::{Connection, Executor, PgConnection};
use tempfile::TempDir;
use test_postgres::TestDatabase;

use crate::{
    place::eventually,
    tool::{self, complaint, lines},
};

/// A server that speaks TLS, and who vouches for it.
struct Server {
    database: TestDatabase,
    folder: TempDir,
}

impl Server {
    async fn new() -> Self {
        let database = TestDatabase::new().await;
        let folder = tempfile::tempdir().unwrap();
        let key = KeyPair::generate().unwrap();
        let issuer = authority(&folder, "ca.crt");
        authority(&folder, "other.crt");
        let names = CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap();
        let certificate = names.signed_by(&key, &issuer).unwrap();

        let mut connection = PgConnection::connect(&database.url()).await.unwrap();
        // Written by the server itself, into its own folder: the key must be its user's, and nobody else's.
        for (name, pem) in [("server.crt", certificate.pem()), ("server.key", key.serialize_pem())]
        {
            let copy = format!(
                "COPY (SELECT unnest(string_to_array('{pem}', E'\\n'))) TO PROGRAM 'umask 077; tr -d ''\\r'' > {name}'"
            );
            connection.execute(sqlx::AssertSqlSafe(copy)).await.unwrap();
        }
        connection.execute("ALTER SYSTEM SET ssl = on").await.unwrap();
        connection.execute("SELECT pg_reload_conf()").await.unwrap();
        let server = Self { database, folder };
        let url = format!("{}?sslmode=require", server.url());
        eventually(async || PgConnection::connect(&url).await.is_ok()).await;
        server
    }

    /// As CloudNativePG writes it.
    fn url(&self) -> String {
        self.database.url().replacen("postgres://", "postgresql://", 1)
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
}

/// Makes an authority and writes its certificate.
fn authority(folder: &TempDir, name: &str) -> Issuer<'static, KeyPair> {
    let mut params = CertificateParams::new(Vec::<String>::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = KeyPair::generate().unwrap();
    std::fs::write(folder.path().join(name), params.self_signed(&key).unwrap().pem()).unwrap();
    Issuer::new(params, key)
}

fn status(url: &str, variables: &[(&str, &str)]) -> Output {
    let mut command = tool::command(&["worker", "status", "--database-url", url]);
    command.envs(variables.iter().copied()).output().unwrap()
}

#[tokio::test]
async fn the_server_is_checked_as_the_url_or_the_environment_says() {
    let server = Server::new().await;
    let (ca, other) = (server.file("ca.crt"), server.file("other.crt"));
    let (ca, other) = (ca.to_str().unwrap(), other.to_str().unwrap());
    let url = server.url();
    let by_url =
        |mode: &str, root: &str| status(&format!("{url}?sslmode={mode}&sslrootcert={root}"), &[]);
    let by_environment = |url: &str, mode: &str, root: &str| {
        status(url, &[("PGSSLMODE", mode), ("PGSSLROOTCERT", root)])
    };
    let elsewhere = url.replace("127.0.0.1", "localhost");

    let good = [
        by_url("verify-full", ca),
        by_environment(&url, "verify-full", ca),
        by_environment(&elsewhere, "verify-ca", ca),
        status(&url, &[("PGSSLMODE", "require")]),
        status(&url, &[]),
    ];
    for output in good {
        assert!(lines(&output, "pending") > 0, "{}", complaint(&output));
    }
    let refused = [
        by_url("verify-full", other),
        by_environment(&url, "verify-full", other),
        by_environment(&elsewhere, "verify-full", ca),
        status(&url, &[("PGSSLMODE", "verify-full")]),
    ];
    for output in refused {
        assert_eq!(output.status.code(), Some(1));
        assert!(complaint(&output).contains("certificate"), "{}", complaint(&output));
    }
    // Never taken for a mode that checks nothing.
    let misspelt = by_environment(&url, "verify_full", ca);
    assert_eq!(misspelt.status.code(), Some(1));
    assert!(complaint(&misspelt).contains("PGSSLMODE"), "{}", complaint(&misspelt));
    let missing = by_environment(&url, "verify-full", "/nonexistent/ca.crt");
    assert_eq!(missing.status.code(), Some(1));
}
