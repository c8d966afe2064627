//! What is asked for, and what it may cost.

/// What requests need of the server they go to.
pub(super) struct With {
    pub(super) token: String,
    pub(super) key: String,
    /// Of one call.
    pub(super) call: String,
}

/// Who asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum By {
    Token,
    Key,
    /// With a token that nobody gave out.
    Nobody,
}

/// One kind of request. Limits are for 16 connections: what a room full of consoles and programs has open at once.
#[derive(Debug)]
pub(super) struct Case {
    pub(super) name: &'static str,
    pub(super) by: By,
    path: &'static str,
    pub(super) status: u16,
    /// Makes an API key, each time under a new `Idempotency-Key`.
    pub(super) makes: bool,
    /// Most CPU time, as a multiple of the bare handler's.
    pub(super) cpu_limit: f64,
    /// Longest wait of 99 in 100, ms.
    pub(super) p99_limit: f64,
}

/// The limits, and why:
/// - a refusal costs the table, the address's rate and one signature that is wrong, no database: at most 3 bare answers;
/// - one call is one read by its key, its turns and tools, and the caller's own look-up is kept for seconds: at most 12;
/// - a page is 51 rows read and written as JSON, where the bare handler copies bytes: at most 40;
/// - making is a claim, a transaction with its line in the trail, and the answer sealed and kept: at most 60.
///
/// Every page and every call within 20 ms, as lists on PostgreSQL have to be; a write, which waits for the file's one writer, within 100 ms.
pub(super) const ALL: &[Case] = &[
    Case { name: "a call, by token", by: By::Token, path: ONE, status: 200, makes: false, cpu_limit: 12.0, p99_limit: 20.0 },
    Case { name: "a call, by API key", by: By::Key, path: ONE, status: 200, makes: false, cpu_limit: 12.0, p99_limit: 20.0 },
    Case {
        name: "a page of 50 calls",
        by: By::Token,
        path: "/api/v1/calls?limit=50",
        status: 200,
        makes: false,
        cpu_limit: 40.0,
        p99_limit: 20.0,
    },
    Case {
        name: "an API key is made",
        by: By::Token,
        path: "/api/v1/api-keys",
        status: 201,
        makes: true,
        cpu_limit: 60.0,
        p99_limit: 100.0,
    },
    Case { name: "nobody: 401", by: By::Nobody, path: "/api/v1/agents", status: 401, makes: false, cpu_limit: 3.0, p99_limit: 20.0 },
];

/// The place of a call's id.
const ONE: &str = "/api/v1/calls/{call}";

impl Case {
    pub(super) fn path(&self, with: &With) -> String {
        self.path.replace("{call}", &with.call)
    }

    /// The method, and the path as it is asked for.
    pub(super) fn target(&self, with: &With) -> String {
        format!("{} {}", if self.makes { "POST" } else { "GET" }, self.path(with))
    }

    /// The request's bytes; `number` is another one each time.
    pub(super) fn request(&self, with: &With, number: u64) -> Vec<u8> {
        let bearer = match self.by {
            By::Token => &with.token,
            By::Key => &with.key,
            By::Nobody => "nobody.gave.this",
        };
        let head = format!("{} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {bearer}\r\n", self.target(with));
        let body = format!(r#"{{"name":"Key {number}","scopes":["call:view"]}}"#);
        let rest = match self.makes {
            true => {
                format!("Content-Type: application/json\r\nIdempotency-Key: bench-{number}\r\nContent-Length: {}\r\n\r\n{body}", body.len())
            }
            false => "\r\n".to_owned(),
        };
        (head + &rest).into_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_whole_and_name_who_asks() {
        let with = With { token: "t".into(), key: "vnk_k".into(), call: "0199".into() };
        let text = |case: usize| String::from_utf8(ALL[case].request(&with, 7)).unwrap();
        assert!(text(1).starts_with("GET /api/v1/calls/0199 HTTP/1.1\r\n") && text(1).contains("Bearer vnk_k\r\n\r\n"));
        let made = text(3);
        let (head, body) = made.split_once("\r\n\r\n").unwrap();
        assert!(head.contains("Idempotency-Key: bench-7") && head.ends_with(&format!("Content-Length: {}", body.len())));
    }
}
