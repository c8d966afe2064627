//! Who took over in a call.

use std::sync::Arc;

use call::{Part, RungChange, RungWhy};

use super::record;
use crate::{Records, StoreError};

/// Changes come back in their order; those of a call that is not known are refused.
pub async fn changes_of_rung_are_kept_in_order(records: Arc<dyn Records>) {
    let id = records.open_call(&record(1)).await.unwrap().id;
    let down = RungChange { at_ms: 1_200, part: Part::Ears, from: "deepgram".into(), to: "local".into(), why: RungWhy::NotLetThrough };
    let up = RungChange { at_ms: 40_000, from: "local".into(), to: "deepgram".into(), why: RungWhy::Recovered, ..down.clone() };
    let mind = RungChange { at_ms: 1_200, part: Part::Mind, from: "openai".into(), to: "dialogue".into(), why: RungWhy::Late };
    for change in [&down, &up, &mind] {
        records.add_rung(id, change).await.unwrap();
    }
    assert_eq!(records.rungs(id).await.unwrap(), [down.clone(), up, mind]);
    assert!(matches!(records.add_rung(record(2).id, &down).await, Err(StoreError::UnknownCall { .. })));
}
