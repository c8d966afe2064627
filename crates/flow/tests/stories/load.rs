//! A wrong file says everything that is wrong with it, and where.

use flow::Flow;

const HOTEL: &str = include_str!("../../../../agents/hotel.toml");

/// Replaces one line of the hotel's file and returns the problems as "line: message", with the line that was replaced.
fn problems(from: &str, to: &str) -> (usize, Vec<flow::Problem>) {
    let line = HOTEL.lines().position(|line| line.contains(from)).unwrap_or_else(|| panic!("{from:?} is not in the file")) + 1;
    (line, Flow::parse(&HOTEL.replacen(from, to, 1)).err().unwrap_or_default())
}

#[test]
fn every_kind_of_mistake_is_found_at_its_line() {
    for (from, to, part) in [
        ("voice = \"slt\"", "voise = \"slt\"", "did you mean \"voice\"?"),
        ("id = \"0f5b7a52", "id = \"0f5b7a5", "not a UUID"),
        ("silence_ms = 6000", "silence_ms = 6", "from 1000 to 60000"),
        ("silence_ms = 6000", "silence_ms = true", "whole number"),
        ("type = \"phone\"", "type = \"phon\"", "did you mean \"phone\"?"),
        (
            "steps = [\"code\", \"name\", \"found\", \"changes\"",
            "steps = [\"code\", \"nome\", \"found\", \"changes\"",
            "did you mean \"name\"?",
        ),
        ("under the name {name}|]\",", "under the name {nane}|]\",", "there is no slot \"nane\""),
        ("message = \"leave_message\"", "message = \"leave_mesage\"", "did you mean \"leave_message\"?"),
        ("{offer.total:money} in total.\"", "{offer.totl:money} in total.\"", "did you mean \"total\"?"),
        ("{offer.total:money} in total.\"", "{offer.total:mony} in total.\"", "did you mean \"money\"?"),
        ("{offer.total:money} in total.\"", "{offer.total:money in total.\"", "not closed"),
        ("but we do have {refused.alternatives}", "but we do have {refused.other}", "\"has\""),
        ("then = \"person\"", "then = \"human\"", "\"then\" must be"),
        ("name = \"pool\"", "name = \"pets\"", "two answers"),
        ("\"[when|what time] [does|is] the [pool", "\"[when|what time [does|is] the [pool", "not closed"),
        ("9 = { exit = \"goodbye\" }", "9 = { exit = \"bye\" }", "needs \"say\""),
        ("room_type = \"offer.room_type\"", "room_type = \"offer.kind\"", "no field that a query gives"),
        ("name = \"hotel\"", "name = hotel", "not TOML"),
    ] {
        let (line, found) = problems(from, to);
        assert!(found.iter().any(|problem| problem.line == line && problem.message.contains(part)), "{to}: line {line}: {found:?}");
    }
}

#[test]
fn all_problems_come_at_once_in_order() {
    let text = HOTEL.replace("voice = ", "voise = ").replace("keep = true", "kept = true");
    let found = Flow::parse(&text).unwrap_err();
    assert_eq!(found.len(), 4, "{found:?}");
    assert!(found.is_sorted_by_key(|problem| problem.line));
}

#[test]
fn an_empty_file_says_what_is_missing() {
    let found = Flow::parse("").unwrap_err();
    let all = found.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n");
    for key in ["\"id\"", "\"name\"", "\"greeting\""] {
        assert!(all.contains(key), "{all}");
    }
}

#[test]
fn an_action_without_read_back_is_refused() {
    let (_, found) = problems("confirm = \"Shall I cancel this booking?\"", "");
    assert!(found.iter().any(|problem| problem.message.contains("nothing is done before it was read back")), "{found:?}");
}
