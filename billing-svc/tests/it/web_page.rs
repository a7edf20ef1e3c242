//! A page in a browser, as far as the wire shows: gRPC-Web over HTTP/1.1, framed by hand.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use prost::Message;
use reqwest::header::HeaderMap;
use reqwest::{Method, Response, StatusCode};
use tonic::{Code, Status};

pub const CONSOLE: &str = "https://console.example";
pub const FOREIGN: &str = "https://elsewhere.example";
pub const BINARY: &str = "application/grpc-web+proto";
pub const TEXT: &str = "application/grpc-web-text";

/// The flag of the frame that holds the trailers.
const TRAILERS: u8 = 0x80;

/// A page of an origin, at a service.
pub struct WebPage {
    pub http: reqwest::Client,
    pub url: String,
    pub origin: Option<&'static str>,
    pub token: Option<&'static str>,
    pub content_type: &'static str,
}

impl WebPage {
    pub fn at(url: &str) -> Self {
        let http = reqwest::Client::new();
        let origin = Some(CONSOLE);
        Self { http, url: url.to_owned(), origin, token: None, content_type: BINARY }
    }

    pub fn with(self, token: &'static str) -> Self {
        Self { token: Some(token), ..self }
    }

    /// What `fetch` sends once the browser may.
    pub async fn post(&self, rpc: &str, message: &impl Message) -> reqwest::Result<Response> {
        let mut body = framed(message);
        if self.content_type == TEXT {
            body = STANDARD.encode(body).into_bytes();
        }
        let mut request = self
            .http
            .post(format!("{}/billing.v1.{rpc}", self.url))
            .header("content-type", self.content_type)
            .header("accept", self.content_type)
            .header("x-grpc-web", "1");
        if let Some(origin) = self.origin {
            request = request.header("origin", origin);
        }
        if let Some(token) = self.token {
            request = request.bearer_auth(token);
        }
        request.body(body).send().await
    }

    /// The message and the status, as a page reads them: from trailers in the body, or, where there is no body, from the headers
    /// that it is shown.
    pub async fn call<T: Message + Default>(
        &self,
        rpc: &str,
        message: &impl Message,
    ) -> Result<T, Status> {
        let response = self.post(rpc, message).await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        let shown = shown(response.headers());
        if let Some(status) = Status::from_header_map(&shown) {
            return Err(status);
        }
        let mut body = response.bytes().await.unwrap().to_vec();
        if self.content_type == TEXT {
            // Pieces, each padded by itself.
            let text = String::from_utf8(body).unwrap();
            let quarters = text.as_bytes().chunks(4);
            body = quarters.flat_map(|four| STANDARD.decode(four).unwrap()).collect();
        }
        let (first, message, rest) = frame(&body);
        assert_eq!(first, 0, "a message comes first");
        let (second, trailers, rest) = frame(rest);
        assert_eq!((second, rest.len()), (TRAILERS, 0), "trailers come last");
        let trailers = std::str::from_utf8(trailers).unwrap();
        let line = trailers.lines().find_map(|line| line.strip_prefix("grpc-status:"));
        assert_eq!(line.map(str::trim), Some("0"), "{trailers}");
        Ok(T::decode(message).unwrap())
    }

    /// What a browser asks before it lets a page call: with no token, ever.
    pub async fn preflight(&self, rpc: &str) -> Response {
        self.http
            .request(Method::OPTIONS, format!("{}/billing.v1.{rpc}", self.url))
            .header("origin", self.origin.unwrap())
            .header("access-control-request-method", "POST")
            .header("access-control-request-headers", "authorization,content-type,x-grpc-web")
            .send()
            .await
            .unwrap()
    }
}

/// The headers that the browser shows to the page, which has to be of the console.
fn shown(headers: &HeaderMap) -> HeaderMap {
    assert_eq!(headers["access-control-allow-origin"], CONSOLE);
    let exposed = headers["access-control-expose-headers"].to_str().unwrap();
    let mut shown = HeaderMap::new();
    for name in exposed.split(',') {
        if let Some(value) = headers.get(name) {
            shown.insert(name.parse::<reqwest::header::HeaderName>().unwrap(), value.clone());
        }
    }
    shown
}

/// Do the headers tell a browser anything about other origins?
pub fn is_silent(headers: &HeaderMap) -> bool {
    headers.keys().all(|name| !name.as_str().starts_with("access-control-"))
}

fn framed(message: &impl Message) -> Vec<u8> {
    let bytes = message.encode_to_vec();
    let length = u32::try_from(bytes.len()).unwrap().to_be_bytes();
    [&[0][..], &length, &bytes].concat()
}

/// Flag, content and what follows.
fn frame(bytes: &[u8]) -> (u8, &[u8], &[u8]) {
    let length: [u8; 4] = bytes[1..5].try_into().unwrap();
    let end = 5 + usize::try_from(u32::from_be_bytes(length)).unwrap();
    (bytes[0], &bytes[5..end], &bytes[end..])
}

/// How the metrics name calls that ended so.
pub fn requests(rpc: &str, code: Code, reason: &str) -> String {
    let labels = format!("rpc=\"billing.v1.{rpc}\",code=\"{code:?}\",reason=\"{reason}\"");
    format!("grpc_requests_total{{{labels}}}")
}
