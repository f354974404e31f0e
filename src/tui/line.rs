//! A line of text while it is typed, and what a key means to it.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

/// What came of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Typed {
    /// The text is another one.
    Changed,
    /// The text is done.
    Enter,
    /// The text is given up: by escape, or by wiping what is empty.
    Leave,
    /// The program is to be left.
    Quit,
    /// So many lines up or down in the list below.
    Step(isize),
    /// Nothing.
    Nothing,
}

/// Takes a key into the text.
pub fn edit(text: &mut String, event: KeyEvent) -> Typed {
    if event.modifiers.contains(KeyModifiers::CONTROL) {
        return match event.code {
            KeyCode::Char('c') => Typed::Quit,
            KeyCode::Char('n' | 'j') => Typed::Step(1),
            KeyCode::Char('p' | 'k') => Typed::Step(-1),
            KeyCode::Char('u') => {
                text.clear();
                Typed::Changed
            }
            KeyCode::Char('w') => {
                text.truncate(text.trim_end().rfind([' ', '/']).map_or(0, |end| end + 1));
                Typed::Changed
            }
            _ => Typed::Nothing,
        };
    }
    match event.code {
        KeyCode::Char(character) => {
            text.push(character);
            Typed::Changed
        }
        KeyCode::Backspace => text.pop().map_or(Typed::Leave, |_| Typed::Changed),
        KeyCode::Enter => Typed::Enter,
        KeyCode::Esc => Typed::Leave,
        KeyCode::Up => Typed::Step(-1),
        KeyCode::Down => Typed::Step(1),
        _ => Typed::Nothing,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_edit_the_end_of_the_line() {
        let mut text = String::new();
        let mut press = |code, modifiers| (edit(&mut text, KeyEvent::new(code, modifiers)), text.clone());
        let (plain, control) = (KeyModifiers::NONE, KeyModifiers::CONTROL);
        for character in "a bé".chars() {
            press(KeyCode::Char(character), plain);
        }
        assert_eq!(press(KeyCode::Backspace, plain), (Typed::Changed, "a b".into()));
        assert_eq!(press(KeyCode::Char('w'), control), (Typed::Changed, "a ".into()));
        assert_eq!(press(KeyCode::Char('x'), control), (Typed::Nothing, "a ".into()));
        assert_eq!(press(KeyCode::Char('u'), control), (Typed::Changed, String::new()));
        assert_eq!(press(KeyCode::Backspace, plain), (Typed::Leave, String::new()));
        assert_eq!(press(KeyCode::Char('p'), control).0, Typed::Step(-1));
    }
}
