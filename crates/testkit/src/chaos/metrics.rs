//! What all instances say about themselves, added up.

use anyhow::Result;

use crate::Cluster;

/// The samples of one scrape of every instance that runs.
#[derive(Debug, Clone, Default)]
pub struct Scrape(Vec<Sample>);

#[derive(Debug, Clone)]
struct Sample {
    name: String,
    /// As written: `agent_id="..",error_type=".."`.
    labels: String,
    value: f64,
}

impl Scrape {
    /// Scrapes every instance that runs.
    pub async fn of(cluster: &Cluster) -> Result<Self> {
        let texts = cluster.texts("/metrics").await?;
        Ok(Self(texts.iter().flat_map(|text| text.lines()).filter_map(Sample::read).collect()))
    }

    /// Reads one exposition.
    pub fn read(text: &str) -> Self {
        Self(text.lines().filter_map(Sample::read).collect())
    }

    /// The sum of a family's samples that have all these labels, over all instances. A family that nobody has is 0.
    pub fn sum(&self, name: &str, labels: &[(&str, &str)]) -> f64 {
        let has = |sample: &Sample, (label, value): &(&str, &str)| sample.labels.contains(&format!("{label}=\"{value}\""));
        let fits = |sample: &&Sample| sample.name == name && labels.iter().all(|label| has(sample, label));
        self.0.iter().filter(fits).map(|sample| sample.value).sum()
    }

    /// True when some instance has the family.
    pub fn has(&self, name: &str) -> bool {
        self.0.iter().any(|sample| sample.name == name)
    }
}

impl Sample {
    fn read(line: &str) -> Option<Self> {
        if line.starts_with('#') {
            return None;
        }
        let (head, value) = line.rsplit_once(' ')?;
        let (name, labels) = head.split_once('{').unwrap_or((head, ""));
        Some(Self { name: name.to_owned(), labels: labels.trim_end_matches('}').to_owned(), value: value.parse().ok()? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_are_added_up_over_instances_and_picked_by_label() {
        let text = "# HELP x y\n# TYPE x counter\nx_total{why=\"a\",who=\"1\"} 2\nx_total{why=\"b\",who=\"1\"} 3\nx_total{why=\"a\",who=\"2\"} 4\ny 7\n";
        let scrape = Scrape::read(text);
        assert_eq!(scrape.sum("x_total", &[]), 9.0);
        assert_eq!(scrape.sum("x_total", &[("why", "a")]), 6.0);
        assert_eq!((scrape.sum("y", &[]), scrape.sum("z", &[])), (7.0, 0.0));
        assert!(scrape.has("y") && !scrape.has("z"));
    }
}
