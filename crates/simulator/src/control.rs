//! How vendors behave, over HTTP: `GET /simulator`, `GET` and `PUT /simulator/{vendor}`.

use std::collections::BTreeMap;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::routing::get;
use axum::{Json, Router};
use serde::Serialize;

use crate::server::Stage;
use crate::{Behaviour, Plan, Seen, Vendor};

#[derive(Serialize)]
struct Standing {
    behaviour: Behaviour,
    seen: Seen,
}

pub(crate) fn router(stage: &Stage) -> Router {
    Router::new().route("/simulator", get(all)).route("/simulator/{vendor}", get(one).put(set)).with_state(stage.plan.clone())
}

async fn all(State(plan): State<Plan>) -> Json<BTreeMap<&'static str, Standing>> {
    Json(Vendor::ALL.iter().map(|vendor| (vendor.as_str(), standing(&plan, *vendor))).collect())
}

async fn one(State(plan): State<Plan>, Path(name): Path<String>) -> Result<Json<Standing>, (StatusCode, String)> {
    Ok(Json(standing(&plan, named(&name)?)))
}

async fn set(
    State(plan): State<Plan>,
    Path(name): Path<String>,
    Json(behaviour): Json<Behaviour>,
) -> Result<Json<Standing>, (StatusCode, String)> {
    let vendor = named(&name)?;
    plan.strike(vendor, behaviour);
    Ok(Json(standing(&plan, vendor)))
}

fn standing(plan: &Plan, vendor: Vendor) -> Standing {
    Standing { behaviour: plan.behaviour(vendor), seen: plan.seen(vendor) }
}

fn named(name: &str) -> Result<Vendor, (StatusCode, String)> {
    let known = || Vendor::ALL.iter().map(|vendor| vendor.as_str()).collect::<Vec<_>>().join(", ");
    Vendor::parse(name).ok_or_else(|| (StatusCode::NOT_FOUND, format!("no vendor is called {name:?}; there are: {}\n", known())))
}
