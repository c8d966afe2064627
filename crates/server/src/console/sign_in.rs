//! The pages by which people get in. What they do is done by the API; only the operator's token is taken here.

use axum::Form;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;
use subtle::ConstantTimeEq;
use tracing::warn;

use super::answer::Page;
use super::pages::{LinkPage, ReturnedPage, SignInPage, WorkspacePage};
use crate::state::App;

/// What stands in the operator's form.
#[derive(Deserialize)]
pub(super) struct Key {
    token: Option<String>,
}

/// `GET /sign-in`: the forms. The operator's way in from a link is `/sign-in#token=...`: what stands behind the # is sent to nobody.
pub(super) async fn sign_in(State(app): State<App>) -> impl IntoResponse {
    Page(page(&app, false))
}

/// `POST /sign-in`: the operator's form comes back.
pub(super) async fn submit(State(app): State<App>, Form(key): Form<Key>) -> Response {
    let_in(&app, key.token.as_deref().unwrap_or_default())
}

fn page(app: &App, refused: bool) -> SignInPage {
    let openid = app.settings.people.openid.as_ref().map(|openid| openid.name.clone());
    SignInPage { top: None, refused, operator: app.settings.operator_token.is_some(), openid }
}

fn let_in(app: &App, given: &str) -> Response {
    match &app.settings.operator_token {
        Some(token) if token.expose().as_bytes().ct_eq(given.as_bytes()).into() => {
            let mut response = Redirect::to("/").into_response();
            if let Some(cookie) = api::cookie::set_operator(&app.api.settings, token) {
                response.headers_mut().insert(header::SET_COOKIE, cookie);
            }
            response
        }
        Some(_) => {
            warn!("a sign-in to the console with an operator token was refused");
            (StatusCode::UNAUTHORIZED, Page(page(app, true))).into_response()
        }
        None => Redirect::to("/sign-in").into_response(),
    }
}

/// `GET /sign-in/openid`: the provider sent the browser back.
pub(super) async fn returned() -> impl IntoResponse {
    Page(ReturnedPage { top: None })
}

/// `GET /workspace`: for who belongs to several, and has not chosen.
pub(super) async fn workspace() -> impl IntoResponse {
    Page(WorkspacePage { top: None })
}

/// `GET /first-admin`: the link that is printed at the first start leads here.
pub(super) async fn first_admin() -> impl IntoResponse {
    Page(LinkPage {
        top: None,
        title: "The first account",
        action: "first-admin",
        text: "You will be the administrator of this installation. The link works once.",
        button: "Make the account",
        asks_email: true,
        asks_name: true,
    })
}

/// `GET /invitation`
pub(super) async fn invitation() -> impl IntoResponse {
    Page(LinkPage {
        top: None,
        title: "Accept the invitation",
        action: "invitation",
        text: "Choose a name and a password. If you have an account here already, give its password and leave the name empty.",
        button: "Accept",
        asks_email: false,
        asks_name: true,
    })
}

/// `GET /reset`
pub(super) async fn reset() -> impl IntoResponse {
    Page(LinkPage {
        top: None,
        title: "A new password",
        action: "reset",
        text: "You are signed out everywhere when it is set.",
        button: "Set the password",
        asks_email: false,
        asks_name: false,
    })
}
