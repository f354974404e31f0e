//! Packages that are shipped more than once, or for nothing.

use serde_json::{Value, json};

use crate::common::image::Layer;
use crate::{CMD, ROOT, base, clean_config, findings, image, of, one, report_with};

/// The database of dpkg with packages of one file each, as name and version, and what they list.
fn database(layer: Layer, packages: &[(&str, &str)]) -> Layer {
    let paragraph = |(name, version): &(&str, &str)| {
        format!("Package: {name}\nStatus: install ok installed\nArchitecture: amd64\nVersion: {version}\n\n")
    };
    let status: String = packages.iter().map(paragraph).collect();
    let layer = layer.dir("var/lib/dpkg/").file("var/lib/dpkg/status", status).dir("var/lib/dpkg/info/");
    packages.iter().fold(layer, |layer, (name, _)| {
        let list = format!("/.\n/usr\n/usr/lib\n/usr/lib/{name}\n/usr/share/doc/{name}/copyright\n");
        layer.file(format!("var/lib/dpkg/info/{name}.list"), list)
    })
}

fn with_tool(version: &str, filled: u8) -> Layer {
    let layer = Layer::new().filled("usr/lib/tool", 900_000, filled).filled("usr/share/doc/tool/copyright", 5000, 9);
    database(layer, &[("tool", version), ("other", "1")]).filled("usr/lib/other", 10, 1)
}

fn report(command: &str, later: Layer) -> Value {
    let steps = vec![
        (ROOT, Some(base())),
        (CMD, None),
        ("RUN /bin/sh -c apt-get install -y tool other # buildkit", Some(with_tool("1", 7))),
        (command, Some(later)),
    ];
    report_with(&image(&clean_config(), steps), &[])
}

fn evidence(finding: &Value) -> Vec<&str> {
    finding["evidence"].as_array().unwrap().iter().map(|one| one["text"].as_str().unwrap()).collect()
}

/// The bytes of hidden waste above the level of the package manager's own state.
fn hidden(report: &Value) -> Vec<(&str, u64)> {
    findings(report)
        .iter()
        .filter(|finding| finding["category"] == "waste" && !finding["removedBy"].is_null())
        .filter(|finding| finding["rule"] != "WST-DB-CHURN" && finding["bytes"].as_u64() > Some(10_000))
        .map(|finding| (finding["rule"].as_str().unwrap(), finding["reclaimableBytes"].as_u64().unwrap()))
        .collect()
}

#[test]
fn what_a_later_layer_uninstalls_is_a_ghost() {
    let gone = database(Layer::new(), &[("other", "1")])
        .whiteout("usr/lib/tool")
        .whiteout("usr/share/doc/tool")
        .whiteout("var/lib/dpkg/info/tool.list");
    let report = report("RUN /bin/sh -c apt-get purge -y tool # buildkit", gone);
    assert_eq!(hidden(&report), [("WST-GHOST-PACKAGE", 905_000)]);
    let ghost = one(&report, "WST-GHOST-PACKAGE");
    assert_eq!((&ghost["layer"], &ghost["removedBy"], &ghost["origin"]), (&json!(1), &json!(2), &json!("yours")));
    assert!(evidence(ghost).contains(&"taken away: tool"), "{ghost:#}");
    assert_eq!(ghost["fix"]["proposed"], "RUN apt-get install -y tool other \\\n && apt-get purge -y tool");
}

#[test]
fn files_deleted_by_hand_leave_a_ghost_in_the_database() {
    let report = report("RUN /bin/sh -c rm /usr/lib/tool # buildkit", Layer::new().whiteout("usr/lib/tool"));
    assert_eq!(hidden(&report), [("WST-GHOST-PACKAGE", 900_000)]);
    let ghost = one(&report, "WST-GHOST-PACKAGE");
    assert!(evidence(ghost).contains(&"deleted, and still in the package database: tool"), "{ghost:#}");
}

#[test]
fn who_loses_only_its_documents_is_no_ghost() {
    let layer = Layer::new().whiteout("usr/share/doc/tool");
    let report = report("RUN /bin/sh -c rm -r /usr/share/doc/tool # buildkit", layer);
    assert!(of(&report, "WST-GHOST-PACKAGE").is_empty());
    assert_eq!(one(&report, "WST-DELETED")["reclaimableBytes"], 5000);
}

