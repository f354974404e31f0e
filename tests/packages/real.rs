//! Databases that real tools write, and what these tools say of them. A test whose tool is missing says so and passes.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::fs;
use std::path::Path;

use layerscope::analysis::packages::{PackageKind, Packages};
use layerscope::units::hex;
use tempfile::TempDir;

use crate::common::image::Layer;
use crate::gather::{Image, named};
use crate::tools::{Ready, Skip, line, root, run, test, tool};

/// A folder as a layer.
fn layer(folder: &Path, paths: &[&str]) -> Ready<Vec<u8>> {
    let mut tar = tool("tar")?;
    tar.arg("-C").arg(folder).args(["--sort=name", "-cf", "-"]).args(paths);
    Ok(run(&mut tar))
}

/// A folder as an image of one layer.
fn packed(folder: &Path, paths: &[&str]) -> Ready<Image> {
    Ok(Image::read([&layer(folder, paths)?[..]]))
}

/// The database of the Debian that these tests run on, without the files of its packages: as a layer, and unpacked, for
/// something may be installed while they run.
struct Here {
    layer: Vec<u8>,
    folder: TempDir,
}

fn here() -> Ready<Here> {
    if !Path::new("/var/lib/dpkg/status").is_file() {
        return Err(Skip::optional("this is no Debian"));
    }
    let marks = "var/lib/apt/extended_states";
    let mut paths = vec!["var/lib/dpkg/status", "var/lib/dpkg/info", "var/lib/dpkg/diversions", "etc/os-release"];
    paths.extend(Path::new("/").join(marks).exists().then_some(marks));
    let layer = layer(Path::new("/"), &paths)?;
    let folder = TempDir::new().unwrap();
    let packed = folder.path().join("layer");
    fs::write(&packed, &layer).unwrap();
    run(tool("tar")?.arg("-C").arg(folder.path()).arg("-xf").arg(&packed));
    Ok(Here { layer, folder })
}

fn names(packages: &Packages) -> BTreeMap<String, String> {
    let system = packages.all().iter().filter(|package| package.kind == PackageKind::Deb);
    system
        .map(|package| (format!("{}:{}", package.record.name, package.record.arch), package.record.version.clone()))
        .collect()
}

#[test]
fn dpkg_tells_the_same_packages() {
    test(|| {
        let here = here()?;
        let image = Image::read([&here.layer[..]]);
        let told = line(tool("dpkg-query")?.arg("--admindir").arg(here.folder.path().join("var/lib/dpkg")).args([
            "-W",
            "-f",
            "${db:Status-Status} ${Package}:${Architecture} ${Version}\n",
        ]));
        let told: BTreeMap<String, String> = told
            .lines()
            .filter_map(|line| line.strip_prefix("installed ")?.split_once(' '))
            .map(|(name, version)| (name.to_owned(), version.to_owned()))
            .collect();
        assert!(told.len() > 50);
        assert_eq!(names(&image.packages()), told);
        Ok(())
    });
}

#[test]
fn dpkg_tells_the_same_files() {
    test(|| {
        here()?;
        let chosen = ["coreutils", "dpkg", "bash", "perl-base", "libc-bin", "tar", "base-files"];
        let mut files = BTreeSet::new();
        let mut owned: BTreeMap<&str, (u64, u64)> = BTreeMap::new();
        for name in chosen {
            for path in line(tool("dpkg")?.args(["-L", name])).lines().filter(|line| line.starts_with('/')) {
                // A link to a folder, such as `/bin`, is claimed by everybody.
                let Ok(meta) = fs::symlink_metadata(path) else { continue };
                let real = Path::new(path).parent().map(fs::canonicalize).and_then(Result::ok);
                let leads_to_folder = fs::metadata(path).is_ok_and(|meta| meta.is_dir());
                let Some(real) = real.filter(|_| !leads_to_folder) else { continue };
                let real = real.join(Path::new(path).file_name().unwrap());
                if files.insert(real) {
                    let (count, bytes) = owned.entry(name).or_default();
                    *count += 1;
                    // Hard links are counted once by their inode.
                    *bytes += if meta.is_file() { meta.len() } else { 0 };
                }
            }
        }
        let relative: Vec<String> =
            files.iter().map(|path| path.strip_prefix("/").unwrap().to_str().unwrap().to_owned()).collect();
        let mut paths: Vec<&str> = relative.iter().map(String::as_str).collect();
        paths.extend(["var/lib/dpkg/status", "var/lib/dpkg/info", "var/lib/dpkg/diversions"]);
        // The links of a merged root.
        paths.extend(["bin", "lib", "lib64", "sbin"].iter().filter(|name| Path::new("/").join(name).is_symlink()));
        let image = packed(Path::new("/"), &paths)?;
        let packages = image.packages();
        for (name, (count, bytes)) in owned {
            let (_, package) = named(&packages, name);
            let links = hard_links(&image, &packages, name);
            let extra = ["bin", "lib", "lib64", "sbin"]
                .iter()
                .filter(|path| image.owner(&packages, path) == Some(name))
                .count();
            assert_eq!(package.files, count + extra as u64, "{name}");
            assert_eq!(package.visible() + links, bytes, "{name}");
        }
        Ok(())
    });
}

