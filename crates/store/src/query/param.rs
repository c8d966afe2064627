//! The values of a query, in the types that both databases keep.

use std::borrow::Cow;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff_sqlx::ToSqlx;
use serde_json::Value;
use sqlx::postgres::PgArguments;
use sqlx::sqlite::SqliteArguments;
use sqlx::types::Json;
use sqlx::{Arguments, Error};
use uuid::Uuid;

use crate::times::stored;

/// One value, or nothing of its type: PostgreSQL wants to know the type of a NULL too.
///
/// A NUL character cannot be stored by PostgreSQL; in texts and JSON it becomes U+FFFD, on both databases.
#[derive(Debug)]
pub struct Param<'q>(Typed<'q>);

#[derive(Debug)]
enum Typed<'q> {
    Id(Option<Uuid>),
    Text(Option<Cow<'q, str>>),
    Bytes(Option<Cow<'q, [u8]>>),
    Integer(Option<i64>),
    Real(Option<f32>),
    Flag(Option<bool>),
    Time(Option<jiff_sqlx::Timestamp>),
    Date(Option<jiff_sqlx::Date>),
    Json(Option<Json<Value>>),
}

/// Each type that can be bound, and how it is kept.
macro_rules! params {
    ($($type:ty as $kind:ident: |$value:ident| $kept:expr;)*) => {
        $(impl<'q> From<$type> for Param<'q> {
            fn from($value: $type) -> Self {
                Self(Typed::$kind(Some($kept)))
            }
        }

        impl<'q> From<Option<$type>> for Param<'q> {
            fn from(value: Option<$type>) -> Self {
                Self(Typed::$kind(value.map(|$value| $kept)))
            }
        })*
    };
}

params! {
    Uuid as Id: |id| id;
    &'q str as Text: |text| without_nul(Cow::Borrowed(text));
    &'q String as Text: |text| without_nul(Cow::Borrowed(text));
    &'q [u8] as Bytes: |bytes| Cow::Borrowed(bytes);
    &'q Vec<u8> as Bytes: |bytes| Cow::Borrowed(bytes.as_slice());
    &'q [u8; 32] as Bytes: |bytes| Cow::Borrowed(bytes.as_slice());
    Vec<u8> as Bytes: |bytes| Cow::Owned(bytes);
    String as Text: |text| without_nul(Cow::Owned(text));
    i64 as Integer: |number| number;
    u32 as Integer: |number| number.into();
    i8 as Integer: |number| number.into();
    f32 as Real: |number| number;
    bool as Flag: |flag| flag;
    Timestamp as Time: |at| stored(at);
    Date as Date: |date| date.to_sqlx();
}

impl Param<'_> {
    /// A JSON value.
    pub(super) fn json(mut value: Value) -> Self {
        strip_nul(&mut value);
        Self(Typed::Json(Some(Json(value))))
    }

    /// No JSON value, which is not the value `null`.
    pub(super) const fn no_json() -> Self {
        Self(Typed::Json(None))
    }
}

const REPLACEMENT: &str = "\u{FFFD}";

fn without_nul(text: Cow<'_, str>) -> Cow<'_, str> {
    if text.contains('\0') { Cow::Owned(text.replace('\0', REPLACEMENT)) } else { text }
}

/// The depth of the recursion is bounded: a value nested deeper than 128 is not parsed as JSON in the first place.
fn strip_nul(value: &mut Value) {
    match value {
        Value::String(text) if text.contains('\0') => *text = text.replace('\0', REPLACEMENT),
        Value::Array(values) => values.iter_mut().for_each(strip_nul),
        Value::Object(fields) => {
            fields.values_mut().for_each(strip_nul);
            if fields.keys().any(|key| key.contains('\0')) {
                *fields = std::mem::take(fields).into_iter().map(|(key, value)| (key.replace('\0', REPLACEMENT), value)).collect();
            }
        }
        _ => {}
    }
}

/// The same for the argument list of each database.
macro_rules! arguments {
    ($name:ident -> $arguments:ty, |$at:ident| $time:expr) => {
        pub(super) fn $name(params: Vec<Param<'_>>) -> Result<$arguments, Error> {
            let mut arguments = <$arguments>::default();
            for Param(param) in params {
                let added = match param {
                    Typed::Id(value) => arguments.add(value),
                    Typed::Text(value) => arguments.add(value.as_deref()),
                    Typed::Bytes(value) => arguments.add(value.as_deref()),
                    Typed::Integer(value) => arguments.add(value),
                    Typed::Real(value) => arguments.add(value),
                    Typed::Flag(value) => arguments.add(value),
                    Typed::Time(value) => arguments.add(value.map(|$at| $time)),
                    Typed::Date(value) => arguments.add(value),
                    Typed::Json(value) => arguments.add(value),
                };
                added.map_err(Error::Encode)?;
            }
            Ok(arguments)
        }
    };
}

// All with six digits after the point: SQLite compares times as texts.
arguments!(sqlite -> SqliteArguments, |at| format!("{:.6}", at.to_jiff()));
arguments!(postgres -> PgArguments, |at| at);
