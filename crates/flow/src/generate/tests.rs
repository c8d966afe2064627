//! The loop is closed: what is generated is understood as it was meant.

use std::collections::BTreeMap;

use super::Sample;
use crate::understand::{Context, Request, understand};
use crate::words::words;
use crate::{Flow, matcher::Target};

/// One sentence in so many is looked at; a prime, because the states' parts repeat every hundred sentences.
const STEP: usize = 7;

fn hotel() -> Flow {
    Flow::parse(include_str!("../../../../agents/hotel.toml")).unwrap_or_else(|problems| panic!("{problems:#?}"))
}

fn understood(flow: &Flow, state: &str, sample: &Sample) -> Result<(), String> {
    let expected: Vec<String> = match flow.choices.get(state) {
        Some(group) => group.fields.clone(),
        None => flow.fields.contains_key(state).then(|| state.to_owned()).into_iter().collect(),
    };
    let known = BTreeMap::new();
    let context = Context { flow, today: super::value::TODAY, expected: &expected, known: &known, in_task: state != "main" };
    let heard = understand(&words(&sample.text).join(" "), &context);
    if let Some(yes) = sample.yes.filter(|yes| heard.yes != Some(*yes)) {
        return Err(format!("meant {yes}, heard {heard:?}"));
    }
    let wanted = match sample.target {
        Some(Target::Intent(at)) => Some(Request::Intent(flow.intents[at].name.clone())),
        Some(Target::Answer(at)) => Some(Request::Answer(flow.answers[at].name.clone())),
        Some(Target::Command(command)) if heard.command != Some(command) => return Err(format!("meant {command:?}, heard {heard:?}")),
        _ => None,
    };
    if let Some(wanted) = wanted.filter(|wanted| !heard.requests.contains(wanted)) {
        return Err(format!("meant {wanted:?}, heard {heard:?}"));
    }
    let missed = sample.values.iter().find(|value| !heard.values.contains(value));
    missed.map_or(Ok(()), |value| Err(format!("meant {value:?}, heard {heard:?}")))
}

#[test]
fn generated_sentences_are_understood_as_they_were_meant() {
    let flow = hotel();
    let mut failures = Vec::new();
    let mut total = 0;
    for (state, samples) in flow.samples(7) {
        // A message takes every word.
        if state == "message" {
            continue;
        }
        let mut wrong = 0;
        for sample in samples.iter().step_by(STEP) {
            total += 1;
            if let Err(why) = understood(&flow, &state, sample) {
                wrong += 1;
                failures.push(format!("{state}: {:?}: {why}", words(&sample.text).join(" ")));
            }
        }
        let share = wrong as f64 / (samples.len() / STEP) as f64;
        println!("{state}: {wrong} of {} wrong ({:.1} %)", samples.len(), share * 100.0);
    }
    let share = failures.len() as f64 / total as f64;
    let shown = failures.iter().step_by((failures.len() / 60).max(1)).take(60).cloned().collect::<Vec<_>>().join("\n");
    println!("{:.2} % of {total} wrong\n{shown}", share * 100.0);
    assert!(share < 0.05);
}

#[test]
fn the_same_seed_gives_the_same_sentences_and_every_state_has_enough() {
    let flow = hotel();
    let domain = flow.domain(1);
    assert_eq!(domain, flow.domain(1));
    assert_ne!(domain, flow.domain(2));
    for (state, sentences) in &domain {
        assert!((1000..=4000).contains(&sentences.len()), "{state}: {}", sentences.len());
        let plain =
            |text: &String| text.split(' ').all(|word| !word.is_empty() && word.chars().all(|c| c.is_ascii_lowercase() || c == '\''));
        assert_eq!(sentences.iter().find(|text| !plain(text)), None, "{state}");
    }
}

#[test]
#[expect(clippy::disallowed_methods, reason = "the time it takes is what is tested")]
fn sentences_are_made_quickly() {
    let flow = hotel();
    let start = std::time::Instant::now();
    let count: usize = flow.domain(1).values().map(Vec::len).sum();
    let took = start.elapsed();
    println!("{count} sentences in {took:?}");
    // Generous for a debug build on a busy machine; the release figure is about a tenth.
    assert!(took < std::time::Duration::from_secs(6), "{took:?}");
}
