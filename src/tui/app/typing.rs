//! A filter while it is typed, and the list that it narrows. What is no filter yet changes nothing.

use crossterm::event::KeyEvent;

use super::{App, Effect, Pane, Screen};
use crate::analysis::secrets::shown_command;
use crate::tui::line::{Typed, edit};
use crate::tui::query::Query;

/// A list that a filter narrows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum List {
    /// The layers.
    Layers,
    /// The tree.
    Files,
    /// The findings.
    Findings,
    /// The packages.
    Packages,
}

/// What is typed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Typing {
    /// The list that it is for.
    pub list: List,
    /// The text so far.
    pub text: String,
    /// Why it is no filter yet.
    pub wrong: Option<String>,
}

impl App {
    /// The list that a filter would narrow now.
    pub(super) fn filtered_list(&self) -> Option<List> {
        match (self.screen, self.pane) {
            (Screen::Files, Pane::Layers) => Some(List::Layers),
            (Screen::Files, Pane::Files) => Some(List::Files),
            (Screen::Findings, _) => Some(List::Findings),
            (Screen::Packages, _) => Some(List::Packages),
            (Screen::Image, _) => None,
        }
    }

    /// What narrows a list.
    #[must_use]
    pub fn filter_of(&self, list: List) -> &Query {
        match list {
            List::Layers => &self.layers.query,
            List::Files => &self.wish.filter,
            List::Findings => &self.findings.query,
            List::Packages => &self.packages.query,
        }
    }

    /// Asks for a filter, beginning with the one that is there.
    pub(super) fn begin_filter(&mut self) {
        if let Some(list) = self.filtered_list() {
            let text = self.filter_of(list).text().to_owned();
            self.typing = Some(Typing { list, text, wrong: None });
        } else {
            self.notice = Some("there is no list here to filter".into());
        }
    }

    /// A key while a filter is typed.
    pub(super) fn type_text(&mut self, event: KeyEvent) -> Vec<Effect> {
        let Some(Typing { list, text, .. }) = &mut self.typing else { return Vec::new() };
        let list = *list;
        let was_empty = text.is_empty();
        match edit(text, event) {
            Typed::Quit => return vec![Effect::Abandon],
            Typed::Step(by) => return self.walk(|list| list.step(by)),
            Typed::Nothing => return Vec::new(),
            Typed::Enter => {
                self.typing = None;
                return Vec::new();
            }
            Typed::Leave => {
                self.typing = None;
                return if was_empty { Vec::new() } else { self.clear_filter(list) };
            }
            Typed::Changed => {}
        }
        self.take_typed()
    }

    fn take_typed(&mut self) -> Vec<Effect> {
        let Some(Typing { list, text, wrong }) = &mut self.typing else { return Vec::new() };
        let list = *list;
        match Query::parse(text) {
            Err(why) => {
                *wrong = Some(why);
                Vec::new()
            }
            Ok(query) => {
                *wrong = None;
                if *self.filter_of(list) == query { Vec::new() } else { self.narrow(list, query) }
            }
        }
    }

    fn narrow(&mut self, list: List, query: Query) -> Vec<Effect> {
        match list {
            List::Files if query.is_empty() => self.clear_filter(list),
            List::Files => {
                self.wish.filter = query;
                self.seeks_match = true;
                self.rebuild()
            }
            List::Layers => self.narrow_layers(query),
            List::Findings => {
                self.findings.query = query;
                self.list_findings();
                Vec::new()
            }
            List::Packages => {
                self.packages.query = query;
                self.list_packages();
                Vec::new()
            }
        }
    }

    /// Shows everything again, with the cursor where it is: what the filter opened on the way there stays open.
    pub(super) fn clear_filter(&mut self, list: List) -> Vec<Effect> {
        if list != List::Files {
            return self.narrow(list, Query::default());
        }
        if let (Some(image), Some(path)) = (&self.image, self.path()) {
            self.open.extend(image.loaded.index.lineage(path).skip(1));
        }
        self.wish.filter = Query::default();
        self.rebuild()
    }

    /// Lists the layers that fit. Those that touch a path are found beside the screen.
    pub(super) fn narrow_layers(&mut self, query: Query) -> Vec<Effect> {
        if query.has_paths() {
            return vec![Effect::Touch(query)];
        }
        self.list_layers(query, |_| true)
    }

    /// Takes the layers that touch what the filter says, if it is still asked for.
    pub(super) fn narrow_to_touched(&mut self, query: &Query, touched: &[bool]) -> Vec<Effect> {
        let typed = self.typing.as_ref().filter(|typing| typing.list == List::Layers && typing.wrong.is_none());
        if typed.is_some_and(|typing| typing.text != query.text()) {
            return Vec::new();
        }
        self.list_layers(query.clone(), |layer| touched.get(layer).copied().unwrap_or(false))
    }

    fn list_layers(&mut self, query: Query, touched: impl Fn(usize) -> bool) -> Vec<Effect> {
        let Some(image) = &self.image else { return Vec::new() };
        let layers = &image.loaded.image.layers;
        self.layers.set(query, layers.len(), |query, layer| {
            let described = &layers[layer];
            let digests = [described.digest.as_deref(), described.diff_id.as_deref()].map(Option::unwrap_or_default);
            let line = format!("{layer} {} {}", shown_command(described), digests.join(" "));
            let bytes = image.account.layers[layer].bytes.shipped;
            query.fits_layer(&line, bytes, u32::try_from(layer).unwrap_or(u32::MAX), touched(layer))
        });
        self.layer_line.count = self.layers.lines(layers.len());
        self.layer_line.go(self.layers.line(self.layer));
        self.follow_layer()
    }
}
