//! What a name in a layer says about the layers below it.
//! Format: OCI image spec, layer.md, "Representing Changes": `.wh.NAME` removes NAME, `.wh..wh..opq` hides a folder's
//! lower contents; other names with the double prefix are aufs's own and mean nothing to anybody else.

/// What removes the path behind it in the layers below.
const PREFIX: &[u8] = b".wh.";
/// aufs's metadata.
const META_PREFIX: &[u8] = b".wh..wh.";
/// Hides what lower layers have in the folder that it stands in.
const OPAQUE: &[u8] = b".wh..wh..opq";

/// What the last part of a path stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mark<'a> {
    /// A thing of this layer.
    Entry,
    /// Removes the lower thing of that name.
    Whiteout(&'a [u8]),
    /// Hides the lower contents of the folder it stands in.
    Opaque,
    /// aufs's metadata, or a whiteout of nothing (`.wh.`, `.wh..`): no meaning.
    Meta,
}

/// Reads the last part of a path.
#[must_use]
pub fn read(name: &[u8]) -> Mark<'_> {
    if name == OPAQUE {
        return Mark::Opaque;
    }
    if name.starts_with(META_PREFIX) {
        return Mark::Meta;
    }
    match name.strip_prefix(PREFIX) {
        Some(b"" | b"." | b"..") => Mark::Meta,
        Some(target) => Mark::Whiteout(target),
        None => Mark::Entry,
    }
}

/// Whether a folder on the way is aufs's metadata: what lies in it belongs to no file system.
#[must_use]
pub fn is_meta(name: &[u8]) -> bool {
    name.starts_with(META_PREFIX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_by_the_spec() {
        assert_eq!(read(b"file"), Mark::Entry);
        assert_eq!(read(b".wh"), Mark::Entry);
        assert_eq!(read(b".wh.file"), Mark::Whiteout(b"file"));
        assert_eq!(read(b".wh..hidden"), Mark::Whiteout(b".hidden"));
        assert_eq!(read(b".wh.."), Mark::Meta);
        assert_eq!(read(b".wh."), Mark::Meta);
        assert_eq!(read(b".wh..wh..opq"), Mark::Opaque);
        assert_eq!(read(b".wh..wh.plnk"), Mark::Meta);
    }
}
