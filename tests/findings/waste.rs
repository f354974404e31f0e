//! Hidden bytes by cause, and live ones by what they are.

use serde_json::{Value, json};

use crate::common::image::Layer;
use crate::{CMD, ROOT, base, clean_config, image, of, one, program, report_with};

#[test]
fn every_cause_of_hidden_bytes_is_found_with_its_instructions() {
    let made = Layer::new()
        .dir("app/")
        .filled("app/deleted", 900_000, b'a')
        .filled("app/replaced", 800_000, b'b')
        .filled("app/owner", 700_000, b'c')
        .filled("app/mode", 600_000, b'd')
        .filled("app/time", 500_000, b'e')
        .filled("app/same", 400_000, b'f');
    let changed = Layer::new()
        .dir("app/")
        .whiteout("app/deleted")
        .filled("app/replaced", 10, b'B')
        .owner(1000)
        .filled("app/owner", 700_000, b'c')
        .owner(0)
        .mode(0o600)
        .filled("app/mode", 600_000, b'd')
        .mode(0o644)
        .filled("app/same", 400_000, b'f')
        .time(1)
        .filled("app/time", 500_000, b'e');
    let steps = vec![
        (ROOT, Some(base())),
        (CMD, None),
        ("RUN /bin/sh -c make all # buildkit", Some(made)),
        ("RUN /bin/sh -c make clean # buildkit", Some(changed)),
    ];
    let report = report_with(&image(&clean_config(), steps), &[]);
    for (rule, bytes, path) in [
        ("WST-DELETED", 900_000, "/app/deleted"),
        ("WST-OVERWRITTEN", 800_000, "/app/replaced"),
        ("WST-CHOWN", 700_000, "/app/owner"),
        ("WST-CHMOD", 600_000, "/app/mode"),
        ("WST-TOUCH", 500_000, "/app/time"),
        ("WST-REPEATED", 400_000, "/app/same"),
    ] {
        let finding = one(&report, rule);
        assert_eq!((finding["reclaimableBytes"].as_u64(), finding["path"].as_str()), (Some(bytes), Some(path)));
        assert_eq!((&finding["layer"], &finding["removedBy"]), (&json!(1), &json!(2)), "{rule}");
        assert_eq!(finding["origin"], "yours");
        let fix = finding["fix"]["proposed"].as_str().unwrap();
        assert_eq!(fix, "RUN make all \\\n && make clean", "{rule}");
    }
    assert_eq!(
        report["base"],
        json!({ "layers": 1, "evidence": "the last command that layers follow", "isGuess": true })
    );
}

#[test]
fn copies_get_owner_and_mode_where_they_are_made() {
    let copy = Layer::new().dir("app/").filled("app/a", 900_000, b'a');
    let chown = Layer::new().dir("app/").owner(1000).filled("app/a", 900_000, b'a');
    let steps =
        vec![("COPY . /app # buildkit", Some(copy)), ("RUN /bin/sh -c chown -R app:app /app # buildkit", Some(chown))];
    let report = report_with(&image(&clean_config(), steps), &[]);
    assert_eq!(one(&report, "WST-CHOWN")["fix"]["proposed"], "COPY --chown=app:app . /app");
}

#[test]
fn a_changed_name_of_a_linked_file_is_the_waste_and_not_the_file() {
    let linked =
        Layer::new().dir("app/").mode(0o755).file("app/one", program(1_000_000)).hardlink("app/two", "app/one");
    let changed = Layer::new().dir("app/").mode(0o4755).file("app/two", program(1_000_000));
    let steps =
        vec![("COPY . /app # buildkit", Some(linked)), ("RUN /bin/sh -c chmod u+s /app/two # buildkit", Some(changed))];
    let report = report_with(&image(&clean_config(), steps), &[]);
    let finding = one(&report, "WST-HARDLINK-BREAK");
    assert_eq!((&finding["layer"], &finding["reclaimableBytes"]), (&json!(1), &json!(1_000_000)));
    assert!(of(&report, "WST-DUPLICATE").is_empty(), "the same bytes are not told again");
    let setid = one(&report, "RSK-SETID");
    assert_eq!((setid["path"].as_str(), &setid["layer"]), (Some("/app/two"), &json!(1)));
}

