//! A cursor in a list that is longer than its window.

/// Where the cursor is and what part of the list is seen.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Cursor {
    /// The chosen line.
    pub at: usize,
    /// The first line that is seen.
    pub top: usize,
    /// Lines in all.
    pub count: usize,
    /// Lines that are seen.
    pub height: usize,
}

impl Cursor {
    /// At the top of a list.
    #[must_use]
    pub fn new(count: usize) -> Self {
        Self { count, ..Self::default() }
    }

    /// Moves by lines, and stops at the ends.
    pub fn step(&mut self, by: isize) {
        self.go(self.at.saturating_add_signed(by));
    }

    /// Moves by half windows.
    pub fn page(&mut self, by: isize) {
        self.step(by * (self.height / 2).max(1).cast_signed());
    }

    /// Goes to a line, or to the last one.
    pub fn go(&mut self, line: usize) {
        self.at = line.min(self.count.saturating_sub(1));
        self.fit(self.height);
    }

    /// Takes the lines of a text and the height of its window. There is no chosen line: `at` is the first that is seen.
    pub fn scroll(&mut self, lines: usize, height: u16) {
        self.height = usize::from(height);
        self.count = lines.saturating_sub(self.height) + 1;
        self.at = self.at.min(self.count - 1);
        self.top = self.at;
    }

    /// Takes the height of the window; scrolls just so far that the cursor is seen.
    pub fn fit(&mut self, height: usize) {
        self.height = height;
        if height == 0 || self.at < self.top {
            self.top = self.at;
        } else if self.at >= self.top + height {
            self.top = self.at + 1 - height;
        }
        self.top = self.top.min(self.count.saturating_sub(height.min(self.count)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cursor_stays_in_the_list_and_in_the_window() {
        let mut cursor = Cursor::new(10);
        cursor.fit(4);
        cursor.step(-1);
        assert_eq!((cursor.at, cursor.top), (0, 0));
        cursor.go(7);
        assert_eq!((cursor.at, cursor.top), (7, 4));
        cursor.go(usize::MAX);
        assert_eq!((cursor.at, cursor.top), (9, 6));
        cursor.page(-1);
        assert_eq!((cursor.at, cursor.top), (7, 6));
        let mut empty = Cursor::new(0);
        empty.step(3);
        empty.fit(5);
        assert_eq!((empty.at, empty.top), (0, 0));
    }
}
