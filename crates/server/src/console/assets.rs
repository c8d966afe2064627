//! Styles, scripts and the icon, carried inside the program.

use axum::extract::Path;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use rust_embed::{Embed, EmbeddedFile};

#[derive(Embed)]
#[folder = "assets"]
struct Assets;

/// `GET /assets/{*path}`
pub(super) async fn asset(Path(path): Path<String>, headers: HeaderMap) -> Response {
    match (Assets::get(&path), content_type(&path)) {
        (Some(file), Some(kind)) => answer(file, kind, headers.get(header::IF_NONE_MATCH).and_then(|tags| tags.to_str().ok())),
        _ => StatusCode::NOT_FOUND.into_response(),
    }
}

fn answer(file: EmbeddedFile, kind: &'static str, known: Option<&str>) -> Response {
    let tag = format!("\"{}\"", hex::encode(&file.metadata.sha256_hash()[..16]));
    // Names carry no version: browsers ask again each time, and are mostly told that nothing has changed.
    let caching = [(header::ETAG, tag.clone()), (header::CACHE_CONTROL, "no-cache".to_owned())];
    if known.is_some_and(|known| {
        known.split(',').any(|known| matches!(known.trim().trim_start_matches("W/"), "*") || known.trim().trim_start_matches("W/") == tag)
    }) {
        return (StatusCode::NOT_MODIFIED, caching).into_response();
    }
    ([(header::CONTENT_TYPE, kind), (header::X_CONTENT_TYPE_OPTIONS, "nosniff")], caching, file.data).into_response()
}

fn content_type(path: &str) -> Option<&'static str> {
    match path.rsplit_once('.')?.1 {
        "css" => Some("text/css; charset=utf-8"),
        "js" => Some("text/javascript; charset=utf-8"),
        "svg" => Some("image/svg+xml"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn get(path: &str, tag: Option<&str>) -> Response {
        let headers = tag.map(|tag| (header::IF_NONE_MATCH, tag.parse().unwrap())).into_iter().collect();
        asset(Path(path.to_owned()), headers).await
    }

    #[tokio::test]
    async fn an_asset_comes_with_its_type_and_is_not_sent_twice() {
        let first = get("talk.js", None).await;
        assert_eq!(
            (first.status(), first.headers()[header::CONTENT_TYPE].to_str().unwrap()),
            (StatusCode::OK, "text/javascript; charset=utf-8")
        );
        let tag = first.headers()[header::ETAG].to_str().unwrap().to_owned();
        assert_eq!(get("talk.js", Some(&format!("\"other\", W/{tag}"))).await.status(), StatusCode::NOT_MODIFIED);
        assert_eq!(get("talk.js", Some("\"other\"")).await.status(), StatusCode::OK);
    }

    #[tokio::test]
    async fn nothing_outside_the_folder_is_given() {
        for path in ["missing.js", "../Cargo.toml", "../src/lib.rs", "/etc/passwd", ""] {
            assert_eq!(get(path, None).await.status(), StatusCode::NOT_FOUND, "{path}");
        }
    }

    #[test]
    fn every_asset_has_a_type() {
        for path in Assets::iter() {
            assert!(content_type(&path).is_some(), "{path}");
        }
    }
}
