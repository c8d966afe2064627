//! Pages of lists, and what a change does to one field.

use uuid::Uuid;

/// Which part of a list is asked for. Lists are newest first, in the order of ids, which begin with the time they were made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Page {
    /// Most rows, 1 to [`Page::MAX`]; what lies outside is taken as the nearest.
    pub limit: u32,
    /// The rows that follow this id; none is the first page.
    pub after: Option<Uuid>,
}

impl Page {
    /// Most rows of one page.
    pub const MAX: u32 = 200;

    /// The first page of this size.
    pub const fn first(limit: u32) -> Self {
        Self { limit, after: None }
    }

    /// The limit within its bounds.
    pub(crate) fn size(&self) -> u32 {
        self.limit.clamp(1, Self::MAX)
    }

    /// How many rows to ask the database for: one more shows that another page follows.
    pub(crate) fn asked(&self) -> u32 {
        self.size() + 1
    }

    /// Where to begin: every id is below the largest one.
    pub(crate) fn before(&self) -> Uuid {
        self.after.unwrap_or(Uuid::max())
    }

    /// The page out of what the database gave for [`Page::asked`].
    pub(crate) fn of<T>(&self, mut rows: Vec<T>, id: impl Fn(&T) -> Uuid) -> Paged<T> {
        let size = usize::try_from(self.size()).unwrap_or(usize::MAX);
        let more = rows.len() > size;
        rows.truncate(size);
        let next = if more { rows.last().map(id) } else { None };
        Paged { rows, next }
    }
}

/// One page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Paged<T> {
    /// What is on it.
    pub rows: Vec<T>,
    /// What to give as [`Page::after`] for the next one; none when this is the last.
    pub next: Option<Uuid>,
}

impl<T> Paged<T> {
    /// The same page of something else.
    pub fn map<U>(self, with: impl FnMut(T) -> U) -> Paged<U> {
        Paged { rows: self.rows.into_iter().map(with).collect(), next: self.next }
    }
}

/// What a change does to one field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Change<T> {
    /// Leaves it.
    #[default]
    Keep,
    /// Empties it.
    Clear,
    /// Gives it this value.
    Set(T),
}

impl<T> Change<T> {
    /// Whether it leaves the field.
    pub const fn is_keep(&self) -> bool {
        matches!(self, Self::Keep)
    }

    /// What an optional field holds afterwards.
    pub fn of(self, former: Option<T>) -> Option<T> {
        match self {
            Self::Keep => former,
            Self::Clear => None,
            Self::Set(value) => Some(value),
        }
    }

    /// What a field holds afterwards that becomes `empty` when it is cleared.
    pub fn or(self, former: T, empty: T) -> T {
        match self {
            Self::Keep => former,
            Self::Clear => empty,
            Self::Set(value) => value,
        }
    }

    /// What a field holds afterwards that cannot be empty; `what` names it.
    ///
    /// Errors: [`crate::StoreError::Needed`] when it is cleared.
    pub fn needed(self, former: T, what: &'static str) -> Result<T, crate::StoreError> {
        match self {
            Self::Keep => Ok(former),
            Self::Clear => Err(crate::StoreError::Needed { what }),
            Self::Set(value) => Ok(value),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_says_whether_another_follows() {
        let ids: Vec<_> = (1..=4).map(Uuid::from_u128).collect();
        let page = Page::first(3);
        assert_eq!(page.asked(), 4);
        assert_eq!(page.of(ids.clone(), |id| *id), Paged { rows: ids[..3].to_vec(), next: Some(ids[2]) });
        assert_eq!(page.of(ids[..3].to_vec(), |id| *id), Paged { rows: ids[..3].to_vec(), next: None });
        assert_eq!(page.of(Vec::<Uuid>::new(), |id| *id).next, None);
    }

    #[test]
    fn a_limit_outside_its_bounds_is_the_nearest() {
        assert_eq!((Page::first(0).size(), Page::first(7).size(), Page::first(u32::MAX).size()), (1, 7, Page::MAX));
    }

    #[test]
    fn a_change_leaves_clears_or_sets() {
        assert_eq!((Change::Keep.of(Some(1)), Change::Clear.of(Some(1)), Change::Set(2).of(None)), (Some(1), None, Some(2)));
        assert_eq!((Change::Keep.or(1, 0), Change::Clear.or(1, 0), Change::Set(2).or(1, 0)), (1, 0, 2));
        assert_eq!((Change::Keep.needed(1, "name").unwrap(), Change::Set(2).needed(1, "name").unwrap()), (1, 2));
        let error = Change::Clear.needed(1, "name").unwrap_err();
        assert_eq!(error.to_string(), "the name cannot be empty; give a value, or leave it out to keep the present one");
    }
}