#[test]
fn another_version_is_an_upgrade_and_the_same_a_second_installation() {
    let upgraded = report("RUN /bin/sh -c apt-get upgrade -y # buildkit", with_tool("2", 8));
    assert_eq!(hidden(&upgraded), [("WST-UPGRADED", 905_000)]);
    let finding = one(&upgraded, "WST-UPGRADED");
    assert!(evidence(finding).contains(&"upgraded: tool from 1 to 2"), "{finding:#}");
    assert_eq!((&finding["fix"]["step"], &finding["fix"]["proposed"]), (&json!(3), &json!(null)));

    let again = report("RUN /bin/sh -c apt-get install --reinstall -y tool # buildkit", with_tool("1", 7));
    assert_eq!(hidden(&again), [("WST-REINSTALLED", 905_010)]);
    assert!(evidence(one(&again, "WST-REINSTALLED")).contains(&"installed again: tool, other"));
}

#[test]
fn what_stores_files_again_without_installing_is_no_second_installation() {
    for (command, layer) in [
        ("COPY --from=build / / # buildkit", with_tool("1", 7)),
        ("RUN /bin/sh -c touch /usr/lib/tool # buildkit", Layer::new().time(9).filled("usr/lib/tool", 900_000, 7)),
        ("RUN /bin/sh -c apt-get install -y x # buildkit", Layer::new().time(9).filled("usr/lib/tool", 900_000, 7)),
    ] {
        assert!(of(&report(command, layer), "WST-REINSTALLED").is_empty(), "{command}");
    }
}

/// A layer with packages of one program each, which `apt` noted as asked for where their names are in `asked`.
fn installed(packages: &[(&str, &str, &str)], asked: &[&str]) -> Layer {
    let paragraph = |(name, _, wishes): &(&str, &str, &str)| {
        format!("Package: {name}\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1\n{wishes}\n")
    };
    let status: String = packages.iter().map(paragraph).collect();
    let automatic = packages.iter().filter(|(name, ..)| !asked.contains(name));
    let noted = automatic.map(|(name, ..)| format!("Package: {name}\nArchitecture: amd64\nAuto-Installed: 1\n\n"));
    let noted: String = noted.collect();
    let mut layer = Layer::new().mode(0o755);
    for (place, (name, program, _)) in packages.iter().enumerate() {
        let list = format!("/.\n/usr\n/usr/bin\n/usr/bin/{program}\n");
        layer = layer.file(format!("var/lib/dpkg/info/{name}.list"), list);
        if !program.is_empty() {
            layer = layer.file(format!("usr/bin/{program}"), crate::program(100_000 + place));
        }
    }
    layer.file("var/lib/dpkg/status", status).file("var/lib/apt/extended_states", noted)
}

#[test]
fn the_compilers_of_one_installation_are_one_finding() {
    let packages = [
        ("build-essential", "", "Depends: gcc, make, g++\n"),
        ("gcc", "x86_64-linux-gnu-gcc-12", "Depends: binutils\n"),
        ("g++", "g++-12", "Depends: gcc\n"),
        ("binutils", "ld", ""),
        ("make", "make", ""),
        ("cmake", "cmake", ""),
        ("wget", "wget", ""),
    ];
    let asked = ["build-essential", "cmake", "wget"];
    let fix = |command: &str| {
        let layer = installed(&packages, &asked);
        let steps = vec![(ROOT, Some(base())), (CMD, None), (command, Some(layer))];
        let report = report_with(&image(&clean_config(), steps), &[]);
        let compilers = one(&report, "RSK-COMPILER").clone();
        let bytes = 500_000 + 1 + 2 + 3 + 4 + 5;
        assert_eq!((&compilers["bytes"], &compilers["reclaimableBytes"]), (&json!(bytes), &json!(bytes)));
        assert_eq!(compilers["path"], "/usr/bin/x86_64-linux-gnu-gcc-12");
        let evidence = evidence(&compilers);
        assert_eq!(evidence.iter().filter(|text| text.starts_with("/usr/bin/")).count(), 5, "{evidence:?}");
        assert!(evidence.contains(&"with build-essential, cmake go gcc, g++, binutils, make"), "{evidence:?}");
        assert_eq!(one(&report, "RSK-DOWNLOAD")["reclaimableBytes"], 100_006);
        compilers["fix"]["proposed"].clone()
    };
    let installs = "RUN /bin/sh -c apt-get install -y --no-install-recommends build-essential cmake wget # buildkit";
    assert_eq!(fix(installs), "RUN apt-get install -y --no-install-recommends wget");
    // What the build calls cannot be left out.
    assert_eq!(fix(&installs.replace(" #", " && make -C /src #")), json!(null));
}

