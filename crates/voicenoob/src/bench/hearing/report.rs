//! The figures of `bench hearing`, for people.

use std::fmt::Write;

use super::score::share;
use super::tasks::Done;
use super::{Report, VoiceReport};
use crate::bench::table::Table;

/// Both tables, and what went wrong in which task.
pub(super) fn text(report: &Report) -> String {
    let mut text = format!(
        "Telephone audio: 8 kHz mu-law, white noise of {:.0} dBFS; accepted means a confidence of at least {:.2}.\n\n",
        report.noise_dbfs, report.confidence_floor
    );
    // Writing to a String cannot fail.
    let _ = writeln!(text, "{}\n{}", recognition(&report.voices), understanding(report));
    for voice in &report.voices {
        for task in voice.tasks.iter().filter(|task| !task.success) {
            let _ = writeln!(text, "{}: {}: {}", voice.voice, task.task, task.why);
        }
    }
    text
}

fn recognition(voices: &[VoiceReport]) -> Table {
    let head = [
        "Voice",
        "sentences",
        "word errors",
        "word by word",
        "accepted",
        "accepted with a wrong word",
        "outside accepted",
        "ms a sentence",
        "real time",
    ];
    let mut table = Table::new(&head);
    for VoiceReport { voice, score, .. } in voices {
        table.row([
            voice.clone(),
            score.inside.to_string(),
            percent(score.word_error_rate()),
            percent(share(score.exact, score.inside)),
            percent(share(score.inside_accepted, score.inside)),
            percent(share(score.accepted_wrong, score.inside)),
            format!("{} of {}", score.outside_accepted, score.outside),
            format!("{:.0}", score.mean_ms()),
            format!("{:.3}", score.real_time_factor()),
        ]);
    }
    table
}

fn understanding(report: &Report) -> Table {
    let mut table = Table::new(&["Caller", "tasks", "done right", "something wrong done", "sentences a task"]);
    let mut row = |name: &str, done: &[Done]| {
        let right = done.iter().filter(|task| task.success).count();
        let turns: u32 = done.iter().map(|task| task.turns).sum();
        table.row([
            name.to_owned(),
            done.len().to_string(),
            format!("{right} ({})", percent(share(right, done.len()))),
            done.iter().filter(|task| task.harm).count().to_string(),
            format!("{:.1}", f64::from(turns) / done.len() as f64),
        ]);
    };
    row("typed", &report.typed);
    for voice in &report.voices {
        row(&voice.voice, &voice.tasks);
    }
    table
}

fn percent(share: f64) -> String {
    format!("{:.1} %", share * 100.0)
}
