//! Tables of figures, as they are printed and as they stand in `docs/benchmarks.md`.

use std::fmt;

/// Whether a figure keeps its target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It does.
    Within,
    /// It does not.
    Over,
    /// Something else on the machine got in the way: the figure says nothing.
    Disturbed,
}

impl Verdict {
    /// Small is good.
    pub(super) fn at_most(measured: f64, limit: f64) -> Self {
        // What cannot be compared has not been kept.
        if measured <= limit { Self::Within } else { Self::Over }
    }

    /// Large is good.
    pub(super) fn at_least(measured: f64, limit: f64) -> Self {
        if measured >= limit { Self::Within } else { Self::Over }
    }
}

impl Verdict {
    /// The verdict, when the figures behind it are worth one.
    pub(super) fn unless(self, disturbed: bool) -> Self {
        if disturbed { Self::Disturbed } else { self }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Within => "within",
            Self::Over => "over",
            Self::Disturbed => "disturbed",
        })
    }
}

/// Rows under a head, aligned when printed.
#[derive(Debug)]
pub(super) struct Table {
    rows: Vec<Vec<String>>,
}

impl Table {
    pub(super) fn new(head: &[&str]) -> Self {
        Self { rows: vec![head.iter().map(|&cell| cell.to_owned()).collect()] }
    }

    pub(super) fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        self.rows.push(cells.into_iter().collect());
    }

    fn width(&self, column: usize) -> usize {
        let widths = self.rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count());
        widths.max().unwrap_or(0).max(3)
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let columns = self.rows.first().map_or(0, Vec::len);
        for (number, row) in self.rows.iter().enumerate() {
            for column in 0..columns {
                let (cell, width) = (row.get(column).map_or("", String::as_str), self.width(column));
                // Names to the left, figures to the right.
                if column == 0 { write!(f, "| {cell:<width$} ")? } else { write!(f, "| {cell:>width$} ")? }
            }
            writeln!(f, "|")?;
            if number == 0 {
                for column in 0..columns {
                    let (left, right) = if column == 0 { ("", "") } else { ("", ":") };
                    write!(f, "|{left}{}{right}", "-".repeat(self.width(column) + 2 - right.len()))?;
                }
                writeln!(f, "|")?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_is_kept_up_to_the_limit_itself() {
        assert_eq!(Verdict::at_most(1.5, 1.5), Verdict::Within);
        assert_eq!(Verdict::at_most(1.501, 1.5), Verdict::Over);
        assert_eq!(Verdict::at_least(400.0, 400.0), Verdict::Within);
        assert_eq!(Verdict::at_least(399.0, 400.0), Verdict::Over);
    }

    #[test]
    fn a_figure_that_is_none_is_over() {
        assert_eq!(Verdict::at_most(f64::NAN, 1.0), Verdict::Over);
        assert_eq!(Verdict::at_least(f64::NAN, 1.0), Verdict::Over);
        assert_eq!(Verdict::Within.unless(true), Verdict::Disturbed);
    }

    #[test]
    fn a_table_is_aligned_markdown() {
        let mut table = Table::new(&["What", "ms"]);
        table.row(["echo".into(), "1.25".into()]);
        table.row(["bare".into()]);
        assert_eq!(table.to_string(), "| What |   ms |\n|------|-----:|\n| echo | 1.25 |\n| bare |      |\n");
    }
}
