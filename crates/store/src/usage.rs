//! What calls used of outside services, and what it cost. It holds no personal data, only amounts: a person who is erased leaves them behind, as
//! the bill does that the service sends. They go with the call's record.

use call::{CallId, TenantId, Unit, Usage};
use rust_decimal::Decimal;
use serde::Serialize;
use sqlx::FromRow;

use crate::sql_records::rows::count;
use crate::times::integer;
use crate::{Database, SqlRecords, StoreError, Transaction, query};

/// One line of what a call used, with its price.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PricedUsage {
    /// What was used, and how much.
    pub usage: Usage,
    /// Price of one million units; `None` when no price is known.
    pub price: Option<Decimal>,
    /// What the amount cost; `None` when no price is known.
    pub cost: Option<Decimal>,
    /// Of price and cost, ISO 4217.
    pub currency: String,
}

impl PricedUsage {
    /// With what came before it in the same call. Where of one part no cost is known, none is known of both.
    fn added_to(&self, before: &Self) -> Self {
        let same = before.currency == self.currency;
        let cost = before.cost.zip(self.cost).filter(|_| same).and_then(|(before, now)| before.checked_add(now));
        let amount = before.usage.amount.saturating_add(self.usage.amount);
        Self { usage: Usage { amount, ..self.usage.clone() }, price: self.price.filter(|_| cost.is_some()), cost, ..self.clone() }
    }

    fn is_line_of(&self, other: &Self) -> bool {
        let (one, two) = (&self.usage, &other.usage);
        (one.unit, &one.service, &one.model) == (two.unit, &two.service, &two.model)
    }
}

crate::statements! {
    OF_CALL = "SELECT service, model, unit, amount, price, cost, currency FROM call_usage WHERE call_id = $1 ORDER BY service, model, unit LIMIT $2";
    OF_TENANTS_CALL = "SELECT service, model, unit, amount, price, cost, currency FROM call_usage WHERE tenant_id = $1 AND call_id = $2 \
        ORDER BY service, model, unit LIMIT $3";
    SAVE = "INSERT INTO call_usage (call_id, tenant_id, service, model, unit, amount, price, cost, currency) \
        SELECT id, tenant_id, $2, $3, $4, $5, $6, $7, $8 FROM calls WHERE id = $1 \
        ON CONFLICT (call_id, service, model, unit) DO UPDATE SET amount = excluded.amount, price = excluded.price, cost = excluded.cost, \
        currency = excluded.currency";
}

#[derive(FromRow)]
struct UsageRow {
    service: String,
    model: String,
    unit: String,
    amount: i64,
    price: Option<String>,
    cost: Option<String>,
    currency: String,
}

impl TryFrom<UsageRow> for PricedUsage {
    type Error = StoreError;

    fn try_from(row: UsageRow) -> Result<Self, StoreError> {
        let unit = Unit::parse(&row.unit).ok_or_else(|| StoreError::corrupt("unit of a usage", row.unit))?;
        Ok(Self {
            usage: Usage { service: row.service, model: row.model, unit, amount: count("amount of a usage", row.amount)? },
            price: decimal("price", row.price)?,
            cost: decimal("cost", row.cost)?,
            currency: row.currency,
        })
    }
}

fn decimal(what: &'static str, stored: Option<String>) -> Result<Option<Decimal>, StoreError> {
    stored.map(|text| text.parse().map_err(|_| StoreError::corrupt(what, text))).transpose()
}

fn lines(rows: Vec<UsageRow>) -> Result<Vec<PricedUsage>, StoreError> {
    rows.into_iter().map(PricedUsage::try_from).collect()
}

/// Adds to what is there of the call, whose row the caller holds: then nobody else adds at the same time.
pub(crate) async fn add(tx: &mut Transaction, id: CallId, used: &[PricedUsage]) -> Result<(), StoreError> {
    let doing = || StoreError::while_doing("store what a call used");
    let read = query(OF_CALL).bind(id.0).bind(SqlRecords::MAX_PARTS);
    let mut sums = lines(read.all(&mut **tx).await.map_err(doing())?)?;
    for line in used {
        let sum = match sums.iter_mut().find(|before| before.is_line_of(line)) {
            Some(before) => {
                *before = line.added_to(before);
                before.clone()
            }
            None => {
                sums.push(line.clone());
                line.clone()
            }
        };
        let (price, cost) = (text(sum.price), text(sum.cost));
        let save = query(SAVE)
            .bind(id.0)
            .bind(&sum.usage.service)
            .bind(&sum.usage.model)
            .bind(sum.usage.unit.as_str())
            .bind(integer(sum.usage.amount))
            .bind(price.as_deref())
            .bind(cost.as_deref())
            .bind(&sum.currency);
        save.execute(&mut **tx).await.map_err(doing())?;
    }
    Ok(())
}

fn text(decimal: Option<Decimal>) -> Option<String> {
    decimal.map(|decimal| decimal.normalize().to_string())
}

/// What a call used, in the order of services, models and units.
pub(crate) async fn of_call(db: &Database, id: CallId) -> Result<Vec<PricedUsage>, StoreError> {
    let read = query(OF_CALL).bind(id.0).bind(SqlRecords::MAX_PARTS);
    lines(read.all(db.readers()).await.map_err(StoreError::while_doing("read what a call used"))?)
}

/// The same; none for another workspace's call.
pub async fn of(db: &Database, tenant: TenantId, id: CallId) -> Result<Vec<PricedUsage>, StoreError> {
    let read = query(OF_TENANTS_CALL).bind(tenant.0).bind(id.0).bind(SqlRecords::MAX_PARTS);
    lines(read.all(db.readers()).await.map_err(StoreError::while_doing("read what a call used"))?)
}