/// Bytes that further names of the same file would take were they files of their own.
fn hard_links(image: &Image, packages: &Packages, name: &str) -> u64 {
    use layerscope::index::Kind;
    let slot = image.stack.slots()[0].unwrap();
    let links = image.index.entries_in(slot).filter(|id| image.index.entry(*id).kind == Kind::Hardlink);
    links
        .filter(|id| {
            packages.owner(image.index.entry(*id).path).is_some_and(|owner| packages.get(owner).record.name == name)
        })
        .filter_map(|id| image.index.inode(id))
        .map(|inode| image.index.entry(inode).size)
        .sum()
}

/// What apt would remove together with a package; `None` where it refuses, or would install something instead.
fn purged(settings: &Path, name: &str) -> Ready<Option<BTreeSet<String>>> {
    let mut apt = tool("apt-get")?;
    // Without lists it knows no more than the image does, and is done in a moment.
    apt.env("APT_CONFIG", settings).args(["--simulate", "purge", "--auto-remove", "--assume-yes"]).arg(name);
    let told = String::from_utf8_lossy(&apt.output().unwrap().stdout).into_owned();
    let purged = told.lines().filter_map(|line| line.strip_prefix("Purg ").or_else(|| line.strip_prefix("Remv ")));
    let names: BTreeSet<String> = purged.filter_map(|line| line.split([' ', ':']).next()).map(str::to_owned).collect();
    Ok((!names.is_empty() && !told.contains("\nInst ")).then_some(names))
}

#[test]
fn apt_would_remove_the_same_packages() {
    /// apt takes some tenths of a second for each.
    const ASKED: usize = 25;
    test(|| {
        let here = here()?;
        let at = |path: &str| here.folder.path().join(path).display().to_string();
        let settings = here.folder.path().join("settings");
        let mut compared = 0;
        for keeps_suggested in [true, false] {
            let setting = format!("APT::AutoRemove::SuggestsImportant \"{keeps_suggested}\";\n");
            let (status, marks) = (at("var/lib/dpkg/status"), at("var/lib/apt/extended_states"));
            let own = format!(
                "Dir::State::status \"{status}\";\nDir::State::extended_states \"{marks}\";\nDir::Etc::Parts \"/nonexistent\";\n\
                Dir::State::Lists \"/nonexistent/\";\nDir::Cache::pkgcache \"\";\nDir::Cache::srcpkgcache \"\";\nDebug::NoLocking \"1\";\n"
            );
            fs::write(&settings, own + &setting).unwrap();
            let layer = Layer::new().file("etc/apt/apt.conf.d/docker-autoremove-suggests", setting).finish();
            let image = Image::read([&here.layer[..], &layer[..]]);
            let packages = image.packages();
            let may_go: Vec<_> = packages.ids().filter(|id| !packages.get(*id).record.essential).collect();
            for id in may_go.iter().step_by((may_go.len() / ASKED).max(1)) {
                let name = &packages.get(*id).record.name;
                let goes = packages.without(&[*id]).goes;
                let ours: BTreeSet<_> = goes.iter().map(|(id, _)| packages.get(*id).record.name.clone()).collect();
                if let Some(theirs) = purged(&settings, name)? {
                    assert_eq!(ours, theirs, "without {name}");
                    compared += 1;
                }
            }
        }
        assert!(compared > 0);
        Ok(())
    });
}

/// A package for rpm with a long file list, so that its header does not fit a page.
const SPEC: &str = "Name: wide\nVersion: 1.2\nRelease: 3\nEpoch: 4\nSummary: many files\nLicense: MIT\nBuildArch: noarch\n\
    Requires: narrow\nRecommends: other\n%description\nmany\n%install\nmkdir -p %{buildroot}/usr/share/wide\n\
    for i in $(seq 600); do echo $i >%{buildroot}/usr/share/wide/file-with-a-long-name-$i; done\n%files\n/usr/share/wide\n\
    %package -n narrow\nSummary: one file\n%description -n narrow\none\n%files -n narrow\n";

