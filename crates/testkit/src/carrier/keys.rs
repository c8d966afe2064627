//! What the simulated carriers sign with, and the settings that make a server believe them.

use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use telephony::{telnyx, twilio};

/// Both carriers' keys.
#[derive(Clone)]
pub struct CarrierKeys {
    twilio_auth_token: String,
    telnyx_seed: [u8; 32],
}

impl CarrierKeys {
    /// Keys of these tests; any server that is given [`Self::settings`] believes them.
    pub fn for_tests() -> Self {
        Self { twilio_auth_token: "carrier-simulator-token".to_owned(), telnyx_seed: [11; 32] }
    }

    /// Given keys: those in a server's `dev-keys.toml`, say.
    pub fn given(twilio_auth_token: String, telnyx_seed: [u8; 32]) -> Self {
        Self { twilio_auth_token, telnyx_seed }
    }

    /// The keys a server without configured carriers has made for itself.
    pub fn of_development(data_dir: &std::path::Path) -> anyhow::Result<Self> {
        let text = std::fs::read_to_string(data_dir.join("dev-keys.toml"))?;
        let value = |name: &str| {
            let line = text.lines().find_map(|line| line.strip_prefix(name)?.trim_start().strip_prefix('='));
            line.map(|value| value.trim().trim_matches('"').to_owned()).ok_or_else(|| anyhow::anyhow!("no {name} in dev-keys.toml"))
        };
        let seed = STANDARD.decode(value("telnyx_private_key")?)?;
        let seed = seed.try_into().map_err(|_| anyhow::anyhow!("the Telnyx key in dev-keys.toml has not 32 bytes"))?;
        Ok(Self::given(value("twilio_auth_token")?, seed))
    }

    /// The server's settings that belong to these keys.
    pub fn settings(&self) -> [(&'static str, String); 2] {
        [("TWILIO_AUTH_TOKEN", self.twilio_auth_token.clone()), ("TELNYX_PUBLIC_KEY", telnyx::signature::public_key(&self.telnyx_seed))]
    }

    pub(super) fn twilio(&self, url: &str, form: &[(String, String)]) -> String {
        twilio::signature::sign(url, form, &self.twilio_auth_token)
    }

    /// Signature and timestamp.
    pub(super) fn telnyx(&self, body: &[u8]) -> (String, String) {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs()).cast_signed();
        (telnyx::signature::sign(body, now, &self.telnyx_seed), now.to_string())
    }
}
