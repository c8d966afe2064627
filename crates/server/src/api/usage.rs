//! What a call used and what it cost, as the API shows it.

use std::collections::BTreeMap;

use call::{Unit, Usage};
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
    /// False when something was used whose price is not known, or that could not be counted: the call cost more than this.
    complete: bool,
    /// What is missing, one sentence for each line of the usage; empty when it is complete.
    missing: Vec<String>,
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
        let (mut sums, mut missing) = (BTreeMap::<&str, Decimal>::new(), Vec::new());
        for line in lines {
            let sum = sums.get(line.currency.as_str()).copied().unwrap_or_default();
            match line.cost.filter(|_| line.usage.unit != Unit::Uncounted).and_then(|cost| sum.checked_add(cost)) {
                Some(sum) => {
                    sums.insert(&line.currency, sum);
                }
                None => missing.push(why_unknown(&line.usage)),
            }
        }
        let sums = sums.into_iter().map(|(currency, sum)| Sum { currency: currency.to_owned(), amount: written(sum) });
        Self { sums: sums.collect(), complete: missing.is_empty(), missing }
    }
}

fn why_unknown(Usage { service, model, unit, amount }: &Usage) -> String {
    match unit {
        Unit::Uncounted => format!("{service} {model}: answers whose usage was not told: {amount}"),
        unit => format!("{service} {model}: no price is known for {}", unit.as_str()),
    }
}

fn written(decimal: Decimal) -> String {
    decimal.normalize().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(cost: Option<&str>, currency: &str) -> PricedUsage {
        let usage = Usage { service: "a".into(), model: "m".into(), unit: Unit::Characters, amount: 1 };
        PricedUsage { usage, price: None, cost: cost.map(|cost| cost.parse().unwrap()), currency: currency.into() }
    }

    fn sum(currency: &str, amount: &str) -> Sum {
        Sum { currency: currency.into(), amount: amount.into() }
    }

    #[test]
    fn costs_are_summed_by_currency_and_an_unknown_one_is_said() {
        let lines = [line(Some("0.10"), "USD"), line(Some("0.2"), "USD"), line(Some("1"), "EUR")];
        assert_eq!(Cost::of(&lines), Cost { sums: vec![sum("EUR", "1"), sum("USD", "0.3")], complete: true, missing: vec![] });
        let missing = vec!["a m: no price is known for characters".to_owned()];
        assert_eq!(Cost::of(&[line(None, "USD")]), Cost { sums: vec![], complete: false, missing }, "an unknown cost is not 0");
        assert_eq!(Cost::of(&[]), Cost { sums: vec![], complete: true, missing: vec![] });
    }

    #[test]
    fn what_could_not_be_counted_makes_a_cost_incomplete_even_where_somebody_put_a_price_to_it() {
        let mut uncounted = line(Some("0.5"), "USD");
        (uncounted.usage.unit, uncounted.usage.amount) = (Unit::Uncounted, 2);
        let missing = vec!["a m: answers whose usage was not told: 2".to_owned()];
        let cost = Cost { sums: vec![sum("USD", "0.1")], complete: false, missing };
        assert_eq!(Cost::of(&[line(Some("0.1"), "USD"), uncounted]), cost);
    }
}