#[test]
fn compilers_that_came_by_recommendation_are_left_out_with_these() {
    let packages = [
        ("pip", "pip", "Recommends: build-essential\n"),
        ("build-essential", "", "Depends: gcc\n"),
        ("gcc", "gcc", ""),
    ];
    let command = "RUN /bin/sh -c apt-get install -y pip # buildkit";
    // It is needed itself; were it not, they would go with it.
    let steps = vec![
        (ROOT, Some(base())),
        (CMD, None),
        (command, Some(installed(&packages, &["pip"]))),
        ("RUN /bin/sh -c pip install x # buildkit", Some(Layer::new().file("srv/x", "x"))),
    ];
    let report = report_with(&image(&clean_config(), steps), &[]);
    for rule in ["RSK-COMPILER", "WST-RECOMMENDS"] {
        let fix = &one(&report, rule)["fix"]["proposed"];
        assert_eq!(*fix, "RUN apt-get install --no-install-recommends -y pip", "{rule}");
    }
}

#[test]
fn what_the_container_uses_is_not_left_out_with_something_else() {
    // The package manager of a language comes with the language, which the container runs.
    let packages =
        [("tongue", "", "Depends: tongue-core, tongue-gem\n"), ("tongue-core", "ruby", ""), ("tongue-gem", "gem", "")];
    let report = |entrypoint: &str| {
        let mut config = clean_config();
        config["Entrypoint"] = json!([entrypoint]);
        let command = "RUN /bin/sh -c apt-get install -y --no-install-recommends tongue other # buildkit";
        let steps = vec![(ROOT, Some(base())), (CMD, None), (command, Some(installed(&packages, &["tongue"])))];
        let report = report_with(&image(&config, steps), &[]);
        let saved = ["RSK-PKG-LANG", "RSK-INTERP"].map(|rule| one(&report, rule)["reclaimableBytes"].as_u64().unwrap());
        (saved.iter().sum::<u64>(), one(&report, "RSK-PKG-LANG")["fix"]["proposed"].clone())
    };
    assert_eq!(report("/usr/bin/ruby"), (100_002, Value::Null));
    assert_eq!(report("/usr/bin/bash"), (200_003, json!("RUN apt-get install -y --no-install-recommends other")));
}

#[test]
fn what_is_left_out_saves_all_of_its_packages() {
    let status = "Package: vim\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1\n\n";
    let editor = || {
        Layer::new()
            .file("var/lib/dpkg/status", status)
            .file("var/lib/dpkg/info/vim.list", "/.\n/usr/bin/vim\n/usr/share/doc/vim/manual\n")
            .filled("usr/share/doc/vim/manual", 400_000, 1)
            .mode(0o755)
            .file("usr/bin/vim", crate::program(300_000))
    };
    let report = |later: &str| {
        let steps = vec![
            (ROOT, Some(base())),
            (CMD, None),
            ("RUN /bin/sh -c apt-get install -y --no-install-recommends vim curl # buildkit", Some(editor())),
            (later, Some(Layer::new().file("srv/x", "x"))),
        ];
        report_with(&image(&clean_config(), steps), &[])
    };
    // Its documentation goes with it, and is not a second thing to save.
    let left_out = report("RUN /bin/sh -c true # buildkit");
    assert_eq!(one(&left_out, "RSK-EDITOR")["reclaimableBytes"], 700_000);
    assert!(of(&left_out, "WST-DOC").is_empty());
    // What the build needs stays, and its documentation does not have to.
    let called = report("RUN /bin/sh -c vim -e x # buildkit");
    assert_eq!(one(&called, "WST-DOC")["reclaimableBytes"], 400_000);
    assert_eq!(one(&called, "RSK-EDITOR")["fix"]["proposed"], Value::Null);
}
