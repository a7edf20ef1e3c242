//! What a service's environment says of another service: the same variables in all of them.

use std::path::Path;

use secrecy::SecretString;

use super::{ClientConfig, ClientError, ClientIdentity, ClientTls, Token};

/// The variables of a service that is called, and those of the caller's own TLS.
#[derive(Debug, Clone, Copy)]
pub struct Variables<'a> {
    /// Who is called: `BILLING` for `BILLING_URL`, `BILLING_TOKEN` and `BILLING_TOKEN_FILE`.
    pub callee: &'static str,
    /// `…_URL`.
    pub url: &'a str,
    /// `…_TOKEN`.
    pub token: Option<&'a SecretString>,
    /// `…_TOKEN_FILE`.
    pub token_file: Option<&'a Path>,
    /// Who calls: `GATEWAY` for `GATEWAY_TLS_CERT`, `GATEWAY_TLS_KEY` and `GATEWAY_TLS_CLIENT_CA`.
    pub caller: &'a str,
    /// `…_TLS_CERT`: shown to `https://` servers as well as to clients.
    pub cert: Option<&'a Path>,
    /// `…_TLS_KEY`.
    pub key: Option<&'a Path>,
    /// `…_TLS_CLIENT_CA`: one CA for both directions.
    pub client_ca: Option<&'a Path>,
}

/// A variable that can't be used. Shows no secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{variable}: {why}")]
pub struct VariableError {
    /// Its name.
    pub variable: String,
    /// What is wrong, and what would be right.
    pub why: String,
}

impl Variables<'_> {
    /// What they say. URLs are checked and files read; nothing is looked up or connected to.
    ///
    /// # Errors
    /// The first variable that can't be used.
    pub fn check(self) -> Result<ClientConfig, VariableError> {
        let token = match (self.token, self.token_file) {
            (None, None) => None,
            (Some(token), None) => Some(Token::Plain(token.clone())),
            (None, Some(path)) => Some(Token::File {
                path: path.to_owned(),
                variable: format!("{}_TOKEN_FILE", self.callee),
            }),
            (Some(_), Some(_)) => {
                let other = format!("{}_TOKEN is set as well: set one of them", self.callee);
                return Err(self.of_callee("TOKEN_FILE", other));
            }
        };
        let own = self.cert.zip(self.key);
        let tls = self.client_ca.map(|ca| ClientTls {
            ca: ca.to_owned(),
            identity: own
                .map(|(cert, key)| ClientIdentity { cert: cert.to_owned(), key: key.to_owned() }),
        });
        let config = ClientConfig { token, tls, ..ClientConfig::new(self.url, None) };
        config.check().map_err(|error| self.name(&error))?;
        Ok(config)
    }

    fn name(self, error: &ClientError) -> VariableError {
        let why = error.to_string();
        match error {
            ClientError::BadUrl(_) => self.of_callee("URL", why),
            ClientError::BadToken => self.of_callee("TOKEN", why),
            ClientError::NoCa => {
                let ca = format!("https:// needs {}_TLS_CLIENT_CA: {why}", self.caller);
                self.of_callee("URL", ca)
            }
            ClientError::BadFile { path, .. } if Some(path.as_path()) == self.token_file => {
                self.of_callee("TOKEN_FILE", why)
            }
            ClientError::BadFile { path, .. } => {
                let files = [
                    (self.cert, "TLS_CERT"),
                    (self.key, "TLS_KEY"),
                    (self.client_ca, "TLS_CLIENT_CA"),
                ];
                let named = files.iter().find(|(file, _)| *file == Some(path.as_path()));
                let name = named.map_or("TLS_CERT", |(_, name)| name);
                VariableError { variable: format!("{}_{name}", self.caller), why }
            }
            ClientError::BadTls(_) => self.of_callee("URL", why),
        }
    }

    fn of_callee(self, name: &str, why: String) -> VariableError {
        VariableError { variable: format!("{}_{name}", self.callee), why }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: Variables<'_> = Variables {
        callee: "BILLING",
        url: "http://127.0.0.1:50051",
        token: None,
        token_file: None,
        caller: "GATEWAY",
        cert: None,
        key: None,
        client_ca: None,
    };

    fn refused(variables: Variables<'_>) -> String {
        let error = variables.check().unwrap_err();
        assert!(!error.to_string().contains("hidden"), "{error}");
        error.variable
    }

    #[test]
    fn what_cannot_be_used_is_refused_by_the_name_of_its_variable() {
        PLAIN.check().unwrap();
        let (missing, bad) = (Path::new("/nowhere/file"), SecretString::from("hidden\n"));
        let token = SecretString::from("hidden");
        for url in ["ftp://host", "http://a:1,", "http://u:hidden@a:1"] {
            assert_eq!(refused(Variables { url, ..PLAIN }), "BILLING_URL");
        }
        assert_eq!(refused(Variables { token: Some(&bad), ..PLAIN }), "BILLING_TOKEN");
        let both = Variables { token: Some(&token), token_file: Some(missing), ..PLAIN };
        assert_eq!(refused(both), "BILLING_TOKEN_FILE");
        let file = Variables { token_file: Some(missing), ..PLAIN };
        assert_eq!(refused(file), "BILLING_TOKEN_FILE");
        let ca = Variables { client_ca: Some(missing), ..PLAIN };
        assert_eq!(refused(ca), "GATEWAY_TLS_CLIENT_CA");
    }

    #[test]
    fn https_needs_a_ca_and_says_which_variable_names_it() {
        let https = Variables { url: "http://127.0.0.1:1,https://127.0.0.1:2", ..PLAIN };
        let error = https.check().unwrap_err();
        assert_eq!(error.variable, "BILLING_URL");
        assert!(error.why.contains("GATEWAY_TLS_CLIENT_CA"), "{error}");
    }
}
