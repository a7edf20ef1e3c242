//! Reads a method's parameters from wherever a client puts them: the query, a form, JSON, multipart.

use std::collections::BTreeMap;

use axum::body::to_bytes;
use axum::extract::{FromRequest, Multipart, Request};
use axum::http::header;
use bytes::Bytes;
use serde_json::{Map, Value, json};

use super::api::ApiError;

/// The Bot API takes files up to 50 MB, an album of ten.
pub(super) const BODY_LIMIT: usize = 64 * 1024 * 1024;

#[derive(Debug)]
pub(super) struct Upload {
    pub(super) name: String,
    pub(super) mime_type: Option<String>,
    pub(super) bytes: Bytes,
}

#[derive(Debug, Default)]
pub(super) struct Params {
    values: Map<String, Value>,
    uploads: BTreeMap<String, Upload>,
}

impl Params {
    pub(super) async fn read(request: Request) -> Result<Self, ApiError> {
        let mut params = Self::default();
        params.add_form(request.uri().query().unwrap_or_default().as_bytes());
        let content_type = request.headers().get(header::CONTENT_TYPE);
        let content_type = content_type.and_then(|value| value.to_str().ok()).unwrap_or_default();
        if content_type.starts_with("multipart/form-data") {
            params.add_multipart(request).await?;
            return Ok(params);
        }
        let as_json = content_type.starts_with("application/json");
        let body = to_bytes(request.into_body(), BODY_LIMIT).await.map_err(|_| too_large())?;
        if as_json && !body.is_empty() {
            let Ok(Value::Object(values)) = serde_json::from_slice(&body) else {
                return Err(ApiError::bad("can't parse JSON object"));
            };
            params.values.extend(values);
        } else {
            params.add_form(&body);
        }
        Ok(params)
    }

    fn add_form(&mut self, form: &[u8]) {
        for (name, value) in url::form_urlencoded::parse(form) {
            self.values.insert(name.into_owned(), json!(value));
        }
    }

    async fn add_multipart(&mut self, request: Request) -> Result<(), ApiError> {
        let broken = || ApiError::bad("can't parse multipart form");
        let mut parts = Multipart::from_request(request, &()).await.map_err(|_| broken())?;
        while let Some(part) = parts.next_field().await.map_err(|_| broken())? {
            let name = part.name().unwrap_or_default().to_owned();
            let file_name = part.file_name().map(str::to_owned);
            let mime_type = part.content_type().map(str::to_owned);
            let bytes = part.bytes().await.map_err(|_| too_large())?;
            match file_name {
                Some(file_name) => {
                    let upload = Upload { name: file_name, mime_type, bytes };
                    self.uploads.insert(name, upload);
                }
                None => {
                    let text = String::from_utf8_lossy(&bytes).into_owned();
                    self.values.insert(name, json!(text));
                }
            }
        }
        Ok(())
    }

    /// A parameter as it is read by Telegram: a JSON value, or the same written as a string.
    pub(super) fn json(&self, name: &str) -> Option<Value> {
        match self.values.get(name)? {
            Value::String(text) if text.is_empty() => None,
            Value::String(text) => serde_json::from_str(text).ok(),
            Value::Null => None,
            value => Some(value.clone()),
        }
    }

    pub(super) fn text(&self, name: &str) -> Option<String> {
        match self.values.get(name)? {
            Value::String(text) => Some(text.clone()),
            Value::Null => None,
            value => Some(value.to_string()),
        }
    }

    pub(super) fn int(&self, name: &str) -> Option<i64> {
        match self.values.get(name)? {
            Value::String(text) => text.parse().ok(),
            value => value.as_i64(),
        }
    }

    pub(super) fn flag(&self, name: &str) -> bool {
        matches!(self.json(name), Some(Value::Bool(true)))
    }

    pub(super) fn chat_id(&self) -> Result<i64, ApiError> {
        self.int("chat_id").ok_or_else(|| ApiError::bad("chat not found"))
    }

    /// The upload that a parameter names: `attach://part`, or the part of the parameter's own name.
    pub(super) fn upload(&self, name: &str, value: Option<&str>) -> Option<&Upload> {
        match value.and_then(|value| value.strip_prefix("attach://")) {
            Some(part) => self.uploads.get(part),
            None => self.uploads.get(name),
        }
    }

    /// For the record of calls.
    pub(super) fn shown(&self) -> Value {
        let mut shown = self.values.clone();
        for (name, upload) in &self.uploads {
            shown.insert(name.clone(), json!({"upload": upload.name, "size": upload.bytes.len()}));
        }
        Value::Object(shown)
    }
}

fn too_large() -> ApiError {
    ApiError::new(413, "Request Entity Too Large")
}
