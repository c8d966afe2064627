//! What a call used and what it cost, as the API shows it.

use std::collections::BTreeMap;

use call::Unit;
use rust_decimal::Decimal;
use serde::Serialize;
use store::usage::PricedUsage;
use utoipa::ToSchema;
use utoipa::openapi::schema::{Object, ObjectBuilder, Type};

/// One line of what a call used of outside services.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub(super) struct UsageLine {
    /// Whose service.
    #[schema(example = "openai")]
    service: String,
    /// Which of its models or voices.
    model: String,
    /// What is counted.
    #[schema(schema_with = units)]
    unit: &'static str,
    /// How many.
    amount: u64,
    /// Price of one million units, a decimal; `null` when no price is known.
    #[schema(example = "4")]
    price: Option<String>,
    /// What the amount cost, a decimal; `null` when no price is known.
    #[schema(example = "0.0123")]
    cost: Option<String>,
    /// ISO 4217.
    #[schema(example = "USD")]
    currency: String,
}

/// What a call cost, as far as prices are known.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub(super) struct Cost {
    /// One for each currency.
    sums: Vec<Sum>,
    /// False when something was used whose price is not known: the call cost more than this.
    complete: bool,
}

/// A sum of money.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub(super) struct Sum {
    /// ISO 4217.
    #[schema(example = "USD")]
    currency: String,
    /// A decimal.
    #[schema(example = "0.0412")]
    amount: String,
}

fn units() -> Object {
    ObjectBuilder::new().schema_type(Type::String).enum_values(Some(Unit::ALL.map(Unit::as_str))).build()
}

impl From<PricedUsage> for UsageLine {
    fn from(line: PricedUsage) -> Self {
        Self {
            service: line.usage.service,
            model: line.usage.model,
            unit: line.usage.unit.as_str(),
            amount: line.usage.amount,
            price: line.price.map(written),
            cost: line.cost.map(written),
            currency: line.currency,
        }
    }
}

impl Cost {
    /// Of these lines together.
    pub(super) fn of(lines: &[PricedUsage]) -> Self {
        let (mut sums, mut complete) = (BTreeMap::<&str, Decimal>::new(), true);
        for line in lines {
            let sum = sums.get(line.currency.as_str()).copied().unwrap_or_default();
            match line.cost.and_then(|cost| sum.checked_add(cost)) {
                Some(sum) => {
                    sums.insert(&line.currency, sum);
                }
                None => complete = false,
            }
        }
        let sums = sums.into_iter().map(|(currency, sum)| Sum { currency: currency.to_owned(), amount: written(sum) });
        Self { sums: sums.collect(), complete }
    }
}

fn written(decimal: Decimal) -> String {
    decimal.normalize().to_string()
}

#[cfg(test)]
mod tests {
    use call::Usage;

    use super::*;

    fn line(cost: Option<&str>, currency: &str) -> PricedUsage {
        let usage = Usage { service: "a".into(), model: "m".into(), unit: Unit::Characters, amount: 1 };
        PricedUsage { usage, price: None, cost: cost.map(|cost| cost.parse().unwrap()), currency: currency.into() }
    }

    #[test]
    fn costs_are_summed_by_currency_and_an_unknown_one_is_said() {
        let lines = [line(Some("0.10"), "USD"), line(Some("0.2"), "USD"), line(Some("1"), "EUR")];
        let sum = |currency: &str, amount: &str| Sum { currency: currency.into(), amount: amount.into() };
        assert_eq!(Cost::of(&lines), Cost { sums: vec![sum("EUR", "1"), sum("USD", "0.3")], complete: true });
        assert_eq!(Cost::of(&[line(None, "USD")]), Cost { sums: vec![], complete: false }, "an unknown cost is not 0");
        assert_eq!(Cost::of(&[]), Cost { sums: vec![], complete: true });
    }
}