#[test]
fn live_waste_is_told_by_what_it_is_and_once() {
    let layer = Layer::new()
        .filled("var/lib/apt/lists/deb.example_main_Packages", 700_000, 1)
        .filled("var/cache/apt/archives/curl.deb", 600_000, 2)
        .filled("root/.cache/pip/http/a", 500_000, 3)
        .filled("root/.npm/_cacache/b", 400_000, 4)
        .filled("srv/.git/objects/pack/c.pack", 300_000, 5)
        .filled("srv/app.js.map", 200_000, 6)
        .filled("usr/share/doc/x/changelog", 150_000, 7)
        .filled("usr/share/doc/x/copyright", 140_000, 8)
        .filled("usr/share/locale/de/x.mo", 130_000, 9)
        .filled("usr/include/x.h", 120_000, 10)
        .filled("tmp/left", 110_000, 11)
        .file("srv/Dockerfile", "FROM scratch\n")
        .filled("srv/tool-1.0.tar.gz", 90_000, 12)
        .dir("srv/tool-1.0/")
        .filled("srv/tool-1.0/x", 10, 13)
        .filled("srv/other.tar.gz", 80_000, 14)
        .filled("srv/one", 70_000, 15)
        .filled("srv/two", 70_000, 15);
    let steps = vec![(ROOT, Some(base())), (CMD, None), ("RUN /bin/sh -c make # buildkit", Some(layer))];
    let report = report_with(&image(&clean_config(), steps), &[]);
    for (rule, bytes) in [
        ("WST-APT-LISTS", 700_000),
        ("WST-APT-CACHE", 600_000),
        ("WST-PIP", 500_000),
        ("WST-NPM", 400_000),
        ("WST-VCS", 300_000),
        ("WST-SOURCEMAP", 200_000),
        ("WST-DOC", 150_000),
        ("WST-LOCALE", 130_000),
        ("WST-DEV", 120_000),
        ("WST-TMP", 110_000),
        ("WST-CONTEXT", 13),
        ("WST-ARCHIVE", 90_000),
        ("WST-DUPLICATE", 70_000),
    ] {
        assert_eq!(one(&report, rule)["reclaimableBytes"], bytes, "{rule}");
    }
    // What cleans up depends on the distribution: Debian 13 has a command of its own.
    assert_eq!(one(&report, "WST-APT-LISTS")["fix"]["proposed"], "RUN make \\\n && apt-get dist-clean");
}

#[test]
fn symbols_are_counted_from_the_section_table() {
    let bytes = std::fs::read(std::env::current_exe().unwrap()).unwrap();
    let layer = Layer::new().dir("app/").mode(0o755).file("app/server", &bytes);
    let report = report_with(&image(&clean_config(), vec![("COPY . /app # buildkit", Some(layer))]), &[]);
    let saved = one(&report, "WST-DEBUG-ELF")["reclaimableBytes"].as_u64().unwrap();
    assert!(saved > 300_000 && saved < bytes.len() as u64, "{saved} of {}", bytes.len());
}

#[test]
fn what_the_base_brought_is_mended_by_another_base() {
    let base = base().filled("usr/share/doc/x/changelog", 9_000_000, 7);
    let layer = Layer::new().dir("app/").file("app/x", "x");
    let steps = vec![(ROOT, Some(base)), (CMD, None), ("COPY x /app # buildkit", Some(layer))];
    let report = report_with(&image(&clean_config(), steps), &[]);
    let finding = one(&report, "WST-DOC");
    assert_eq!((finding["origin"].as_str(), &finding["fix"]["step"]), (Some("base"), &json!(null)));
    assert!(finding["fix"]["advice"].as_str().unwrap().contains("base"));
    assert!(finding["arithmetic"].as_str().unwrap().contains("-1 inherited from the base"));
}

#[test]
fn what_is_used_before_it_is_uninstalled_stays_until_then() {
    let tool = || Layer::new().dir("usr/bin/").mode(0o755).file("usr/bin/mytool", program(900_000));
    let gone = || Layer::new().dir("usr/bin/").whiteout("usr/bin/mytool");
    let built = || Layer::new().dir("out/").file("out/x", "x");
    let fix = |between: &'static str| {
        let steps = vec![
            (ROOT, Some(base())),
            (CMD, None),
            ("RUN /bin/sh -c apt-get install -y mytool # buildkit", Some(tool())),
            (between, Some(built())),
            ("RUN /bin/sh -c apt-get purge -y mytool # buildkit", Some(gone())),
        ];
        one(&report_with(&image(&clean_config(), steps), &[]), "WST-DELETED")["fix"].clone()
    };
    let with_run = fix("RUN /bin/sh -c mytool /out # buildkit");
    assert_eq!(
        with_run["proposed"],
        "RUN apt-get install -y mytool \\\n && mytool /out \\\n && apt-get purge -y mytool"
    );
    let with_copy = fix("COPY . /out # buildkit");
    assert_eq!(with_copy["proposed"], json!(null));
    assert!(with_copy["advice"].as_str().unwrap().contains("build in another stage"), "{with_copy}");
}

#[test]
fn a_cache_that_is_copied_in_is_not_to_be_cleaned_up_by_what_makes_it() {
    let fix = |command: &'static str| {
        let cache = Layer::new().filled("root/.npm/_cacache/content-v2/sha512/aa/bb", 900_000, b'n');
        let steps = vec![(ROOT, Some(base())), (CMD, None), (command, Some(cache))];
        one(&report_with(&image(&clean_config(), steps), &[]), "WST-NPM")["fix"].clone()
    };
    let copied = fix("COPY npm-cache /root/.npm # buildkit");
    assert_eq!(copied["proposed"], json!(null));
    assert!(copied["advice"].as_str().unwrap().starts_with("It is copied in:"), "{copied}");
    let made = fix("RUN /bin/sh -c npm ci # buildkit");
    assert!(made["proposed"].is_string(), "{made}");
    assert!(made["advice"].as_str().unwrap().starts_with("Clean up"), "{made}");
}

