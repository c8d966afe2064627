//! The two text forms of a scrape: OpenMetrics, and the classic one for whoever does not ask for it.
//!
//! The library writes OpenMetrics. The classic form differs in the names on its `TYPE` and `HELP` lines, and has no end mark
//! (<https://prometheus.io/docs/instrumenting/exposition_formats/>).

/// Content type of the classic form.
const CLASSIC: &str = "text/plain; version=0.0.4; charset=utf-8";
/// Content type of OpenMetrics.
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
/// The last line of OpenMetrics.
const END: &str = "# EOF\n";

/// A text form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    Classic,
    OpenMetrics,
}

impl Form {
    /// What an `Accept` header asks for. OpenMetrics only when it is named, and no less wanted than plain text.
    pub(super) fn asked_for(accept: Option<&str>) -> Self {
        let accept = accept.unwrap_or_default();
        let open = wanted(accept, "application/openmetrics-text");
        if open > 0.0 && open >= wanted(accept, "text/plain") { Self::OpenMetrics } else { Self::Classic }
    }

    pub(super) const fn content_type(self) -> &'static str {
        match self {
            Self::Classic => CLASSIC,
            Self::OpenMetrics => OPEN_METRICS,
        }
    }

    /// The body in this form, from OpenMetrics without its last line.
    pub(super) fn body(self, mut text: String) -> String {
        match self {
            Self::Classic => classic(&text),
            Self::OpenMetrics => {
                text.push_str(END);
                text
            }
        }
    }
}

/// How much a media type is wanted, from 0 to 1; zero when it is not named. Several entries of one type differ in parameters: the best counts.
fn wanted(accept: &str, media_type: &str) -> f32 {
    accept.split(',').filter_map(|entry| quality(entry, media_type)).fold(0.0, f32::max)
}

fn quality(entry: &str, media_type: &str) -> Option<f32> {
    let mut parts = entry.split(';').map(str::trim);
    let named = parts.next()?.eq_ignore_ascii_case(media_type);
    let given = parts.find_map(|part| part.strip_prefix("q=").or_else(|| part.strip_prefix("Q=")));
    // A weight that is no number asks for nothing.
    named.then(|| given.map_or(1.0, |weight| weight.trim().parse().unwrap_or(0.0)))
}

/// The classic form: on the lines about a counter its name ends in `_total` like its samples, and `info` is a gauge.
fn classic(open: &str) -> String {
    // Six bytes more for each counter; the text is thousands of lines of samples.
    let mut text = String::with_capacity(open.len() + open.len() / 16);
    let mut help = None;
    for line in open.lines() {
        if let Some(about) = line.strip_prefix("# HELP ") {
            // Kept until the next line says what type it is about.
            help = about.split_once(' ');
        } else if let Some((name, kind)) = line.strip_prefix("# TYPE ").and_then(|about| about.split_once(' ')) {
            let (suffix, kind) = match kind {
                "counter" => ("_total", "counter"),
                "info" => ("_info", "gauge"),
                other => ("", other),
            };
            if let Some((name, words)) = help.take() {
                push_all(&mut text, &["# HELP ", name, suffix, " ", words, "\n"]);
            }
            push_all(&mut text, &["# TYPE ", name, suffix, " ", kind, "\n"]);
        } else {
            push_all(&mut text, &[line, "\n"]);
        }
    }
    text
}

fn push_all(text: &mut String, pieces: &[&str]) {
    for piece in pieces {
        text.push_str(piece);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_classic_form_names_counters_as_their_samples_are_named() {
        let open = "# HELP calls Calls taken.\n# TYPE calls counter\ncalls_total{agent_id=\"a\"} 3\n\
                    # HELP depth Waiting.\n# TYPE depth gauge\ndepth 0\n\
                    # HELP build What runs.\n# TYPE build info\nbuild_info{version=\"1\"} 1\n\
                    # HELP wait_seconds Waited.\n# TYPE wait_seconds histogram\nwait_seconds_sum 0.5\nwait_seconds_count 1\n\
                    wait_seconds_bucket{le=\"1.0\"} 1\nwait_seconds_bucket{le=\"+Inf\"} 1\n";
        let golden = "# HELP calls_total Calls taken.\n# TYPE calls_total counter\ncalls_total{agent_id=\"a\"} 3\n\
                      # HELP depth Waiting.\n# TYPE depth gauge\ndepth 0\n\
                      # HELP build_info What runs.\n# TYPE build_info gauge\nbuild_info{version=\"1\"} 1\n\
                      # HELP wait_seconds Waited.\n# TYPE wait_seconds histogram\nwait_seconds_sum 0.5\nwait_seconds_count 1\n\
                      wait_seconds_bucket{le=\"1.0\"} 1\nwait_seconds_bucket{le=\"+Inf\"} 1\n";
        assert_eq!(Form::Classic.body(open.to_owned()), golden);
        assert_eq!(Form::OpenMetrics.body(open.to_owned()), format!("{open}# EOF\n"));
    }

    #[test]
    fn open_metrics_is_for_those_who_ask() {
        let prometheus = "application/openmetrics-text;version=1.0.0;q=0.5,application/openmetrics-text;version=0.0.1;q=0.4,\
                          text/plain;version=0.0.4;q=0.3,*/*;q=0.2";
        for accept in [prometheus, "application/openmetrics-text", "text/plain, Application/OpenMetrics-Text; version=1.0.0"] {
            assert_eq!(Form::asked_for(Some(accept)), Form::OpenMetrics, "{accept}");
        }
        let plain = ["", "*/*", "text/html", "text/plain", "application/openmetrics-text;q=0", "application/openmetrics-text;q=nan"];
        for accept in plain.into_iter().chain(["application/openmetrics-text;q=0.1, text/plain;q=0.9"]) {
            assert_eq!(Form::asked_for(Some(accept)), Form::Classic, "{accept}");
        }
        assert_eq!(Form::asked_for(None), Form::Classic);
    }
}
