//! A list of which a filter shows a part. Lines are what is seen; items are what there is.

use super::query::Query;

/// Which items of a list are shown.
#[derive(Debug, Clone, Default)]
pub struct Narrow {
    /// What they must fit.
    pub query: Query,
    /// The items that fit, in order; `None` is all of them.
    shown: Option<Vec<usize>>,
}

impl Narrow {
    /// Shows what fits, of so many items.
    pub fn set(&mut self, query: Query, items: usize, fits: impl Fn(&Query, usize) -> bool) {
        self.shown = (!query.is_empty()).then(|| (0..items).filter(|item| fits(&query, *item)).collect());
        self.query = query;
    }

    /// Lines that are shown, of so many items.
    #[must_use]
    pub fn lines(&self, items: usize) -> usize {
        self.shown.as_ref().map_or(items, Vec::len)
    }

    /// The item on a line.
    #[must_use]
    pub fn item(&self, line: usize) -> Option<usize> {
        self.shown.as_ref().map_or(Some(line), |shown| shown.get(line).copied())
    }

    /// The line of an item, or of the next one that is shown.
    #[must_use]
    pub fn line(&self, item: usize) -> usize {
        self.shown.as_ref().map_or(item, |shown| shown.partition_point(|other| *other < item))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_what_fits() {
        let names = ["one", "two", "three", "other"];
        let mut narrow = Narrow::default();
        assert_eq!((narrow.lines(4), narrow.item(2), narrow.line(2)), (4, Some(2), 2));
        narrow.set(Query::parse("t").unwrap(), 4, |query, item| query.fits_line(names[item], 0, &[]));
        assert_eq!((narrow.lines(4), narrow.item(0), narrow.item(3)), (3, Some(1), None));
        assert_eq!((narrow.line(2), narrow.line(0), narrow.line(9)), (1, 0, 3));
    }
}