#[test]
fn a_cache_is_cleaned_where_it_is_made_whatever_else_a_later_instruction_replaces() {
    let at = "var/cache/apt/";
    let brings = Layer::new().file(format!("{at}pkgcache.bin"), vec![1; 900_000]).file("srv/state", vec![1; 700_000]);
    let again = Layer::new().file(format!("{at}pkgcache.bin"), vec![2; 800_000]).file("srv/state", vec![2; 700_000]);
    let built = Layer::new().dir("out/").file("out/x", "x");
    let steps = vec![
        (ROOT, Some(base())),
        (CMD, None),
        ("RUN /bin/sh -c apt-get install -y mytool # buildkit", Some(brings)),
        ("RUN /bin/sh -c mytool /out # buildkit", Some(built)),
        ("RUN /bin/sh -c apt-get purge -y mytool # buildkit", Some(again)),
    ];
    let report = report_with(&image(&clean_config(), steps), &[]);
    let findings = report["findings"].as_array().unwrap();
    let replaced = |path: &str| {
        let is_it = |one: &&Value| one["rule"] == "WST-OVERWRITTEN" && one["path"] == path;
        findings.iter().find(is_it).unwrap_or_else(|| panic!("{path}: {findings:#?}"))
    };
    let cache = replaced("/var/cache/apt/pkgcache.bin");
    assert_eq!(cache["bytes"], 900_000);
    assert_eq!(cache["fix"]["proposed"], "RUN apt-get install -y mytool \\\n && apt-get clean");
    let state = replaced("/srv/state");
    assert_eq!(state["bytes"], 700_000);
    assert_ne!(state["fix"]["proposed"], cache["fix"]["proposed"]);
}

/// A `.tar.gz` of files.
fn packed(files: &[(&str, &[u8])]) -> Vec<u8> {
    let gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::none());
    let mut tar = tar::Builder::new(gzip);
    for (path, contents) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(contents.len() as u64);
        tar.append_data(&mut header, path, *contents).unwrap();
    }
    tar.into_inner().unwrap().finish().unwrap()
}

#[test]
fn archives_are_proven_by_what_is_in_them() {
    let (one_file, other): (Vec<u8>, Vec<u8>) = (vec![1; 60_000], vec![2; 30_000]);
    let archive = packed(&[("tool-1.0/bin/tool", &one_file), ("tool-1.0/readme", &other)]);
    let name = |layer: Layer| layer.file("tmp/download.tar.gz", &archive);
    let found = |layer: Layer| {
        let steps = vec![(ROOT, Some(base())), (CMD, None), ("RUN /bin/sh -c make # buildkit", Some(layer))];
        let report = report_with(&image(&clean_config(), steps), &[]);
        of(&report, "WST-ARCHIVE").first().map(|finding| {
            assert_eq!(finding["reclaimableBytes"], archive.len());
            finding["evidence"].to_string()
        })
    };
    // Unpacked somewhere else, and without its first folder.
    let whole = name(Layer::new()).file("opt/tool/bin/tool", &one_file).file("opt/tool/readme", &other);
    assert!(found(whole).unwrap().contains("all files that were looked at in it are unpacked in /opt/tool"));
    let most = name(Layer::new()).file("usr/bin/tool", &one_file);
    assert!(found(most).unwrap().contains("1 of 2 files that were looked at in it are unpacked in /usr/bin/tool"));
    // Other contents of the same size and name; the name of the archive alone.
    let changed: Vec<u8> = vec![3; 60_000];
    assert_eq!(found(name(Layer::new()).file("usr/bin/tool", &changed)), None);
    assert_eq!(found(name(Layer::new()).dir("tmp/download/").file("tmp/download/x", "x")), None);
}

#[test]
fn a_package_file_lies_beside_what_it_installed() {
    let status = "Package: curl\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1:7.88.1-10+b1\n\n";
    let layer = |file: &str| Layer::new().file("var/lib/dpkg/status", status).filled(file, 90_000, 1);
    for (file, is_found) in [
        ("root/curl_7.88.1-10%2bb1_amd64.deb", true),
        ("root/curl_8.0_amd64.deb", false),
        ("root/git_1_amd64.deb", false),
    ] {
        let report = report_with(&image(&clean_config(), vec![("RUN x # buildkit", Some(layer(file)))]), &[]);
        assert_eq!(of(&report, "WST-ARCHIVE").len(), usize::from(is_found), "{file}");
    }
}
