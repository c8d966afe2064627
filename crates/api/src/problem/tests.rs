//! Problems as they are written.

use axum::http::header;
use serde_json::{Value, json};
use store::StoreError;

use super::*;

fn body(problem: &Problem, request_id: Option<&str>) -> Value {
    serde_json::from_slice(&problem.written(request_id)).unwrap()
}

#[test]
fn a_problem_says_what_and_where_and_its_request() {
    let problem = Problem::invalid_field("/name", "is missing");
    let expected = json!({
        "type": "about:blank", "title": "Fields are not right", "status": 422, "code": "invalid",
        "detail": "one field is not right; see errors", "errors": [{ "field": "/name", "message": "is missing" }], "request_id": "r-1",
    });
    assert_eq!(body(&problem, Some("r-1")), expected);
    let headers = problem.into_response().headers().clone();
    assert_eq!(
        (headers[header::CONTENT_TYPE].as_bytes(), headers[header::CACHE_CONTROL].as_bytes()),
        (&b"application/problem+json"[..], &b"no-store"[..])
    );
}

#[test]
fn who_is_to_come_again_is_told_when_in_whole_seconds() {
    let header = |problem: Problem| problem.into_response().headers()[header::RETRY_AFTER].to_str().unwrap().to_owned();
    assert_eq!(header(Problem::too_many(Duration::from_millis(1200))), "2");
    assert_eq!(header(Problem::too_many(Duration::ZERO)), "1");
    assert_eq!(header(Problem::unavailable("database", "away")), "5");
}

#[test]
fn who_is_not_signed_in_is_told_how() {
    let response = Problem::unauthenticated("sign in").into_response();
    assert_eq!(response.headers()[header::WWW_AUTHENTICATE], "Bearer");
}

#[test]
fn at_most_fifty_fields_are_listed() {
    let many = (0..80).map(|number| FieldProblem { field: format!("/{number}"), message: "is wrong".into() }).collect();
    assert_eq!(Problem::invalid(many).errors.len(), MOST_FIELDS);
}

#[test]
fn faults_of_the_store_have_their_status_and_say_nothing_inside() {
    let status = |fault: StoreError| Problem::from(fault).status.as_u16();
    assert_eq!(status(StoreError::Changed { what: "agent" }), 412);
    assert_eq!(status(StoreError::Taken { what: "name" }), 409);
    assert_eq!(status(StoreError::InUse { what: "workspace" }), 409);
    assert_eq!(status(StoreError::Missing { what: "agent" }), 404);
    let inside = Problem::from(StoreError::corrupt("role", "secret-value"));
    assert_eq!(inside.status.as_u16(), 500);
    assert!(!inside.detail.contains("secret-value"));
}
