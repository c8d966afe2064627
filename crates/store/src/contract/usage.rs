//! What a call used of outside services.

use std::sync::Arc;

use call::{Unit, Usage};
use rust_decimal::Decimal;
use tokio::task::JoinSet;

use super::record;
use crate::Records;
use crate::usage::PricedUsage;

/// So many units at a price for a million of them.
pub(super) fn used(model: &str, unit: Unit, amount: u64, price: Option<&str>) -> PricedUsage {
    let price: Option<Decimal> = price.map(|price| price.parse().unwrap());
    PricedUsage {
        usage: Usage { service: "openai".into(), model: model.into(), unit, amount },
        price,
        cost: price.map(|price| price * Decimal::from(amount) / Decimal::from(1_000_000)),
        currency: "USD".into(),
    }
}

/// A call that is taken up again goes on counting; what has no price has no cost, also in a sum; and of two parts at once none is lost.
pub async fn what_a_call_used_is_added_up(records: Arc<dyn Records>) {
    let id = records.open_call(&record(1)).await.unwrap().id;
    assert_eq!(records.usage(id).await.unwrap(), []);
    let (input, output) = (used("a", Unit::InputTokens, 1_500, Some("2.50")), used("a", Unit::OutputTokens, 40, Some("10")));
    let (unknown, later) = (used("b", Unit::Characters, 7, None), used("b", Unit::AudioMillis, 60_000, Some("0.0000001")));
    records.save_usage(id, &[output.clone(), input.clone(), unknown.clone()]).await.unwrap();
    assert_eq!(records.usage(id).await.unwrap(), [input.clone(), output.clone(), unknown.clone()]);

    let second = used("a", Unit::InputTokens, 500, Some("2.50"));
    let priced = used("b", Unit::Characters, 3, Some("1"));
    records.save_usage(id, &[second, priced, later.clone()]).await.unwrap();
    let expected = [used("a", Unit::InputTokens, 2_000, Some("2.50")), output, later, used("b", Unit::Characters, 10, None)];
    assert_eq!(records.usage(id).await.unwrap(), expected);

    let mut parts = JoinSet::new();
    for _ in 0..8 {
        let records = Arc::clone(&records);
        parts.spawn(async move { records.save_usage(id, &[used("c", Unit::InputTokens, 1, Some("1"))]).await.unwrap() });
    }
    parts.join_all().await;
    assert_eq!(records.usage(id).await.unwrap()[4], used("c", Unit::InputTokens, 8, Some("1")));
    let huge = used("d", Unit::InputTokens, u64::MAX, None);
    records.save_usage(id, &[huge.clone(), huge]).await.unwrap();
    assert_eq!(records.usage(id).await.unwrap()[5].usage.amount, i64::MAX.unsigned_abs(), "the largest number that is kept");
    assert_eq!(records.usage(record(2).id).await.unwrap(), []);
}
