//! Packages of languages, and those inside programs.

use layerscope::analysis::packages::PackageKind;

use crate::common::image::Layer;
use crate::gather::named;
use crate::{deb, image};

#[test]
fn node_packages_own_their_folders_and_not_each_others() {
    let app = Layer::new()
        .file("app/package.json", r#"{"name":"app","version":"1.0.0"}"#)
        .file("app/node_modules/a/package.json", r#"{"name":"a","version":"1.0.0"}"#)
        .filled("app/node_modules/a/index.js", 100, b'a')
        .file("app/node_modules/a/node_modules/b/package.json", r#"{"name":"b","version":"2.0.0"}"#)
        .filled("app/node_modules/a/node_modules/b/index.js", 10, b'b')
        .file("app/node_modules/@s/c/package.json", r#"{"name":"@s/c","version":"3.0.0"}"#)
        .filled("app/node_modules/.bin/x", 5, b'x')
        .file("app/node_modules/a/test/package.json", r#"{"type":"module"}"#);
    let pruned = Layer::new().whiteout("app/node_modules/a");
    let image = image([app, pruned]);
    let packages = image.packages();
    let (_, a) = named(&packages, "a");
    assert_eq!((a.removed(), a.visible(), a.files), (Some(1), 0, 0));
    assert_eq!(a.shipped(), 100 + 30 + 17);
    assert_eq!(named(&packages, "b").1.shipped(), 10 + 30);
    let (scoped, found) = named(&packages, "@s/c");
    assert!(found.is_installed());
    assert_eq!(packages.purl(scoped), "pkg:npm/%40s/c@3.0.0");
    assert_eq!(image.owner(&packages, "app/node_modules/.bin/x"), None);
    assert_eq!(image.owner(&packages, "app/package.json"), None);
}

#[test]
fn python_distributions_own_what_they_record() {
    let site = "usr/local/lib/python3.11/site-packages";
    let layer = Layer::new()
        .file(format!("{site}/foo-1.0.dist-info/METADATA"), "Name: foo\nVersion: 1.0\nRequires-Dist: Bar_Baz>=1\n\n")
        .file(
            format!("{site}/foo-1.0.dist-info/RECORD"),
            "foo/__init__.py,sha256=x,100\nfoo-1.0.dist-info/METADATA,,\n../../../bin/foo,,\n",
        )
        .filled(&format!("{site}/foo/__init__.py"), 100, b'f')
        .filled(&format!("{site}/foo/__pycache__/__init__.cpython-311.pyc"), 60, b'c')
        .filled("usr/local/bin/foo", 8, b'b')
        .file(format!("{site}/bar_baz-2.dist-info/METADATA"), "Name: bar.baz\nVersion: 2\n");
    let image = image([layer]);
    let packages = image.packages();
    let (_, foo) = named(&packages, "foo");
    let (bar, _) = named(&packages, "bar.baz");
    assert_eq!(foo.depends, [[bar]]);
    for path in ["usr/local/bin/foo", &format!("{site}/foo/__pycache__/__init__.cpython-311.pyc")] {
        assert_eq!(image.owner(&packages, path), Some("foo"), "{path}");
    }
    let own = u64::try_from("Name: foo\nVersion: 1.0\nRequires-Dist: Bar_Baz>=1\n\n".len()).unwrap();
    let record = image.index.entry(
        image
            .index
            .entries_of(image.index.find(format!("{site}/foo-1.0.dist-info/RECORD").as_bytes()).unwrap())
            .next()
            .unwrap(),
    );
    assert_eq!(foo.visible(), 100 + 60 + 8 + own + record.size);
}

#[test]
fn what_the_distribution_owns_is_counted_once() {
    let info = "usr/lib/python3/dist-packages/six-1.16.0.egg-info";
    let metadata = "Metadata-Version: 1.2\nName: six\nVersion: 1.16.0\n";
    let layer = Layer::new()
        .file(info, metadata)
        .filled("usr/lib/python3/dist-packages/six.py", 300, b's')
        .file("var/lib/dpkg/status", deb("python3-six", "1.16.0-4", ""))
        .file("var/lib/dpkg/info/python3-six.list", format!("/{info}\n/usr/lib/python3/dist-packages/six.py\n"));
    let image = image([layer]);
    let packages = image.packages();
    let (system, owner) = named(&packages, "python3-six");
    let (_, six) = named(&packages, "six");
    assert_eq!((six.within, six.shipped()), (Some(system), 0));
    assert_eq!(owner.shipped(), 300 + metadata.len() as u64);
}

#[test]
fn gems_composer_and_dotnet_own_files() {
    let gems = "usr/local/bundle";
    let layer = Layer::new()
        .file(format!("{gems}/specifications/rack-3.0.gemspec"), "# -*- encoding: utf-8 -*-\n# stub: rack 3.0 ruby lib\n")
        .filled(&format!("{gems}/gems/rack-3.0/lib/rack.rb"), 40, b'r')
        .file(
            "srv/vendor/composer/installed.json",
            r#"{"packages":[{"name":"psr/log","version":"3.0","install-path":"../psr/log"}]}"#,
        )
        .filled("srv/vendor/psr/log/Log.php", 12, b'p')
        .file(
            "opt/App.deps.json",
            r#"{"targets":{"n":{"Serilog/3.1":{"runtime":{"lib/net7/Serilog.dll":{}}}}},"libraries":{"Serilog/3.1":{"type":"package"}}}"#,
        )
        .filled("opt/Serilog.dll", 90, b'd');
    let image = image([layer]);
    let packages = image.packages();
    for (path, owner) in [
        (format!("{gems}/gems/rack-3.0/lib/rack.rb"), "rack"),
        ("srv/vendor/psr/log/Log.php".into(), "psr/log"),
        ("opt/Serilog.dll".into(), "Serilog"),
    ] {
        assert_eq!(image.owner(&packages, &path), Some(owner), "{path}");
    }
}

/// What Go's linker writes since 1.18: a head of 32 bytes, two texts behind their lengths.
fn go_program(modules: &str) -> Vec<u8> {
    let mark = [0; 16];
    let modules = [&mark[..], modules.as_bytes(), &mark[..]].concat();
    let mut bytes = b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0".to_vec();
    bytes.resize(4096, 0);
    bytes.extend(b"\xff Go buildinf:\x08\x02");
    bytes.resize(4096 + 32, 0);
    bytes.extend([8, b'g', b'o', b'1', b'.', b'2', b'2', b'.', b'1']);
    assert!((128..16384).contains(&modules.len()));
    bytes.extend([u8::try_from(modules.len() & 0x7f).unwrap() | 0x80, u8::try_from(modules.len() >> 7).unwrap()]);
    [bytes, modules].concat()
}

#[test]
fn a_program_is_a_package_with_others_in_it() {
    let modules = |version: &str| {
        let dependency = "dep\tgithub.com/spf13/cobra\tv1.8.0\th1:e5/vxKd/rZsfSJMUX1agtjeTDf+qv1/JdBF8gg5k9ZM=\n";
        format!("path\tx.org/app\nmod\tx.org/app\t{version}\t\n{dependency}")
    };
    let (first, second) = (go_program(&modules("v1.0.0")), go_program(&modules("v1.1.0")));
    let size = u64::try_from(first.len()).unwrap();
    let image = image([Layer::new().mode(0o755).file("app", first), Layer::new().mode(0o755).file("app", second)]);
    let packages = image.packages();
    let (id, app) = named(&packages, "x.org/app");
    assert_eq!((app.kind, app.visible(), app.shipped()), (PackageKind::Go, size, 2 * size));
    assert_eq!((app.introduced(), app.since()), (Some(0), Some(1)));
    let (_, cobra) = named(&packages, "github.com/spf13/cobra");
    assert_eq!((cobra.within, cobra.shipped(), cobra.record.version.as_str()), (Some(id), 0, "v1.8.0"));
    assert_eq!(named(&packages, "stdlib").1.record.version, "1.22.1");
    assert_eq!(packages.payload.files, 0);
}

/// esbuild and others bring a program of another language in a package of Node.
#[test]
fn who_installed_a_program_comes_before_what_is_in_it() {
    let program =
        go_program(&format!("path\tx.org/tool\nmod\tx.org/tool\tv1.0.0\t\n{}", "dep\ta\tv1\th1:x=\n".repeat(8)));
    let size = program.len() as u64;
    let layer = Layer::new()
        .mode(0o755)
        .file("app/node_modules/esbuild/package.json", r#"{"name":"esbuild","version":"0.20.0"}"#)
        .file("app/node_modules/esbuild/bin/esbuild", program);
    let image = image([layer]);
    let packages = image.packages();
    let (npm, esbuild) = named(&packages, "esbuild");
    let (_, tool) = named(&packages, "x.org/tool");
    assert_eq!((tool.within, tool.shipped()), (Some(npm), 0));
    assert!(esbuild.shipped() > size);
}
