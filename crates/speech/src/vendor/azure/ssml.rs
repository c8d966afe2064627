//! The document that says what is to be spoken.

use quick_xml::escape::escape;

/// SSML that speaks this text with this voice. Nothing in it can be markup: what is said may come from a caller.
pub(super) fn document(text: &str, voice: &str, language: &str) -> String {
    let (text, voice, language) = (clean(text), clean(voice), clean(language));
    format!(
        r#"<speak version="1.0" xmlns="http://www.w3.org/2001/10/synthesis" xml:lang="{}"><voice name="{}">{}</voice></speak>"#,
        escape(language.as_str()),
        escape(voice.as_str()),
        escape(text.as_str()),
    )
}

/// XML 1.0 has no place for most control characters, not even escaped (section 2.2).
fn clean(text: &str) -> String {
    let allowed = |sign: char| !(sign.is_control() || matches!(sign, '\u{fffe}' | '\u{ffff}'));
    text.chars().map(|sign| if allowed(sign) { sign } else { ' ' }).collect()
}

#[cfg(test)]
mod tests {
    use quick_xml::Reader;
    use quick_xml::events::Event;

    use super::*;

    #[test]
    fn what_is_said_is_never_markup() {
        let said = "Tom & \"Ann\" said: </voice><break time='9s'/> 3 < 4 ]]> \u{0}\u{b}&amp;";
        let document = document(said, "en-US-\"Jenny\"><x", "en'US");
        let mut reader = Reader::from_str(&document);
        let (mut elements, mut text) = (Vec::new(), String::new());
        loop {
            match reader.read_event().unwrap() {
                Event::Start(element) | Event::Empty(element) => elements.push(element.name().as_ref().to_vec()),
                Event::Text(piece) => text.push_str(&piece.decode().unwrap()),
                Event::GeneralRef(name) => text.push_str(&quick_xml::escape::unescape(&format!("&{};", name.decode().unwrap())).unwrap()),
                Event::Eof => break,
                _ => {}
            }
        }
        assert_eq!(elements, [b"speak".to_vec(), b"voice".to_vec()]);
        assert_eq!(text, "Tom & \"Ann\" said: </voice><break time='9s'/> 3 < 4 ]]>   &amp;");
    }
}
