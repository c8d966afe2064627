//! Over-long texts are cut, and say so: what was not looked at is not passed on.

/// Longest text that is looked at, in bytes; about an hour of speech.
pub const MAX_TEXT: usize = 64 * 1024;
/// Stands where a text was cut.
const CUT: &str = " [cut]";

/// The part of a text that is looked at, and whether that is not all of it.
pub(crate) fn looked_at(text: &str) -> (&str, bool) {
    if text.len() <= MAX_TEXT {
        return (text, false);
    }
    let end = text.floor_char_boundary(MAX_TEXT - CUT.len());
    (text.get(..end).unwrap_or_default(), true)
}

/// The masked text in its length, with the mark when it was cut before or is now.
pub(crate) fn finished(mut text: String, cut: bool) -> String {
    if cut || text.len() > MAX_TEXT {
        text.truncate(text.floor_char_boundary(MAX_TEXT - CUT.len()));
        text.push_str(CUT);
    }
    text
}
