//! A carrier's single questions, asked by a test: for calls whose stream is not the simulator's.

use anyhow::Result;
use call::Carrier;

use super::CarrierSimulator;
use super::document::Verb;
use super::plan::CallPlan;
use super::web::Web;

impl CarrierSimulator {
    /// A call comes in, for the first time or once more.
    pub async fn ask_voice(&self, plan: &CallPlan, call_id: &str) -> Result<Vec<Verb>> {
        let mut web = Web::new(self.http().clone(), self.server().clone(), self.keys.clone(), plan);
        call_id.clone_into(&mut web.call_id);
        let voice = web.voice_url()?;
        web.ask(voice.as_str(), "ringing", &[], || {}).await
    }

    /// The call's stream is over: how does it go on?
    pub async fn ask_action(&self, carrier: Carrier, call_id: &str) -> Result<Vec<Verb>> {
        self.web(carrier, call_id).ask(&format!("/webhooks/{carrier}/action"), "in-progress", &[], || {}).await
    }

    /// A transfer is over (`DialCallStatus`): how does the call go on? `status` is the caller's own.
    pub async fn ask_after_dial(&self, carrier: Carrier, call_id: &str, status: &str, outcome: &str) -> Result<Vec<Verb>> {
        let path = format!("/webhooks/{carrier}/action?after=dial");
        self.web(carrier, call_id).ask(&path, status, &[("DialCallStatus", outcome)], || {}).await
    }

    /// Tells how the call goes (`completed`, ...).
    pub async fn report(&self, carrier: Carrier, call_id: &str, status: &str) -> Result<()> {
        self.web(carrier, call_id).tell(&format!("/webhooks/{carrier}/status"), status, &[], || {}).await
    }

    fn web(&self, carrier: Carrier, call_id: &str) -> Web {
        let mut web = Web::new(self.http().clone(), self.server().clone(), self.keys.clone(), &CallPlan::new(carrier));
        call_id.clone_into(&mut web.call_id);
        web
    }
}
