//! A person or a program that uses the API of a server under test.

use anyhow::{Context, Result, ensure};
use dial::Url;
use reqwest::{Method, RequestBuilder, Response, StatusCode};
use serde_json::{Value, json};

/// Mail address and password of the first administrator.
pub const ADMINISTRATOR: (&str, &str) = ("ann@example.com", "correct horse battery staple 7");

/// Somebody with an access token.
#[derive(Clone)]
pub struct ApiClient {
    http: reqwest::Client,
    url: Url,
    token: String,
    refresh: Option<String>,
}

impl ApiClient {
    /// Somebody who has a token already: an API key, or the operator.
    pub fn with_token(http: &reqwest::Client, url: &Url, token: impl Into<String>) -> Self {
        Self { http: http.clone(), url: url.clone(), token: token.into(), refresh: None }
    }

    /// Signs in with a password; an account with a second factor is an error here.
    pub async fn sign_in(http: &reqwest::Client, url: &Url, email: &str, password: &str) -> Result<Self> {
        let request = http.post(url.join("/api/v1/auth/login")?).json(&json!({ "email": email, "password": password }));
        let (status, body) = read(request.send().await?).await?;
        ensure!(status == StatusCode::OK, "the sign-in was refused: {status} {body}");
        let text = |name: &str| body[name].as_str().map(str::to_owned);
        let token = text("access_token").with_context(|| format!("no token in {body}"))?;
        Ok(Self { refresh: text("refresh_token"), ..Self::with_token(http, url, token) })
    }

    /// The access token.
    pub fn token(&self) -> &str {
        &self.token
    }

    /// The refresh token of the sign-in; it works once.
    pub fn refresh_token(&self) -> Option<&str> {
        self.refresh.as_deref()
    }

    /// A request with the token; with an empty one, of nobody.
    pub fn request(&self, method: Method, path: &str) -> Result<RequestBuilder> {
        let request = self.http.request(method, self.url.join(path)?);
        Ok(if self.token.is_empty() { request } else { request.bearer_auth(&self.token) })
    }

    /// What a GET answers, which must be 200.
    pub async fn get(&self, path: &str) -> Result<Value> {
        let (status, body) = read(self.request(Method::GET, path)?.send().await?).await?;
        ensure!(status == StatusCode::OK, "GET {path}: {status} {body}");
        Ok(body)
    }

    /// What a POST answers, which must be a success.
    pub async fn post(&self, path: &str, body: &Value) -> Result<Value> {
        let (status, answer) = read(self.request(Method::POST, path)?.json(body).send().await?).await?;
        ensure!(status.is_success(), "POST {path}: {status} {answer}");
        Ok(answer)
    }

    /// Status and body of any request; a body that is not JSON is given as a string.
    pub async fn send(&self, method: Method, path: &str, body: Option<&Value>) -> Result<(StatusCode, Value)> {
        let mut request = self.request(method, path)?;
        if let Some(body) = body {
            request = request.json(body);
        }
        read(request.send().await?).await
    }
}

async fn read(answer: Response) -> Result<(StatusCode, Value)> {
    let (status, text) = (answer.status(), answer.text().await?);
    Ok((status, serde_json::from_str(&text).unwrap_or(Value::String(text))))
}
