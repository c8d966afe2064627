//! Headers of requests and answers that come from the table, as the document names them.

use axum::http::Method;
use utoipa::openapi::header::{Header, HeaderBuilder};
use utoipa::openapi::path::{Operation, Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::schema::{Object, ObjectBuilder, Type};
use utoipa::openapi::{RefOr, Required, Response, ResponseBuilder};

use crate::table::Row;

/// Adds what the steps before and after the handler read and write.
pub(super) fn add(operation: &mut Operation, row: &Row) {
    if row.creates {
        operation.parameters.get_or_insert_default().push(idempotency_key().into());
    }
    if row.method == Method::GET && has_etag(operation) {
        operation.parameters.get_or_insert_default().push(if_none_match().into());
        let known = || RefOr::T(ResponseBuilder::new().description("You have it: If-None-Match names the present version.").build());
        operation.responses.responses.entry("304".to_owned()).or_insert_with(known);
    }
    for (status, response) in &mut operation.responses.responses {
        if let RefOr::T(response) = response {
            of_answer(status, row, response);
        }
    }
}

fn has_etag(operation: &Operation) -> bool {
    matches!(operation.responses.responses.get("200"), Some(RefOr::T(response)) if response.headers.contains_key("ETag"))
}

fn of_answer(status: &str, row: &Row, response: &mut Response) {
    let success = status.starts_with('2');
    let text = || ObjectBuilder::new().schema_type(Type::String);
    let seconds = || ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(1));
    let all = [
        (success || status == "429", "RateLimit-Policy", text(), "The rates that this is counted under: q requests in w seconds."),
        (success || status == "429", "RateLimit", text(), "What is left of them: r requests; in t seconds all are free again."),
        (status == "429" || status == "503", "Retry-After", seconds(), "When to come again, seconds."),
        (status == "401", "WWW-Authenticate", text(), "How to sign in."),
        (success && row.creates, "Idempotency-Replayed", text(), "`true` when this is the first answer again."),
    ];
    for (applies, name, schema, about) in all {
        if applies {
            response.headers.entry(name.to_owned()).or_insert_with(|| header(schema.build(), about).into());
        }
    }
}

fn header(schema: Object, about: &str) -> Header {
    HeaderBuilder::new().schema(Some(schema)).description(Some(about)).build()
}

fn if_none_match() -> Parameter {
    let about = "The `ETag` of the version you have: when it is the present one, the answer is 304 without a body.";
    optional("If-None-Match", about, ObjectBuilder::new().schema_type(Type::String))
}

fn idempotency_key() -> Parameter {
    let about = "A text of your own, new for each request: sent again with the same request, the first answer is repeated.";
    let text = ObjectBuilder::new().schema_type(Type::String).min_length(Some(1)).max_length(Some(255)).pattern(Some("^[!-~]+$"));
    optional("Idempotency-Key", about, text)
}

fn optional(name: &str, about: &str, text: ObjectBuilder) -> Parameter {
    let parameter = ParameterBuilder::new().name(name).parameter_in(ParameterIn::Header).required(Required::False);
    parameter.description(Some(about)).schema(Some(text.build())).build()
}
