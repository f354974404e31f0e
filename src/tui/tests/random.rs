//! Whatever is pressed, clicked and resized: no panic, and a cursor that is where something is.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers, MouseButton, MouseEventKind};

use super::super::app::Msg;
use super::{Sitting, demo, mouse};

/// Numbers that are the same every time (xorshift, Marsaglia 2003).
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: u16) -> u16 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        u16::try_from(self.0 % u64::from(end.max(1))).unwrap()
    }

    fn message(&mut self, size: (u16, u16)) -> Msg {
        const NAMED: [KeyCode; 14] = [
            KeyCode::Enter,
            KeyCode::Esc,
            KeyCode::Tab,
            KeyCode::BackTab,
            KeyCode::Up,
            KeyCode::Down,
            KeyCode::Left,
            KeyCode::Right,
            KeyCode::PageUp,
            KeyCode::PageDown,
            KeyCode::Home,
            KeyCode::End,
            KeyCode::Backspace,
            KeyCode::F(5),
        ];
        match self.below(10) {
            0 => {
                let kinds = [
                    MouseEventKind::Down(MouseButton::Left),
                    MouseEventKind::Up(MouseButton::Left),
                    MouseEventKind::Drag(MouseButton::Left),
                    MouseEventKind::Down(MouseButton::Right),
                    MouseEventKind::ScrollDown,
                    MouseEventKind::ScrollUp,
                ];
                let kind = kinds[usize::from(self.below(6))];
                // The mouse may have moved out of a window that became small.
                mouse(kind, self.below(size.0 + 2), self.below(size.1 + 2))
            }
            1..=3 => Msg::Key(KeyEvent::new(NAMED[usize::from(self.below(14))], KeyModifiers::NONE)),
            4 => Msg::Key(KeyEvent::new(KeyCode::Char(self.letter()), KeyModifiers::CONTROL)),
            _ => Msg::Key(KeyEvent::new(KeyCode::Char(self.letter()), KeyModifiers::NONE)),
        }
    }

    fn letter(&mut self) -> char {
        const OTHERS: [char; 4] = ['é', '日', '\u{1b}', '\u{202e}'];
        match self.below(100) {
            place @ 0..4 => OTHERS[usize::from(place)],
            place => char::from(u8::try_from(31 + place % 95 + 1).unwrap()),
        }
    }
}

fn check(sitting: &Sitting, step: u32) {
    let app = &sitting.app;
    for (what, cursor, count) in [
        ("tree", app.row, app.rows.len()),
        ("layers", app.layer_line, app.layers.lines(app.image.as_ref().map_or(0, |image| image.loaded.layers.len()))),
        ("findings", app.findings.cursor, app.findings.items.len()),
        ("packages", app.packages.cursor, app.packages.shown.len()),
    ] {
        let Some(image) = &app.image else { continue };
        assert!(app.layer < image.loaded.layers.len().max(1), "the layer at step {step}");
        assert_eq!(cursor.count, count, "{what} at step {step}");
        assert!(cursor.at < count.max(1), "{what} at step {step}: {cursor:?}");
        assert!(cursor.top <= cursor.at, "{what} at step {step}: {cursor:?}");
    }
}

fn run(seed: u64, steps: u32, mut sitting: Sitting) {
    let mut dice = Dice(seed);
    let mut size = (140, 40);
    for step in 0..steps {
        if dice.below(25) == 0 {
            size = match dice.below(8) {
                0 => (1 + dice.below(30), 1 + dice.below(10)),
                1 => (1 + dice.below(300), 1 + dice.below(100)),
                _ => (60 + dice.below(60), 12 + dice.below(24)),
            };
            sitting.resize(size.0, size.1);
        } else {
            sitting.tell(dice.message(size));
        }
        sitting.effects.clear();
        check(&sitting, step);
        assert_eq!((sitting.buffer().area.width, sitting.buffer().area.height), size);
    }
}

#[test]
fn ten_thousand_random_keys_do_no_harm() {
    run(0x9e37_79b9_7f4a_7c15, 10_000, Sitting::demo());
}

#[test]
fn random_keys_before_the_image_is_there_do_no_harm_either() {
    let mut sitting = Sitting::waiting("demo", "cvd", 140, 40);
    let mut dice = Dice(7);
    for _ in 0..500 {
        let message = dice.message((140, 40));
        sitting.tell(message);
    }
    sitting.tell(Msg::Loaded(demo()));
    check(&sitting, 500);
    run(8, 500, sitting);
}

#[test]
fn every_size_is_drawn() {
    let mut sitting = Sitting::demo();
    for screen in ["1", "2", "3", "4", "?"] {
        sitting.press(screen);
        for (width, height) in
            [(1, 1), (2, 1), (1, 2), (20, 5), (59, 15), (60, 11), (60, 12), (61, 19), (99, 20), (100, 12), (300, 100)]
        {
            sitting.resize(width, height);
            if width < 60 || height < 12 {
                assert!(width < 20 || sitting.shows("is too small"), "{}", sitting.frame());
            }
        }
    }
}
