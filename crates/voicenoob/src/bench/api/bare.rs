//! The reference of `bench api`: axum, a look into a table, and the bytes that the API answered.

use std::collections::HashMap;
use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context;
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use tokio::net::TcpListener;

use crate::say;

/// The table of answers.
#[derive(clap::Args)]
pub(crate) struct BareArgs {
    /// A file with the answers, JSON.
    #[arg(long)]
    answers: PathBuf,
}

/// An answer as the API gave it.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) media_type: String,
    pub(super) body: String,
}

/// Listens on a free port, says which, and answers until it is ended.
pub(crate) async fn run(args: &BareArgs) -> anyhow::Result<ExitCode> {
    let text = std::fs::read(&args.answers).with_context(|| format!("cannot read {}", args.answers.display()))?;
    let answers: HashMap<String, Answer> = serde_json::from_slice(&text).context("the answers are not as they were written")?;
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.context("cannot listen on loopback")?;
    say(&format!("bare API at http://{}", listener.local_addr()?));
    let router = Router::new().fallback(answer).with_state(Arc::new(answers));
    axum::serve(listener, router).await?;
    Ok(ExitCode::SUCCESS)
}

/// The body is read, as the API reads it.
async fn answer(State(answers): State<Arc<HashMap<String, Answer>>>, method: Method, uri: Uri, _body: Bytes) -> Response {
    let target = format!("{method} {uri}");
    let Some(answer) = answers.get(&target) else { return StatusCode::NOT_FOUND.into_response() };
    let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    (status, [(header::CONTENT_TYPE, answer.media_type.clone())], answer.body.clone()).into_response()
}
