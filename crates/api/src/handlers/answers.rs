//! Answers that many handlers give, as the document names them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use store::{Page, Paged};
use utoipa::openapi::{ContentBuilder, Ref, RefOr, Response, ResponseBuilder};
use utoipa::{IntoParams, IntoResponses, ToSchema};
use uuid::Uuid;

use crate::extract::Paging;
use crate::problem::{MEDIA_TYPE, Problem};

/// One page of a list, newest first.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Listing<T> {
    items: Vec<T>,
    /// What to give as `after` for the next page; `null` when this is the last.
    next: Option<Uuid>,
}

impl<T> Listing<T> {
    /// The page of what `rows` look like from outside.
    pub(crate) fn of<R: Into<T>>(rows: Paged<R>) -> axum::Json<Self> {
        axum::Json(Self { items: rows.rows.into_iter().map(Into::into).collect(), next: rows.next })
    }
}

/// Which part of a list.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct PageParams {
    /// Most items of the answer; 50 unless said otherwise.
    #[param(minimum = 1, maximum = 200, required = false)]
    limit: Option<u32>,
    /// The items that follow this one: `next` of the page before.
    #[param(required = false)]
    after: Option<Uuid>,
}

impl PageParams {
    pub(crate) fn page(self) -> Result<Page, Problem> {
        Paging::page(self.limit, self.after)
    }
}

/// Something of this workspace, by its id.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(crate) struct IdParam {
    /// Its id.
    pub(crate) id: Uuid,
}

/// The version that was read.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Header)]
#[expect(dead_code, reason = "describes the header that IfMatch reads")]
pub(crate) struct IfMatchParam {
    /// The `ETag` that was answered: the change is made only while it is the present one. Left out: whatever it is.
    #[param(rename = "If-Match", required = false, pattern = r#"^(\*|(W/)?"[!#-~]*")$"#, example = "\"v3\"")]
    if_match: String,
}

macro_rules! problems {
    ($($(#[$doc:meta])* $name:ident = $status:literal $text:literal,)*) => {
        $($(#[$doc])*
        pub struct $name;

        impl IntoResponses for $name {
            fn responses() -> BTreeMap<String, RefOr<Response>> {
                let body = ContentBuilder::new().schema(Some(Ref::from_schema_name("Problem"))).build();
                let response = ResponseBuilder::new().description($text).content(MEDIA_TYPE, body).build();
                BTreeMap::from([($status.to_owned(), RefOr::T(response))])
            }
        })*
    };
}

problems! {
    /// 400.
    BadRequest = "400" "The request cannot be read.",
    /// 401 of what is public.
    WrongCredentials = "401" "The address, password, code, ticket or token is not right, or not any more; which of them is not said.",
    /// 404.
    NotFound = "404" "There is no such thing here; what belongs to another workspace looks the same.",
    /// 409.
    Conflict = "409" "It does not fit what is there: a name or number is taken, something still uses it, or somebody would be missing.",
    /// 410.
    Gone = "410" "The ticket is unknown, was used, or is too old.",
    /// 412.
    Changed = "412" "It was changed since the version of If-Match was read, or since the time of If-Unmodified-Since.",
    /// 416.
    NoSuchPart = "416" "It has no such part; Content-Range says how long it is.",
    /// 422.
    Invalid = "422" "Fields are not right; all of them are listed.",
}
