//! Anthropic's messages.

use std::sync::Arc;

use models::LanguageModel;
use models::anthropic::{Anthropic, Auth, Config};
use resilience::Service;
use simulator::Vendor;

use crate::language::{Case, Making, stories};

fn made(making: &Making<'_>, auth: Auth) -> Arc<dyn LanguageModel> {
    let plain = Config::new("claude-haiku-5-5", making.key.to_owned().into());
    let config = Config { base_url: making.url.clone(), auth, first: making.first, stall: making.stall, ..plain };
    Arc::new(Anthropic::new(config, making.guard.clone()).unwrap())
}

fn with_key(making: &Making<'_>) -> Arc<dyn LanguageModel> {
    made(making, Auth::ApiKey)
}

fn with_bearer(making: &Making<'_>) -> Arc<dyn LanguageModel> {
    made(making, Auth::Bearer)
}

stories!(Case { vendor: Vendor::Anthropic, service: Service::Anthropic, make: with_key });

mod with_a_bearer_token {
    use super::*;

    stories!(Case { vendor: Vendor::Anthropic, service: Service::Anthropic, make: with_bearer };
        a_check_asks_for_one_word,
        a_vendor_that_takes_no_key_says_so
    );
}
