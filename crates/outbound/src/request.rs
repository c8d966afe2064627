//! What is asked.

use bytes::Bytes;
use http::{HeaderMap, Method};
use serde::Serialize;

use crate::Fault;

/// One request, to a path below the service's base address.
#[derive(Debug, Clone)]
pub struct Request {
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) query: Vec<(String, String)>,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) more: HeaderMap,
    pub(crate) content: Content,
}

/// The body of a request.
#[derive(Clone)]
pub enum Content {
    /// None.
    Empty,
    /// Bytes of a type.
    Bytes {
        /// `Content-Type`.
        kind: &'static str,
        /// The body.
        bytes: Bytes,
    },
    /// `multipart/form-data`.
    Form(Vec<Part>),
}

/// One field of a form.
#[derive(Clone)]
pub struct Part {
    /// The field's name.
    pub name: &'static str,
    /// The name of the file, for a file.
    pub file: Option<&'static str>,
    /// `Content-Type`, for a file.
    pub kind: Option<&'static str>,
    /// What is in it.
    pub bytes: Bytes,
}

/// What is said may be a caller's words, so it does not print.
impl std::fmt::Debug for Content {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Content(..)")
    }
}

impl Request {
    /// A question.
    pub fn get(path: impl Into<String>) -> Self {
        Self::new(Method::GET, path, Content::Empty)
    }

    /// A request with a body.
    pub fn post(path: impl Into<String>, content: Content) -> Self {
        Self::new(Method::POST, path, content)
    }

    /// Any request. The path is relative to the base address and does not begin with a slash.
    pub fn new(method: Method, path: impl Into<String>, content: Content) -> Self {
        Self { method, path: path.into(), query: Vec::new(), headers: Vec::new(), more: HeaderMap::new(), content }
    }

    /// With a query parameter.
    #[must_use]
    pub fn query(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.query.push((name.into(), value.into()));
        self
    }

    /// With a header.
    #[must_use]
    pub fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// With headers whose names are not known before; mark values that are secret as sensitive.
    #[must_use]
    pub fn headers(mut self, headers: HeaderMap) -> Self {
        self.more.extend(headers);
        self
    }
}

impl Content {
    /// A JSON body.
    pub fn json(value: &impl Serialize) -> Result<Self, Fault> {
        let bytes = serde_json::to_vec(value).map_err(|error| Fault::SetUp(error.to_string()))?;
        Ok(Self::Bytes { kind: "application/json", bytes: bytes.into() })
    }
}
