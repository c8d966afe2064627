//! The steps before every handler, in their order: client's address, its rate limit, other sites, authentication, the caller's rate limit,
//! permission, idempotency, time limit.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{ConnectInfo, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use call::Timestamp;
use live::Ask;
use people::{Client, Permission, Principal, Who};
use privacy::pseudonym;

use crate::address::{client_address, counted};
use crate::audited::{Act, refused};
use crate::etag::not_modified;
use crate::extract::{Caller, ClientInfo};
use crate::limits::{Budget, Counted, Left, headers as limit_headers, retry_after};
use crate::problem::Problem;
use crate::request_id::RequestId;
use crate::state::ApiState;
use crate::table::{Access, Row};
use crate::{access, idempotency, origin};

/// A request that is neither a stream nor costly is answered within this time. What the server answers beside the API has the same limit.
pub(crate) const REQUEST_LIMIT: Duration = Duration::from_secs(10);
/// The same for what is costly: an export looks through a whole workspace.
pub(crate) const COSTLY_LIMIT: Duration = Duration::from_secs(60);
/// Most of a `User-Agent` that is kept, bytes.
const USER_AGENT: usize = 200;

/// Stands before the methods of one address.
pub(crate) struct Gate {
    pub(crate) state: ApiState,
    pub(crate) rows: Vec<Row>,
}

/// Middleware.
pub(crate) async fn pass(State(gate): State<Arc<Gate>>, request: Request, next: Next) -> Response {
    let method = if request.method() == Method::HEAD { Method::GET } else { request.method().clone() };
    let Some(row) = gate.rows.iter().find(|row| row.method == method) else {
        return Problem::internal_because(&"a method of a handler is not in the table").into_response();
    };
    let mut left = Vec::new();
    let limit = time_limit(row.budget);
    let whole = async {
        match admitted(&gate.state, row, request, &mut left).await {
            Ok((caller, request)) => Box::pin(answered(&gate.state, row, caller, request, next, limit)).await,
            Err(problem) => problem.into_response(),
        }
    };
    // A database that is silent is waited for at every step: all of them together have the limit, too.
    let mut response = in_time(limit, Box::pin(whole)).await;
    for (name, value) in limit_headers(&left) {
        if let (false, Ok(value)) = (left.is_empty(), HeaderValue::from_str(&value)) {
            response.headers_mut().insert(HeaderName::from_static(name), value);
        }
    }
    response
}

/// The request with its caller, who may do it. `left` gets what is left of the rates on the way.
async fn admitted(state: &ApiState, row: &Row, mut request: Request, left: &mut Vec<Left>) -> Result<(Option<Caller>, Request), Problem> {
    let Some(ConnectInfo(peer)) = request.extensions().get::<ConnectInfo<SocketAddr>>().copied() else {
        return Err(Problem::internal_because(&"the server does not tell who is at the other end of its sockets"));
    };
    let client = client(state, &request, peer);
    within(state, &by_address(state, row.budget, &client), left).await?;
    request.extensions_mut().insert(ClientInfo(client.clone()));
    origin::check(request.method(), request.headers(), &state.settings)?;
    if row.access == Access::Public {
        return Ok((None, request));
    }
    let principal = Box::pin(access::authenticate(state, request.headers(), peer, &client, Timestamp::now())).await?;
    within(state, &by_principal(state, row.budget, &principal), left).await?;
    let caller = Caller { principal, client };
    permitted(state, row, &caller).await?;
    request.extensions_mut().insert(caller.clone());
    Ok((Some(caller), request))
}

async fn answered(state: &ApiState, row: &Row, caller: Option<Caller>, request: Request, next: Next, limit: Option<Duration>) -> Response {
    let (method, asked) = (request.method().clone(), request.headers().get(header::IF_NONE_MATCH).cloned());
    let work = move |request: Request| in_time(limit, next.run(request));
    let response = match caller {
        Some(caller) if row.creates => idempotency::once(state, row, &caller, request, work).await,
        _ => work(request).await,
    };
    not_modified(&method, asked.as_ref(), response)
}

