//! One image for two platforms, as buildah writes it: an index that holds an index that holds the manifests.

use crate::images::Image;
use crate::sources::{TAG, text, umoci_layout};
use crate::tools::{Ready, run, tool};

/// The layout, and an archive of the same. The second platform has the same layers under another configuration, which
/// needs no emulation to be made.
pub fn both(image: &Image) -> Ready<[String; 2]> {
    let single = umoci_layout(image, "umoci-platforms")?;
    run(tool("umoci")?.args(["tag", "--image", &format!("{single}:{TAG}"), "arm"]));
    run(tool("umoci")?.args(["config", "--image", &format!("{single}:arm"), "--architecture", "arm64"]));
    let list = format!("{}-platforms", image.name);
    // What an earlier run has left in the way; there may be nothing.
    let _ = tool("buildah")?.args(["manifest", "rm", &list]).output();
    run(tool("buildah")?.args(["manifest", "create", &list]));
    for tag in [TAG, "arm"] {
        run(tool("buildah")?.args(["manifest", "add", &list, &format!("oci:{single}:{tag}")]));
    }
    let places = [("oci", "platforms"), ("oci-archive", "platforms.tar")];
    let places = places.map(|(transport, name)| (transport, text(&image.folder.join(name))));
    for (transport, place) in &places {
        let to = format!("{transport}:{place}:{TAG}");
        run(tool("buildah")?.args(["manifest", "push", "--quiet", "--all", &list, &to]));
    }
    run(tool("buildah")?.args(["manifest", "rm", &list]));
    Ok(places.map(|(_, place)| place))
}
