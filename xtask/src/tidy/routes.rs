//! Every address of the server is a row of the API's table, with its permission and rate, or stands here by name.

use super::Finding;
use crate::code::has_word;
use crate::workspace::Workspace;

/// Where servers are made. The one call without a literal path is the table's own.
const SERVERS: [&str; 2] = ["crates/api/src/", "crates/server/src/"];
const TABLE: &str = "crates/api/src/table.rs";

/// Addresses outside of the table: each checks who asks in its own way.
const OUTSIDE: [&str; 34] = [
    // The console: whoever may see calls, by one check in front of all.
    "/",
    "/calls/{id}",
    "/people",
    "/talk",
    "/console/live",
    "/console/calls",
    "/console/calls/{id}",
    // One's own account, for who is signed in.
    "/account",
    "/account/qr",
    // The doors, and what makes them look right.
    "/sign-in",
    "/sign-in/openid",
    "/workspace",
    "/first-admin",
    "/invitation",
    "/reset",
    "/assets/{*path}",
    // Machines: health and metrics say little, or want the operator.
    "/health",
    "/health/live",
    "/health/ready",
    "/health/db",
    "/health/redis",
    "/health/detailed",
    "/metrics",
    // Carriers: signed requests, a token for each stream, and sentences that everybody may hear.
    "/webhooks/twilio/voice",
    "/webhooks/twilio/answer",
    "/webhooks/twilio/action",
    "/webhooks/twilio/status",
    "/webhooks/telnyx/voice",
    "/webhooks/telnyx/answer",
    "/webhooks/telnyx/action",
    "/webhooks/telnyx/status",
    "/ws/telephony/twilio/{agent_id}",
    "/ws/telephony/telnyx/{agent_id}",
    "/audio/refusals/{agent}/{file}",
];

/// Ways to answer addresses that no list of paths would show.
const HIDDEN: [&str; 5] = ["route_service", "nest", "nest_service", "fallback_service", "any_service"];

/// The one that says that nothing is there: a test of the running server asks it.
const NOWHERE: (&str, &str) = ("crates/server/src/routes.rs", ".fallback_service(unknown)");

/// Nothing is answered that is neither in the table nor in the list.
pub(super) fn every_address_is_in_the_table(workspace: &Workspace) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in workspace.sources().filter(|file| SERVERS.iter().any(|folder| file.path.starts_with(folder))) {
        for (at, line) in file.text.lines().enumerate().filter(|(_, line)| !line.trim_start().starts_with("//")) {
            let nowhere = file.path == NOWHERE.0 && line.contains(NOWHERE.1);
            let hidden = HIDDEN.iter().filter(|_| !nowhere).find(|word| line.contains(&format!(".{word}(")) && has_word(line, word));
            let reason = match (hidden, address(line)) {
                (Some(word), _) => {
                    format!("`{word}` answers addresses that cannot be seen here: name each with `route`, or put it into the table")
                }
                (None, Some(path)) if OUTSIDE.contains(&path) => continue,
                (None, Some(path)) => format!("{path:?} is not in the API's table, so nothing says who may and how often: add a row there"),
                (None, None) if line.contains(".route(") && file.path != TABLE => {
                    "write the address as text where it is routed, so that it can be looked up".to_owned()
                }
                (None, None) => continue,
            };
            findings.push(Finding::new(file, at + 1, reason));
        }
    }
    findings
}

/// The address that a line routes, when it stands there as text.
fn address(line: &str) -> Option<&str> {
    line.split_once(".route(\"")?.1.split('"').next()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workspace::sample;

    fn found(path: &str, line: &str) -> usize {
        every_address_is_in_the_table(&sample(&[(path, line)])).len()
    }

    #[test]
    fn an_address_outside_of_the_table_is_found() {
        assert_eq!(found("crates/server/src/x.rs", "router.route(\"/health\", get(health))"), 0);
        assert_eq!(found("crates/server/src/x.rs", "router.route(\"/api/v1/secrets\", get(all))"), 1);
        assert_eq!(found("crates/api/src/x.rs", "router.route(\"/debug\", get(all))"), 1);
        assert_eq!(found("crates/dial/src/x.rs", "router.route(\"/debug\", get(all))"), 0);
    }

    #[test]
    fn an_address_that_cannot_be_read_is_found() {
        assert_eq!(found("crates/server/src/x.rs", "router.route(&path, get(all))"), 1);
        assert_eq!(found(TABLE, "router = router.route(&path, methods);"), 0);
        assert_eq!(found("crates/server/src/x.rs", "router.nest(\"/debug\", others)"), 1);
        assert_eq!(found("crates/api/src/x.rs", "router.fallback_service(files)"), 1);
        assert_eq!(found("crates/api/src/x.rs", "// router.nest(\"/debug\", others)"), 0);
    }
}
