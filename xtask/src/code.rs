//! Rust text with everything blanked that is not code, so that a rule about code is not broken by a comment or a string.

use std::iter::Peekable;
use std::str::Chars;

/// The same lines, with comments, strings and characters replaced by nothing. Line numbers stay.
pub(crate) fn without_text(source: &str) -> String {
    let mut blank = Blank { rest: source.chars().peekable(), out: String::with_capacity(source.len()) };
    while let Some(next) = blank.rest.next() {
        blank.step(next);
    }
    blank.out
}

/// True when `line` holds `word` on its own, not as a part of a longer name.
pub(crate) fn has_word(line: &str, word: &str) -> bool {
    let part_of_name = |next: Option<char>| next.is_some_and(|c| c.is_alphanumeric() || c == '_');
    line.match_indices(word)
        .any(|(at, _)| !part_of_name(line[..at].chars().next_back()) && !part_of_name(line[at + word.len()..].chars().next()))
}

struct Blank<'a> {
    rest: Peekable<Chars<'a>>,
    out: String,
}

impl Blank<'_> {
    fn step(&mut self, next: char) {
        match (next, self.rest.peek().copied()) {
            ('/', Some('/')) => self.skip_line(),
            ('/', Some('*')) => self.skip_block(),
            ('"', _) => self.skip_string(),
            ('r', Some('"' | '#')) if !self.in_name() => self.raw_string(),
            ('\'', _) => self.character(),
            _ => self.out.push(next),
        }
    }

    /// Whether what stands just before is a name, so that this letter is its end and not a string's prefix. `br` and `cr` are prefixes.
    fn in_name(&self) -> bool {
        let name: String = self.out.chars().rev().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
        !matches!(name.as_str(), "" | "b" | "c")
    }

    fn keep_newline(&mut self, c: char) {
        if c == '\n' {
            self.out.push(c);
        }
    }

    fn skip_line(&mut self) {
        while self.rest.next_if(|c| *c != '\n').is_some() {}
    }

    fn skip_block(&mut self) {
        let (mut depth, mut last) = (1, ' ');
        self.rest.next();
        while let Some(c) = self.rest.next() {
            self.keep_newline(c);
            match (last, c) {
                ('*', '/') => depth -= 1,
                ('/', '*') => depth += 1,
                _ => {
                    last = c;
                    continue;
                }
            }
            // The two signs are used up: `*/*` does not open a new one.
            last = ' ';
            if depth == 0 {
                return;
            }
        }
    }

    fn skip_string(&mut self) {
        while let Some(c) = self.rest.next() {
            self.keep_newline(c);
            match c {
                '"' => return,
                '\\' => {
                    if let Some(escaped) = self.rest.next() {
                        self.keep_newline(escaped);
                    }
                }
                _ => {}
            }
        }
    }

    /// After an `r`: a raw string, or a raw name such as `r#type`.
    fn raw_string(&mut self) {
        let mut hashes = 0;
        while self.rest.next_if_eq(&'#').is_some() {
            hashes += 1;
        }
        if self.rest.next_if_eq(&'"').is_none() {
            self.out.push('r');
            return;
        }
        while let Some(c) = self.rest.next() {
            self.keep_newline(c);
            if c == '"' && (0..hashes).all(|_| self.rest.next_if_eq(&'#').is_some()) {
                return;
            }
        }
    }

    /// After a `'`: a character, or a lifetime, which is code.
    fn character(&mut self) {
        let mut ahead = self.rest.clone();
        match (ahead.next(), ahead.next()) {
            (Some('\\'), _) => {
                self.rest.next();
                self.rest.next();
                while self.rest.next_if(|c| *c != '\'' && *c != '\n').is_some() {}
                self.rest.next_if_eq(&'\'');
            }
            (Some(c), Some('\'')) => {
                self.rest.next();
                self.keep_newline(c);
                self.rest.next();
            }
            _ => self.out.push('\''),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_strings_and_characters_vanish_and_lines_stay() {
        let source = "let a = \"un//safe\\\" x\"; // unsafe\n/* unsafe /* deeper */\nunsafe */ let b = 'u';\nlet c = r#\"a\"unsafe\"#;\n";
        assert_eq!(without_text(source), "let a = ; \n\n let b = ;\nlet c = ;\n");
    }

    #[test]
    fn lifetimes_and_raw_names_are_code() {
        assert_eq!(without_text("fn f<'a>(r#type: &'a str, q: char) { q == '\\'' }"), "fn f<'a>(rtype: &'a str, q: char) { q ==  }");
        assert_eq!(without_text("let x = br\"unsafe\"; var\"s\""), "let x = b; var");
    }

    #[test]
    fn a_word_is_not_a_part_of_a_name() {
        assert!(has_word("unsafe { }", "unsafe"));
        assert!(!has_word("forbid(unsafe_code)", "unsafe"));
    }
}
