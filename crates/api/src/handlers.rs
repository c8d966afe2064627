//! The handlers of people and business data, and who may ask for what.

mod accounts;
mod agents;
pub mod answers;
mod api_keys;
mod audit;
mod auth;
mod check;
mod clock;
mod members;
mod patch;
mod permissions;
mod phone_numbers;
mod privacy;
mod providers;
mod tools;
mod workspaces;

use people::Permission as P;
use utoipa_axum::routes;

pub use self::privacy::{Erasures, RecordingFiles};
pub use self::providers::{Provider, sealed_for};
pub use self::tools::tool_sealed_for;
use crate::limits::Budget::{Costly, Login, Read, Write};
use crate::table::Access::{Needs, Public, SignedIn};
use crate::table::Table;

/// Longest body that carries an agent's dialogue, bytes: 200,000 letters, some of them written as escapes.
const AGENT_BODY: usize = 1024 * 1024;

/// All of them.
pub fn table() -> Table {
    signing_in().merge(own_account()).merge(people()).merge(workspace()).merge(dialogues()).merge(oversight())
}

fn signing_in() -> Table {
    Table::new()
        .add(routes!(auth::login), Public, Login)
        .add(routes!(auth::second_factor), Public, Login)
        .add(routes!(auth::refresh), Public, Write)
        .add(routes!(auth::links::first_admin), Public, Login)
        .add(routes!(auth::links::accept_invitation), Public, Login)
        .add(routes!(auth::links::reset_password), Public, Login)
        .add(routes!(auth::openid::begin), Public, Login)
        .add(routes!(auth::openid::finish), Public, Login)
}

fn own_account() -> Table {
    Table::new()
        .add(routes!(auth::account::me), SignedIn, Read)
        .add(routes!(auth::logout), SignedIn, Write)
        .add(routes!(auth::account::choose_workspace), SignedIn, Write)
        .add(routes!(auth::account::change_password), SignedIn, Login)
        .add(routes!(auth::links::join), SignedIn, Login)
        .add(routes!(auth::own_sessions::list), SignedIn, Read)
        .add(routes!(auth::own_sessions::end_all), SignedIn, Write)
        .add(routes!(auth::own_sessions::end), SignedIn, Write)
        .add(routes!(auth::second_factor::begin), SignedIn, Login)
        .add(routes!(auth::second_factor::confirm), SignedIn, Login)
        .add(routes!(auth::second_factor::remove), SignedIn, Login)
        .add(routes!(auth::second_factor::recovery_codes), SignedIn, Login)
        .add(routes!(auth::second_factor::verify), SignedIn, Login)
}

fn people() -> Table {
    Table::new()
        .add(routes!(members::list), Needs(&[P::UserView]), Read)
        .add(routes!(members::invite), Needs(&[P::UserCreate]), Costly)
        .add(routes!(members::get), Needs(&[P::UserView]), Read)
        .add(routes!(members::change), Needs(&[P::UserUpdate]), Write)
        .add(routes!(members::remove), Needs(&[P::UserDelete]), Write)
        .add(routes!(members::access::sessions), Needs(&[P::UserUpdate]), Read)
        .add(routes!(members::access::end_sessions), Needs(&[P::UserUpdate]), Write)
        .add(routes!(members::access::end_session), Needs(&[P::UserUpdate]), Write)
        .add(routes!(members::access::remove_second_factor), Needs(&[P::UserUpdate]), Write)
        .add(routes!(members::access::start_password_reset), Needs(&[P::UserUpdate]), Costly)
        .add(routes!(api_keys::list), Needs(&[P::KeyManage]), Read)
        .add(routes!(api_keys::create), Needs(&[P::KeyManage]), Write)
        .add(routes!(api_keys::get), Needs(&[P::KeyManage]), Read)
        .add(routes!(api_keys::revoke), Needs(&[P::KeyManage]), Write)
        .add(routes!(accounts::get), Needs(&[P::SystemAdmin]), Read)
        .add(routes!(accounts::change), Needs(&[P::SystemAdmin]), Write)
        .add(routes!(accounts::remove), Needs(&[P::SystemAdmin]), Write)
        .add(routes!(permissions::list), SignedIn, Read)
}

fn workspace() -> Table {
    Table::new()
        .add(routes!(workspaces::list), SignedIn, Read)
        .add(routes!(workspaces::create), Needs(&[P::WorkspaceCreate]), Write)
        .add(routes!(workspaces::get), Needs(&[P::WorkspaceView]), Read)
        .add(routes!(workspaces::change), Needs(&[P::WorkspaceUpdate]), Write)
        .add(routes!(workspaces::remove), Needs(&[P::WorkspaceDelete]), Write)
        .add(routes!(providers::list), Needs(&[P::WorkspaceUpdate]), Read)
        .add(routes!(providers::set), Needs(&[P::WorkspaceUpdate]), Write)
        .add(routes!(providers::remove), Needs(&[P::WorkspaceUpdate]), Write)
}

fn dialogues() -> Table {
    Table::new()
        .add(routes!(agents::choices), Needs(&[P::AgentView]), Read)
        .add(routes!(agents::list), Needs(&[P::AgentView]), Read)
        .add(routes!(agents::create), Needs(&[P::AgentManage]), Write)
        .with_body(AGENT_BODY)
        .add(routes!(agents::get), Needs(&[P::AgentView]), Read)
        .add(routes!(agents::change), Needs(&[P::AgentManage]), Write)
        .with_body(AGENT_BODY)
        .add(routes!(agents::remove), Needs(&[P::AgentManage]), Write)
        .add(routes!(tools::list), Needs(&[P::AgentView]), Read)
        .add(routes!(tools::create), Needs(&[P::AgentManage]), Write)
        .add(routes!(tools::get), Needs(&[P::AgentView]), Read)
        .add(routes!(tools::change), Needs(&[P::AgentManage]), Write)
        .add(routes!(tools::remove), Needs(&[P::AgentManage]), Write)
        .add(routes!(phone_numbers::list), Needs(&[P::AgentView]), Read)
        .add(routes!(phone_numbers::create), Needs(&[P::AgentManage]), Write)
        .add(routes!(phone_numbers::get), Needs(&[P::AgentView]), Read)
        .add(routes!(phone_numbers::change), Needs(&[P::AgentManage]), Write)
        .add(routes!(phone_numbers::remove), Needs(&[P::AgentManage]), Write)
}

fn oversight() -> Table {
    Table::new()
        .add(routes!(audit::list), Needs(&[P::AuditView]), Read)
        .add(routes!(self::privacy::export), Needs(&[P::PrivacyExport]), Costly)
        .add(routes!(self::privacy::erase), Needs(&[P::PrivacyErase]), Costly)
        .add(routes!(self::privacy::log), Needs(&[P::AuditView]), Read)
}
