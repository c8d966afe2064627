//! Letting a browser in with the operator token.

use axum::Form;
use axum::extract::{Query, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;
use tracing::warn;

use super::answer::Page;
use super::pages::SignInPage;
use crate::access;
use crate::state::App;

/// What stands in the address or in the form.
#[derive(Deserialize)]
pub(crate) struct Key {
    token: Option<String>,
}

/// `GET /sign-in`: the form; with `?token=...` the way in from a link.
pub(crate) async fn sign_in(State(app): State<App>, Query(key): Query<Key>) -> Response {
    match key.token {
        Some(token) => let_in(&app, &token),
        None => Page(SignInPage { refused: false }).into_response(),
    }
}

/// `POST /sign-in`: the form comes back.
pub(super) async fn submit(State(app): State<App>, Form(key): Form<Key>) -> Response {
    let_in(&app, key.token.as_deref().unwrap_or_default())
}

fn let_in(app: &App, given: &str) -> Response {
    match &app.settings.operator_token {
        Some(token) if access::token_matches(token.expose(), given) => {
            let under_tls = app.settings.public_url.as_deref().is_some_and(|url| url.starts_with("https://"));
            ([(header::SET_COOKIE, access::cookie(given, under_tls))], Redirect::to("/")).into_response()
        }
        Some(_) => {
            warn!("a sign-in to the console was refused");
            (StatusCode::UNAUTHORIZED, Page(SignInPage { refused: true })).into_response()
        }
        // Without a token the console is open to this machine alone; there is nothing to sign in to.
        None => Redirect::to("/").into_response(),
    }
}
