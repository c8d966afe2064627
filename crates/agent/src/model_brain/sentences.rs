//! Streamed text, cut into what is said in one breath: a sentence as soon as it is complete, and of a long first one its first clause, so that
//! the caller hears something while the rest is still being thought of.

/// A first clause of at least this many characters may be said before its sentence is complete.
const FIRST_CLAUSE: usize = 40;
/// A first sentence that is longer than this is not waited for.
const LONG: usize = 60;
/// Nothing longer is said in one piece.
const LONGEST: usize = 300;

/// Before a name or a number, never at the end of a sentence.
const NEVER_LAST: &[&str] = &[
    "dr", "mr", "mrs", "ms", "prof", "st", "mt", "sr", "jr", "vs", "e.g", "i.e", "approx", "ca", "dept", "gen", "col", "capt", "rev",
    "hon", "hr", "fr", "frau", "herr", "str", "z.b", "bzw", "d.h", "u.a", "sra", "srta", "dra", "m", "mme", "mlle", "av", "avda", "núm",
    "vgl",
];
/// In the middle of a sentence or at its end: what follows decides.
const PERHAPS_LAST: &[&str] =
    &["a.m", "p.m", "am", "pm", "etc", "inc", "ltd", "co", "corp", "no", "nr", "usw", "u.s", "u.k", "u.s.a", "ext", "ave", "blvd", "rd"];
/// Languages that write "third" as "3.".
const ORDINAL_POINTS: [&str; 10] = ["de", "da", "nb", "no", "fi", "cs", "sk", "pl", "hu", "tr"];

/// Cuts one answer into sentences.
pub(crate) struct Splitter {
    rest: String,
    /// Something was cut off already.
    begun: bool,
    ordinal_points: bool,
}

/// What a look at the text found.
enum Look {
    /// A sentence ends at this byte.
    End(usize),
    /// More text is needed to know.
    Wait,
    /// Nothing ends here.
    Nothing,
}

impl Splitter {
    /// For an answer in this language (BCP 47).
    pub(crate) fn new(language: &str) -> Self {
        let primary = language.split('-').next().unwrap_or_default();
        Self { rest: String::new(), begun: false, ordinal_points: ORDINAL_POINTS.contains(&primary) }
    }

    /// More text; gives the sentences that are complete with it.
    pub(crate) fn push(&mut self, text: &str) -> Vec<String> {
        self.rest.push_str(text);
        std::iter::from_fn(|| self.end().map(|at| self.cut(at))).filter(|piece| !piece.is_empty()).collect()
    }

    /// The answer is over: what is left of it.
    pub(crate) fn finish(&mut self) -> Option<String> {
        let end = self.rest.len();
        Some(self.cut(end)).filter(|piece| !piece.is_empty())
    }

    fn cut(&mut self, at: usize) -> String {
        let after = self.rest.split_off(at);
        let piece = std::mem::replace(&mut self.rest, after.trim_start().to_owned());
        let piece = piece.trim().to_owned();
        self.begun |= !piece.is_empty();
        piece
    }

    /// Where the next piece ends, if one is complete.
    fn end(&self) -> Option<usize> {
        for (at, sign) in self.rest.char_indices().take(LONGEST) {
            let look = match sign {
                '\n' => Look::End(at + 1),
                '。' | '！' | '？' | '｡' => Look::End(self.closed(at + sign.len_utf8())),
                '!' | '?' | '…' | '।' | '؟' => self.spaced(self.closed(at + sign.len_utf8())),
                '.' => self.point(at),
                _ => Look::Nothing,
            };
            match look {
                Look::End(end) => return Some(end),
                Look::Wait => break,
                Look::Nothing => {}
            }
        }
        self.clause()
    }

    /// Past further signs of the same sentence: more marks, closing quotes and brackets, and what Markdown puts behind.
    fn closed(&self, from: usize) -> usize {
        let more = |sign: &char| matches!(sign, '!' | '?' | '.' | '…' | '"' | '\'' | '”' | '’' | ')' | ']' | '»' | '*' | '_' | '」');
        from + self.rest[from..].chars().take_while(more).map(char::len_utf8).sum::<usize>()
    }

    fn spaced(&self, at: usize) -> Look {
        match self.rest[at..].chars().next() {
            None => Look::Wait,
            Some(next) if next.is_whitespace() => Look::End(at),
            Some(_) => Look::Nothing,
        }
    }

    /// A point: the end of a sentence, unless it is one of an abbreviation, of an initial or of a number.
    fn point(&self, at: usize) -> Look {
        let end = match self.spaced(self.closed(at + 1)) {
            Look::End(end) => end,
            other => return other,
        };
        let before = &self.rest[..at];
        let begin = before.rfind(char::is_whitespace).map_or(0, |space| space + 1);
        let word = before[begin.min(before.len())..].trim_start_matches(|sign: char| !sign.is_alphanumeric()).to_lowercase();
        let next = self.rest[end..].trim_start().chars().next();
        let letters = word.chars().count();
        if word.bytes().all(|byte| byte.is_ascii_digit()) && !word.is_empty() {
            // "1. First": a list. "Am 3. Mai": a date.
            let listed = before[..begin].trim().is_empty();
            return if listed || (self.ordinal_points && letters <= 2) { Look::Nothing } else { Look::End(end) };
        }
        if NEVER_LAST.contains(&word.as_str()) || (letters == 1 && word != "i" && word.chars().all(char::is_alphabetic)) {
            return Look::Nothing;
        }
        if PERHAPS_LAST.contains(&word.as_str()) {
            return match next {
                None => Look::Wait,
                Some(next) if next.is_lowercase() || next.is_ascii_digit() => Look::Nothing,
                Some(_) => Look::End(end),
            };
        }
        Look::End(end)
    }

