//! Keeps what is asked, to compare what an SDK sends with what an adapter sends.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use tokio::net::TcpListener;

/// One request.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) query: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

/// A server that refuses everything, and remembers it.
pub(crate) struct Recorder {
    pub(crate) url: String,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Recorder {
    pub(crate) async fn start() -> Self {
        let asked: Arc<Mutex<Vec<Asked>>> = Arc::default();
        let kept = Arc::clone(&asked);
        let keep = async move |method: Method, uri: Uri, headers: HeaderMap, body: Bytes| {
            let (path, query) = (uri.path().to_owned(), uri.query().unwrap_or_default().to_owned());
            kept.lock().unwrap().push(Asked { method, path, query, headers, body });
            // No SDK tries again after it.
            (StatusCode::BAD_REQUEST, "{}")
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, Router::new().fallback(keep)).await });
        Self { url, asked }
    }

    /// The only request there was since the last one was taken.
    pub(crate) fn take(&self) -> Asked {
        let mut asked = self.asked.lock().unwrap();
        assert_eq!(asked.len(), 1);
        asked.remove(0)
    }
}

impl Asked {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    /// The fields of a form: for a file its head and its first bytes, which hold the format.
    pub(crate) fn form(&self) -> BTreeMap<String, String> {
        let kind = self.header("content-type");
        let boundary = kind.strip_prefix("multipart/form-data; boundary=").unwrap().trim_matches('"');
        let body = String::from_utf8_lossy(&self.body).into_owned();
        let mut fields = BTreeMap::new();
        for part in body.split(&format!("--{boundary}")).filter_map(|part| part.split_once("\r\n\r\n")) {
            let (head, value) = part;
            let name = head.split("name=\"").nth(1).unwrap().split('"').next().unwrap();
            let value = value.trim_end_matches("\r\n");
            let value = if head.contains("filename=") { value.chars().take(4).collect() } else { value.to_owned() };
            fields.insert(name.to_owned(), value);
        }
        fields
    }
}
