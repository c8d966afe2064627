//! A server with some of everything in it, so that what is asked for is there now and then.

use std::path::Path;

use anyhow::{Context, Result};
use call::Carrier;
use dial::Script;
use people::Permission;
use reqwest::Method;
use serde_json::{Map, Value, json};
use testkit::{ADMINISTRATOR, ApiClient, OUTPUT, Server};

use crate::program;
use crate::roles::house::{House, PASSWORD, is};

pub(super) struct Stock {
    pub(super) house: House,
    /// The caller's account.
    pub(super) account: Value,
    /// By operation: the token of those that would end the caller's session or change its workspace; of all others under the empty name.
    pub(super) tokens: Map<String, Value>,
    /// By operation: `path` and `body` of a request that finds something.
    pub(super) known: Map<String, Value>,
}

impl Stock {
    /// Opens it; all that the server writes goes into this folder.
    pub(super) async fn open(output: &Path) -> Result<Self> {
        let settings = [
            (OUTPUT, output.to_str().context("path")?),
            ("LOG_LEVEL", "warn"),
            ("RATE_LIMIT_LOGIN", "1000000"),
            ("RATE_LIMIT_COSTLY", "1000000"),
            // A longer run goes on with the token it began with.
            ("ACCESS_TOKEN_LIFETIME", "900"),
        ];
        let server = Server::start_with(program(), &settings).await?;
        // Before the first account, while the records can be read without one.
        let call = server.call(Script::saying(Carrier::Twilio, ["what time is breakfast"])).await?;
        let ann = server.administrator().await?;
        let me = ann.get("/api/v1/auth/me").await?;
        let tokens = Map::from_iter([(String::new(), ann.token().into())]);
        let mut stock = Self { house: House { server, ann }, account: me["account"]["id"].clone(), tokens, known: Map::new() };
        stock.finds(&["getCall", "followCall", "getRecording", "hangUpCall"], json!({ "path": { "id": call.carrier_call_id } }));
        stock.finds(&["chooseWorkspace"], json!({ "body": { "workspace_id": me["workspace_id"] } }));
        stock.finds(&["getWorkspace", "changeWorkspace"], json!({ "path": { "id": me["workspace_id"] } }));
        stock.things().await?;
        stock.people().await?;
        stock.doors().await?;
        Ok(stock)
    }

    /// One row of each kind; their lists lead to them.
    async fn things(&mut self) -> Result<()> {
        let ann = &self.house.ann;
        let agent = ann.post("/api/v1/agents", &json!({ "name": "Front desk", "base": "hotel" })).await?;
        let number = json!({ "number": "+4930123456", "carrier": "twilio", "agent_id": agent["id"] });
        ann.post("/api/v1/phone-numbers", &number).await?;
        let key = json!({ "value": "sk-not-a-key-0123456789" });
        is(ann.send(Method::PUT, "/api/v1/settings/providers/openai", Some(&key)).await?, 200, "a provider's key")?;
        self.house.key(ann, &[Permission::CallView]).await?;
        let tool = json!({ "name": "shop_tools", "definition": { "kind": "mcp", "url": "https://tools.example.com/mcp" } });
        ann.post("/api/v1/tools", &tool).await?;
        let caller = json!({ "phone_number": "+4930999999", "confirmation": "+4930999999" });
        self.finds(&["erasePersonalData"], json!({ "body": caller }));
        Ok(())
    }

    /// Colleagues: some to be changed and removed, some whose sessions may end.
    async fn people(&mut self) -> Result<()> {
        for (name, operations) in [
            ("dora", &["getAccount", "changeAccount", "changeUser", "startPasswordReset", "endUserSessions", "removeUserSecondFactor"][..]),
            ("emil", &["removeUser"]),
            ("fred", &["removeAccount"]),
        ] {
            let person = self.house.joins(&self.house.ann, &email(name), "viewer").await?;
            self.finds(operations, json!({ "path": { "id": person.id } }));
        }
        self.house.joins(&self.house.ann, &email("bob"), "admin").await?;
        for operation in ["logout", "endSession", "chooseWorkspace", "verifyAgain", "beginTotp"] {
            self.lend(operation, "bob").await?;
        }
        self.house.joins(&self.house.ann, &email("carl"), "viewer").await?;
        for operation in ["changePassword", "joinWorkspace"] {
            self.lend(operation, "carl").await?;
        }
        self.house.joins(&self.house.ann, &email("hal"), "viewer").await?;
        self.lend("endSessions", "hal").await?;
        self.elsewhere().await
    }

    /// Another workspace, whose owner removes it.
    async fn elsewhere(&mut self) -> Result<()> {
        let made = self.house.ann.post("/api/v1/workspaces", &json!({ "name": "Elsewhere", "owner": email("bob") })).await?;
        let owner = self.lend("removeWorkspace", "bob").await?;
        let choice = json!({ "workspace_id": made["id"] });
        is(owner.send(Method::POST, "/api/v1/auth/workspace", Some(&choice)).await?, 200, "the other workspace")?;
        let invited = owner.post("/api/v1/users", &json!({ "email": email("carl"), "role": "viewer" })).await?;
        self.finds(&["joinWorkspace"], json!({ "body": { "ticket": invited["ticket"] } }));
        self.finds(&["removeWorkspace"], json!({ "path": { "id": made["id"] } }));
        Ok(())
    }

    /// Passwords and links that are good.
    async fn doors(&mut self) -> Result<()> {
        self.finds(&["login"], json!({ "body": { "email": email("bob"), "password": PASSWORD } }));
        self.finds(&["verifyAgain", "beginTotp"], json!({ "body": { "password": PASSWORD } }));
        self.finds(&["changePassword"], json!({ "body": { "current": PASSWORD, "new": ADMINISTRATOR.1 } }));
        let session = self.house.signed_in(&email("bob")).await?;
        self.finds(&["refresh"], json!({ "body": { "refresh_token": session.refresh_token() } }));
        let invited = self.house.ann.post("/api/v1/users", &json!({ "email": email("gina"), "role": "viewer" })).await?;
        let acceptance = json!({ "ticket": invited["ticket"], "name": "Gina", "password": PASSWORD });
        self.finds(&["acceptInvitation"], json!({ "body": acceptance }));
        Ok(())
    }

    fn finds(&mut self, operations: &[&str], request: Value) {
        self.known.extend(operations.iter().map(|operation| ((*operation).to_owned(), request.clone())));
    }

    /// Another session of somebody, for one operation.
    async fn lend(&mut self, operation: &str, name: &str) -> Result<ApiClient> {
        let client = self.house.signed_in(&email(name)).await?;
        self.tokens.insert(operation.to_owned(), client.token().into());
        Ok(client)
    }
}

/// Not as in the document's examples: whose sign-in fails often waits.
fn email(name: &str) -> String {
    format!("{name}@fuzz.example.com")
}