/// A root with two packages in a database of SQLite, the one that Debian's rpm writes.
fn rpm_root() -> Ready<TempDir> {
    root()?;
    let folder = TempDir::new().unwrap();
    let at = |name: &str| folder.path().join(name);
    fs::write(at("wide.spec"), SPEC).unwrap();
    let define = |command: &mut std::process::Command, name: &str, value: String| {
        command.arg("--define").arg(format!("{name} {value}"));
    };
    let mut build = tool("rpmbuild")?;
    define(&mut build, "_topdir", at("build").display().to_string());
    run(build.arg("-bb").arg(at("wide.spec")));
    let made = at("build/RPMS/noarch");
    let mut install = tool("rpm")?;
    define(&mut install, "_db_backend", "sqlite".into());
    define(&mut install, "_dbpath", "/var/lib/rpm".into());
    fs::create_dir_all(at("root/etc")).unwrap();
    fs::write(at("root/etc/os-release"), "ID=fedora\nVERSION_ID=40\n").unwrap();
    install.arg("--root").arg(at("root")).args(["-i", "--nodeps", "--noscripts"]);
    let files = fs::read_dir(made).unwrap().map(|file| file.unwrap().path());
    run(install.args(files));
    Ok(folder)
}

fn expect_wide(image: &Image) {
    let packages = image.packages();
    assert_eq!(packages.unread, []);
    let (id, wide) = named(&packages, "wide");
    let (narrow, _) = named(&packages, "narrow");
    assert_eq!(wide.record.version, "4:1.2-3");
    assert_eq!(
        (wide.files, wide.visible()),
        (600, (1..=600_u64).map(|number| number.to_string().len() as u64 + 1).sum())
    );
    assert_eq!(wide.record.size, Some(wide.visible()));
    assert_eq!(wide.depends, [[narrow]]);
    assert_eq!(wide.record.wishes.recommends, [["other"]]);
    assert_eq!(packages.purl(id), "pkg:rpm/fedora/wide@1.2-3?arch=noarch&distro=fedora-40&epoch=4");
    assert_eq!(image.owner(&packages, "usr/share/wide/file-with-a-long-name-77"), Some("wide"));
}

#[test]
fn a_database_of_rpm_is_read() {
    test(|| {
        let folder = rpm_root()?;
        assert!(folder.path().join("root/var/lib/rpm/rpmdb.sqlite").is_file());
        expect_wide(&packed(&folder.path().join("root"), &["."])?);
        Ok(())
    });
}

/// The header of a package's file, as a database keeps it: behind the lead and the signature, without its magic.
fn header(file: &[u8]) -> Vec<u8> {
    const LEAD: usize = 96;
    const MAGIC: usize = 8;
    let length = |at: usize| {
        let number = |at: usize| u32::from_be_bytes(file[at..at + 4].try_into().unwrap()) as usize;
        MAGIC + 8 + number(at + MAGIC) * 16 + number(at + MAGIC + 4)
    };
    let main = LEAD + length(LEAD).next_multiple_of(8);
    file[main + MAGIC..main + length(main)].to_vec()
}

/// rpm writes Berkeley DB no more, but its headers are the same: Berkeley DB's own tool stores them.
#[test]
fn a_berkeley_database_is_read() {
    test(|| {
        let folder = rpm_root()?;
        let database = folder.path().join("root/var/lib/rpm");
        for (order, endian) in [("1234", false), ("4321", true)] {
            let mut told =
                format!("VERSION=3\nformat=bytevalue\ntype=hash\ndb_pagesize=4096\ndb_lorder={order}\nHEADER=END\n");
            let files = fs::read_dir(folder.path().join("build/RPMS/noarch")).unwrap().map(|file| file.unwrap().path());
            for (number, file) in files.enumerate() {
                let header = header(&fs::read(file).unwrap());
                let key = u32::try_from(number + 1).unwrap().to_le_bytes();
                writeln!(told, " {}\n {}", hex(&key), hex(&header)).unwrap();
            }
            told += "DATA=END\n";
            let dump = folder.path().join("dump");
            fs::write(&dump, told).unwrap();
            fs::remove_dir_all(&database).unwrap();
            fs::create_dir(&database).unwrap();
            run(tool("db_load")?.arg("-f").arg(&dump).arg(database.join("Packages")));
            let magic = fs::read(database.join("Packages")).unwrap()[12..16].to_vec();
            assert_eq!(magic == [0x00, 0x06, 0x15, 0x61], endian);
            expect_wide(&packed(&folder.path().join("root"), &["."])?);
        }
        Ok(())
    });
}

/// The program that comes with Docker's package is written in Go.
#[test]
fn a_go_program_tells_its_modules() {
    test(|| {
        let program = crate::tools::find("runc")?;
        let program = fs::canonicalize(program).unwrap();
        let relative = program.strip_prefix("/").unwrap().to_str().unwrap().to_owned();
        let image = packed(Path::new("/"), &[&relative])?;
        let packages = image.packages();
        let main = &packages.all()[0];
        assert_eq!((main.kind, main.record.name.as_str()), (PackageKind::Go, "github.com/opencontainers/runc"));
        assert_eq!(main.visible(), fs::metadata(&program).unwrap().len());
        assert!(named(&packages, "stdlib").1.record.version.starts_with("1."));
        assert!(packages.all().iter().skip(1).all(|package| package.within.is_some()));
        assert!(packages.all().len() >= 2);
        Ok(())
    });
}
