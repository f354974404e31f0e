//! The root folder that an engine's process sees, which need not be ours: it may run in a container, behind `chroot`, or
//! in a mount namespace of its own, as rootless engines do. The kernel says who listens at a socket (unix(7),
//! SO_PEERCRED), and shows each process's root to those who may look into it (proc(5), /proc/pid/root). Knows no engine.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use tokio::net::UnixStream;

/// Where the root folder of whoever listens at a socket is seen, where it is not ours as well. `None` too where that
/// cannot be told; then paths mean what they mean here.
pub(super) async fn root_behind(socket: &Path) -> Option<PathBuf> {
    let process = UnixStream::connect(socket).await.ok()?.peer_cred().ok()?.pid()?;
    root_of(&Path::new("/proc").join(process.to_string()))
}

/// That of a process, by its folder in `/proc`.
fn root_of(process: &Path) -> Option<PathBuf> {
    let (root, own) = (process.join("root"), Path::new("/"));
    let seen = |path: &Path| fs::metadata(path).map(|folder| (folder.dev(), folder.ino())).ok();
    let theirs = seen(&root)?;
    let is_same = Some(theirs) == seen(own) && mounts(process) == mounts(Path::new("/proc/self"));
    (!is_same).then_some(root)
}

/// What a process sees mounted, as a name for it.
fn mounts(process: &Path) -> Option<PathBuf> {
    fs::read_link(process.join("ns/mnt")).ok()
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::os::unix::fs::symlink;
    use std::os::unix::net::UnixListener;

    use super::*;

    #[test]
    fn our_own_root_is_no_other() {
        let folder = tempfile::tempdir().unwrap();
        let socket = folder.path().join("engine.sock");
        let _listener = UnixListener::bind(&socket).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        assert_eq!(runtime.block_on(root_behind(&socket)), None);
        assert_eq!(runtime.block_on(root_behind(&folder.path().join("none"))), None);
    }

    #[test]
    fn another_root_or_other_mounts_are_seen() {
        let folder = tempfile::tempdir().unwrap();
        let process = folder.path().join("7");
        fs::create_dir_all(process.join("ns")).unwrap();
        assert_eq!(root_of(&process), None);
        symlink("/", process.join("root")).unwrap();
        symlink(mounts(Path::new("/proc/self")).unwrap(), process.join("ns/mnt")).unwrap();
        assert_eq!(root_of(&process), None);
        fs::remove_file(process.join("ns/mnt")).unwrap();
        symlink("mnt:[1]", process.join("ns/mnt")).unwrap();
        assert_eq!(root_of(&process), Some(process.join("root")));
        fs::remove_file(process.join("ns/mnt")).unwrap();
        symlink(mounts(Path::new("/proc/self")).unwrap(), process.join("ns/mnt")).unwrap();
        fs::remove_file(process.join("root")).unwrap();
        symlink(folder.path(), process.join("root")).unwrap();
        assert_eq!(root_of(&process), Some(process.join("root")));
    }
}
