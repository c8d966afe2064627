//! The pages, as templates with what they show.

use askama::Template;
use people::{Permission, Principal};

use super::views::{CallView, Entry, Moment, ReservationView, Waiting};

/// Calls, bookings and messages: all that changes on the dashboard, and what it asks for every two seconds.
#[derive(Template)]
#[template(path = "board.html")]
pub(super) struct BoardPart {
    pub(super) board: Board,
}

/// The lists.
pub(super) struct Board {
    pub(super) live: Vec<CallView>,
    /// Offered, and not on the line yet.
    pub(super) ringing: Vec<CallView>,
    pub(super) finished: Vec<CallView>,
    pub(super) taken: usize,
    pub(super) limit: usize,
    /// Where older calls begin.
    pub(super) next: Option<String>,
    /// True when this is not the newest page.
    pub(super) paged: bool,
    pub(super) refresh_path: String,
    /// `None` when the hotel's books cannot be read.
    pub(super) reservations: Option<Vec<ReservationView>>,
    pub(super) messages: Vec<MessageView>,
}

/// What the head of the pages behind the doors leads to.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Top {
    /// Somebody with an account looks, who may sign out.
    pub(super) person: bool,
    /// They may see who works here.
    pub(super) people: bool,
}

impl Top {
    pub(super) fn of(principal: &Principal) -> Option<Self> {
        Some(Self { person: principal.user().is_some(), people: principal.may(Permission::UserView) })
    }
}

/// `/`
#[derive(Template)]
#[template(path = "dashboard.html")]
pub(super) struct Dashboard {
    pub(super) top: Option<Top>,
    pub(super) notices: Vec<String>,
    pub(super) board: Board,
}

/// A message a caller left.
pub(super) struct MessageView {
    pub(super) call_id: String,
    pub(super) at: Moment,
    pub(super) name: String,
    pub(super) phone: String,
    pub(super) text: String,
}

/// `/calls/{id}`
#[derive(Template)]
#[template(path = "call.html")]
pub(super) struct CallPage {
    pub(super) top: Option<Top>,
    pub(super) call: CallView,
    pub(super) waiting: Option<Waiting>,
    pub(super) entries: Vec<Entry>,
    pub(super) has_recording: bool,
    pub(super) live: bool,
}

/// What is said in a live call: a part of its page.
#[derive(Template)]
#[template(path = "transcript.html")]
pub(super) struct TranscriptPart {
    pub(super) entries: Vec<Entry>,
    pub(super) has_recording: bool,
    pub(super) live: bool,
}

/// `/talk`
#[derive(Template)]
#[template(path = "talk.html")]
pub(super) struct TalkPage {
    pub(super) top: Option<Top>,
    pub(super) notices: Vec<String>,
    pub(super) agents: Vec<AgentChoice>,
}

/// An agent that can be called.
pub(super) struct AgentChoice {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) first: bool,
    pub(super) echo: bool,
}

/// `/sign-in`
#[derive(Template)]
#[template(path = "sign_in.html")]
pub(super) struct SignInPage {
    pub(super) top: Option<Top>,
    /// The operator token that was given is not the one.
    pub(super) refused: bool,
    /// There is an operator token.
    pub(super) operator: bool,
    /// The OpenID provider's name, where one is set.
    pub(super) openid: Option<String>,
}

/// `/first-admin`, `/invitation`, `/reset`: what links that work once lead to.
#[derive(Template)]
#[template(path = "account/link.html")]
pub(super) struct LinkPage {
    pub(super) top: Option<Top>,
    pub(super) title: &'static str,
    /// What `account.js` does with it.
    pub(super) action: &'static str,
    pub(super) text: &'static str,
    pub(super) button: &'static str,
    pub(super) asks_email: bool,
    pub(super) asks_name: bool,
}

/// `/sign-in/openid`
#[derive(Template)]
#[template(path = "account/returned.html")]
pub(super) struct ReturnedPage {
    pub(super) top: Option<Top>,
}

/// `/workspace`
#[derive(Template)]
#[template(path = "account/workspace.html")]
pub(super) struct WorkspacePage {
    pub(super) top: Option<Top>,
}

/// `/account`
#[derive(Template)]
#[template(path = "account/own.html")]
pub(super) struct AccountPage {
    pub(super) top: Option<Top>,
}

/// `/people`
#[derive(Template)]
#[template(path = "account/people.html")]
pub(super) struct PeoplePage {
    pub(super) top: Option<Top>,
    /// The person may invite.
    pub(super) invites: bool,
}

/// What is shown instead of a page that cannot be.
#[derive(Template)]
#[template(path = "problem.html")]
pub(super) struct ProblemPage {
    pub(super) top: Option<Top>,
    pub(super) title: &'static str,
    pub(super) detail: &'static str,
}
