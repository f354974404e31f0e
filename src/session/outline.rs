//! What is known of an image before its layers are read: what an engine says of it before it exports it, its layers with
//! their sizes and commands.

use super::load::{Loaded, LoadedLayer};
use crate::analysis::content::Gathered;
use crate::analysis::instructions::is_describing;
use crate::image::{Config, Image, Layer, Step};
use crate::index::{Index, SlotId, Stack};
use crate::platform::Platform;
use crate::source::engine::{EngineFacts, EngineHistory};

/// What is known of an image before and while its layers are read.
pub(super) struct Outline {
    pub image: Image,
    pub layers: Vec<LoadedLayer>,
    pub slots: Vec<Option<SlotId>>,
    /// Nobody has said yet what image this is: what comes by stands for its layers, in the order in which it comes.
    pub is_guessed: bool,
}

impl Outline {
    /// That of an image of which nothing is known yet.
    pub fn guessed() -> Self {
        let image = Image {
            tags: Vec::new(),
            id: String::new(),
            digest: None,
            platform: Platform::default(),
            config: Config::default(),
            layers: Vec::new(),
            mismatch: None,
        };
        Self { image, layers: Vec::new(), slots: Vec::new(), is_guessed: true }
    }

    /// The layers whose tar has this digest.
    pub fn layers_with(&self, diff_id: &str) -> Vec<usize> {
        let stated = self.image.layers.iter().enumerate();
        stated.filter(|(_, layer)| layer.diff_id.as_deref() == Some(diff_id)).map(|(place, _)| place).collect()
    }

    /// The image as far as it is read; the layers that are being read are what the index has of them in `slot`.
    pub fn with(&self, index: Index, reading: &[usize], slot: Option<SlotId>) -> Loaded {
        let mut slots = self.slots.clone();
        for &layer in reading {
            slots[layer] = slot;
        }
        Loaded {
            image: self.image.clone(),
            source: String::new(),
            reference: String::new(),
            index,
            stack: Stack::new(slots),
            layers: self.layers.clone(),
            gathered: Gathered::default(),
            verified: false,
            broken: None,
            notes: Vec::new(),
            is_unsearched: false,
            origin: None,
        }
    }
}

/// The image as far as the engine's word goes, and the bytes of each layer.
pub(super) fn outline(facts: &EngineFacts) -> (Image, Vec<u64>) {
    let with_layer = with_layer(facts);
    let mut layers = Vec::with_capacity(facts.diff_ids.len());
    let mut sizes = Vec::new();
    for (place, diff_id) in facts.diff_ids.iter().enumerate() {
        let known = with_layer.as_ref().map(|steps| steps[place]);
        sizes.extend(known.map(|known| known.size));
        layers.push(Layer { diff_id: Some(diff_id.clone()), step: known.map(step), ..Layer::default() });
    }
    let is_empty = |one: &EngineHistory| {
        with_layer.as_ref().is_some_and(|steps| !steps.iter().any(|other| std::ptr::eq(*other, one)))
    };
    let history = facts.history.iter().map(|one| Step { empty_layer: is_empty(one), ..step(one) }).collect();
    let platform = facts.platform();
    let config = Config {
        platform: platform.clone(),
        created: facts.created.clone(),
        diff_ids: facts.diff_ids.clone(),
        history,
        ..Config::default()
    };
    let image = Image {
        tags: facts.tags.clone(),
        id: facts.id.clone(),
        digest: None,
        platform,
        config,
        layers,
        mismatch: None,
    };
    (image, sizes)
}

fn step(step: &EngineHistory) -> Step {
    Step {
        created_by: step.created_by.clone(),
        created: None,
        comment: Some(step.comment.clone()).filter(|comment| !comment.is_empty()),
        empty_layer: false,
    }
}

/// The steps that made the layers. Engines do not say which these are; `None` where it cannot be told for sure.
fn with_layer(facts: &EngineFacts) -> Option<Vec<&EngineHistory>> {
    let layers = facts.diff_ids.len();
    let filled: Vec<_> = facts.history.iter().filter(|step| step.size > 0).collect();
    if filled.len() == layers {
        return Some(filled);
    }
    let making: Vec<_> =
        facts.history.iter().filter(|step| step.size > 0 || !is_describing(&step.created_by)).collect();
    (making.len() == layers).then_some(making)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::secrets::shown_command;
    use crate::source::storage::Driver;

    fn facts(layers: usize, steps: &[(&str, u64)]) -> EngineFacts {
        let step = |(created_by, size): &(&str, u64)| EngineHistory {
            created: 0,
            created_by: (*created_by).to_owned(),
            comment: String::new(),
            size: *size,
            tags: Vec::new(),
        };
        EngineFacts {
            source: "docker".into(),
            method: "export",
            id: "sha256:1".into(),
            tags: Vec::new(),
            repo_digests: Vec::new(),
            os: "linux".into(),
            architecture: "amd64".into(),
            variant: None,
            created: None,
            size: 0,
            diff_ids: (0..layers).map(|layer| format!("sha256:{layer}")).collect(),
            history: steps.iter().map(step).collect(),
            driver: Driver::default(),
        }
    }

    fn commands(layers: usize, steps: &[(&str, u64)]) -> Vec<String> {
        outline(&facts(layers, steps)).0.layers.iter().map(shown_command).collect()
    }

    #[test]
    fn commands_stand_with_their_layers_where_that_is_sure() {
        let steps = [("ADD rootfs", 10), ("/bin/sh -c #(nop)  CMD [\"sh\"]", 0), ("RUN make", 5)];
        assert_eq!(commands(2, &steps), ["ADD rootfs", "RUN make"]);
        let (image, sizes) = outline(&facts(2, &steps));
        assert_eq!(sizes, [10, 5]);
        assert_eq!(image.config.history.iter().map(|step| step.empty_layer).collect::<Vec<_>>(), [false, true, false]);
        // A step that changed nothing made a layer all the same.
        assert_eq!(commands(3, &[("ADD a", 1), ("RUN true", 0), ("ENV a=b", 0), ("RUN b", 1)]).len(), 3);
        assert_eq!(commands(3, &[("ADD a", 1), ("RUN true", 0), ("ENV a=b", 0), ("RUN b", 1)])[1], "RUN true");
    }

    #[test]
    fn what_is_not_sure_is_not_said() {
        let steps = [("ADD a", 1), ("WORKDIR /x", 0), ("RUN true", 0)];
        assert_eq!(commands(2, &steps), ["(not recorded)"; 2]);
        assert!(outline(&facts(2, &steps)).1.is_empty());
        assert_eq!(commands(0, &[]), [""; 0]);
    }
}
