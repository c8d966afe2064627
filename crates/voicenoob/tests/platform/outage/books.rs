//! What stands in the records afterwards.

use std::collections::BTreeMap;

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use testkit::ApiClient;

use super::clients::Told;

/// All API keys, and how often the audit trail says that something was done, by action and target.
pub(super) struct Books {
    pub(super) keys: Vec<(String, String)>,
    numbers: Vec<Value>,
    done: BTreeMap<(String, String), u64>,
}

impl Books {
    pub(super) async fn read(client: &ApiClient) -> Result<Self> {
        let keys = all(client, "/api/v1/api-keys?", "after").await?;
        let mut done = BTreeMap::new();
        for entry in all(client, "/api/v1/audit?outcome=done&", "before").await? {
            *done.entry((text(&entry, "action")?, text(&entry, "target_id").unwrap_or_default())).or_default() += 1;
        }
        let keys = keys.iter().map(|key| Ok((text(key, "id")?, text(key, "name")?))).collect::<Result<_>>()?;
        Ok(Self { keys, numbers: all(client, "/api/v1/phone-numbers?", "after").await?, done })
    }

    /// Each thing that was said to be made is there once, and nothing else; each has its line in the trail, and nothing else has one.
    pub(super) fn agree(&self, told: &Told) -> Result<()> {
        let (mut said, mut there) = (told.made.clone(), self.keys.clone());
        there.iter_mut().for_each(|key| *key = (std::mem::take(&mut key.1), std::mem::take(&mut key.0)));
        said.sort();
        there.sort();
        ensure!(said == there, "said to be made:\n{said:?}\nthere:\n{there:?}");
        for (_, id) in &said {
            ensure!(self.done("key.create", id) == 1, "the key {id} has {} lines in the trail", self.done("key.create", id));
        }
        ensure!(self.done.keys().filter(|(action, _)| action == "key.create").count() == said.len(), "lines of keys that are not there");
        for (id, (name, changes)) in &told.numbers {
            let number = self.numbers.iter().find(|number| number["id"] == **id).context("the number is gone")?;
            ensure!(number["name"] == **name, "{number} should be {name}");
            let lines = self.done("phone_number.change", id);
            ensure!(lines == *changes, "changed {changes} times, with {lines} lines");
        }
        Ok(())
    }

    fn done(&self, action: &str, target: &str) -> u64 {
        self.done.get(&(action.to_owned(), target.to_owned())).copied().unwrap_or_default()
    }
}

fn text(entry: &Value, name: &str) -> Result<String> {
    entry[name].as_str().map(str::to_owned).with_context(|| format!("no {name} in {entry}"))
}

/// Every page.
async fn all(client: &ApiClient, path: &str, cursor: &str) -> Result<Vec<Value>> {
    let (mut items, mut from) = (Vec::new(), String::new());
    loop {
        let page = client.get(&format!("{path}limit=200{from}")).await?;
        items.extend(page["items"].as_array().context("no items")?.iter().cloned());
        from = match &page["next"] {
            Value::Null => return Ok(items),
            next => format!("&{cursor}={}", next.to_string().trim_matches('"')),
        };
    }
}