    /// A clause that may be said before its sentence is complete.
    fn clause(&self) -> Option<usize> {
        let length = self.rest.chars().count();
        if length > LONGEST {
            let until = self.rest.char_indices().nth(LONGEST).map_or(self.rest.len(), |(at, _)| at);
            let head = &self.rest[..until];
            return Some(head.rfind([',', ';', ':']).or_else(|| head.rfind(' ')).map_or(until, |at| at + 1));
        }
        if self.begun || length <= LONG {
            return None;
        }
        let mut signs = self.rest.char_indices().enumerate().skip(FIRST_CLAUSE).peekable();
        while let Some((_, (at, sign))) = signs.next() {
            let spaced = signs.peek().is_some_and(|(_, (_, next))| next.is_whitespace());
            if (matches!(sign, ',' | ';') && spaced) || matches!(sign, '，' | '、') {
                return Some(at + sign.len_utf8());
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn split(language: &str, text: &str) -> Vec<String> {
        let mut splitter = Splitter::new(language);
        let mut pieces: Vec<String> = text.chars().flat_map(|sign| splitter.push(&sign.to_string())).collect();
        pieces.extend(splitter.finish());
        pieces
    }

    #[test]
    fn sentences_end_where_a_reader_would_end_them() {
        let cases: [(&str, &[&str]); 12] = [
            ("Yes. We are open.", &["Yes.", "We are open."]),
            ("Dr. Smith sees you at 3.30 p.m. on Friday. Fine?", &["Dr. Smith sees you at 3.30 p.m. on Friday.", "Fine?"]),
            ("It costs 12.50 euros. Shall I?", &["It costs 12.50 euros.", "Shall I?"]),
            ("We open at 8 a.m. The bar opens later.", &["We open at 8 a.m.", "The bar opens later."]),
            ("Mr. J. Miller, e.g. from www.example.com. Done.", &["Mr. J. Miller, e.g. from www.example.com.", "Done."]),
            ("Really?! \"Yes.\" he said.", &["Really?!", "\"Yes.\"", "he said."]),
            ("- one\n- two\n", &["- one", "- two"]),
            ("1. First thing. 2. Second", &["1. First thing.", "2. Second"]),
            ("**Great.** Next", &["**Great.**", "Next"]),
            ("It is 5. Shall we?", &["It is 5.", "Shall we?"]),
            ("So do I. Good.", &["So do I.", "Good."]),
            ("好的。明天见。", &["好的。", "明天见。"]),
        ];
        for (text, expected) in cases {
            assert_eq!(split("en-US", text), expected, "{text}");
        }
        assert_eq!(split("de-DE", "Am 3. Mai um 9 Uhr. Gut?"), ["Am 3. Mai um 9 Uhr.", "Gut?"]);
    }

    #[test]
    fn a_sentence_is_given_as_soon_as_it_is_known_to_be_complete() {
        let mut splitter = Splitter::new("en-US");
        assert!(splitter.push("Good morning").is_empty());
        assert!(splitter.push(".").is_empty(), "a decimal may follow");
        assert_eq!(splitter.push(" How"), ["Good morning."]);
    }

    #[test]
    fn a_long_first_sentence_is_begun_at_a_comma() {
        let text = "We have a double room with a view over the harbour, which comes with breakfast and costs quite a bit, yes";
        let pieces = split("en-US", text);
        assert_eq!(pieces[0], "We have a double room with a view over the harbour,");
        assert_eq!(pieces.len(), 2, "only the first clause: {pieces:?}");
        assert_eq!(split("en-US", "Yes, of course, no problem at all."), ["Yes, of course, no problem at all."]);
    }

    proptest! {
        #[test]
        fn nothing_is_lost_however_the_text_arrives(text in "[a-zA-Z0-9 ,.!?\n\"é。-]{0,400}", parts in proptest::collection::vec(1usize..20, 1..40)) {
            let mut splitter = Splitter::new("en-US");
            let (mut pieces, mut rest, mut sizes) = (Vec::new(), text.chars().collect::<Vec<_>>(), parts.iter().cycle());
            while !rest.is_empty() {
                let tail = rest.split_off((*sizes.next().unwrap()).min(rest.len()));
                pieces.extend(splitter.push(&rest.iter().collect::<String>()));
                rest = tail;
            }
            pieces.extend(splitter.finish());
            let plain = |text: &str| text.chars().filter(|sign| !sign.is_whitespace()).collect::<String>();
            prop_assert_eq!(plain(&pieces.concat()), plain(&text));
            prop_assert!(pieces.iter().all(|piece| !piece.trim().is_empty() && piece.chars().count() <= LONGEST + 40));
        }
    }
}