/// How long an answer may take; streams have no end.
const fn time_limit(budget: Budget) -> Option<Duration> {
    match budget {
        Budget::Stream => None,
        Budget::Costly => Some(COSTLY_LIMIT),
        Budget::Login | Budget::Read | Budget::Write => Some(REQUEST_LIMIT),
    }
}

async fn in_time(limit: Option<Duration>, work: impl Future<Output = Response>) -> Response {
    let Some(limit) = limit else { return work.await };
    match tokio::time::timeout(limit, work).await {
        Ok(response) => response,
        Err(_) => {
            let detail = format!("this took longer than {} s and was given up; try again", limit.as_secs());
            Problem::unavailable("timeout", detail).into_response()
        }
    }
}

fn client(state: &ApiState, request: &Request, peer: SocketAddr) -> Client {
    let headers = request.headers();
    Client {
        address: client_address(peer.ip(), headers, &state.settings.trusted_proxies),
        user_agent: user_agent(headers),
        request_id: request.extensions().get::<RequestId>().map(|id| id.as_str().to_owned()).unwrap_or_default(),
        claim: None,
    }
}

/// What browsers and programs call themselves, fit for a list.
fn user_agent(headers: &HeaderMap) -> String {
    let text = headers.get(header::USER_AGENT).map(|value| String::from_utf8_lossy(value.as_bytes())).unwrap_or_default();
    let mut kept = String::new();
    for letter in text.chars().filter(|letter| !letter.is_control()) {
        if kept.len() + letter.len_utf8() > USER_AGENT {
            break;
        }
        kept.push(letter);
    }
    kept
}

async fn within(state: &ApiState, counted: &[Counted], left: &mut Vec<Left>) -> Result<(), Problem> {
    match state.limits.take(counted).await {
        Ok(more) => {
            left.extend(more);
            Ok(())
        }
        Err(refusing) => {
            let problem = Problem::too_many(retry_after(&refusing));
            left.extend(refusing);
            Err(problem)
        }
    }
}

fn by_address(state: &ApiState, budget: Budget, client: &Client) -> Vec<Counted> {
    let (rates, address) = (state.limits.rates(), counted(client.address).to_string());
    let mut all = vec![Counted { name: "address", ask: Ask { key: key(state, &["address", &address]), rate: rates.address } }];
    if budget == Budget::Login {
        all.push(Counted { name: budget.as_str(), ask: Ask { key: key(state, &["login", &address]), rate: rates.login } });
    }
    all
}

fn by_principal(state: &ApiState, budget: Budget, principal: &Principal) -> Vec<Counted> {
    let (rates, class) = (state.limits.rates(), budget.as_str());
    let who = match principal.who {
        Who::User { id, .. } => format!("user {id}"),
        Who::ApiKey { id } => format!("key {id}"),
        Who::Operator => "operator".to_owned(),
    };
    let mut all = vec![Counted { name: class, ask: Ask { key: key(state, &[class, &who]), rate: rates.of(budget) } }];
    if let Some(tenant) = principal.tenant {
        all.push(Counted {
            name: "workspace",
            ask: Ask { key: key(state, &["workspace", class, &tenant.to_string()]), rate: rates.of_workspace(budget) },
        });
    }
    all
}

/// Addresses of people must not stand in the keys of a shared server, nor a digest that everybody could compute of all addresses.
fn key(state: &ApiState, parts: &[&str]) -> String {
    pseudonym(&state.pseudonym_key, "rate", &parts.join("\n"))
}

async fn permitted(state: &ApiState, row: &Row, caller: &Caller) -> Result<(), Problem> {
    let Access::Needs(needed) = row.access else { return Ok(()) };
    let lacking: Vec<&str> =
        needed.iter().filter(|permission| !caller.principal.may(**permission)).map(|permission| Permission::as_str(*permission)).collect();
    if lacking.is_empty() {
        return Ok(());
    }
    let act = Act::new("access.refuse", "operation").on(&row.operation).with(serde_json::json!({ "lacking": lacking }));
    refused(state, caller, act, "permission").await;
    let detail = format!("this needs the permission {}; ask an administrator of the workspace", lacking.join(" and "));
    Err(Problem::forbidden("permission", detail))
}
