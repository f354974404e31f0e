//! How secrets leave a Dockerfile: what is sure is edited, what is not is said with the reason.

use std::fs;

use serde_json::{Value, json};

use crate::common::image::Layer;
use crate::dockerfile::patched;
use crate::secrets::{key, token};
use crate::{CMD, ROOT, base, clean_config, image, of, one, report_with};

/// Steps on a base.
fn built(config: &Value, steps: Vec<(&str, Option<Layer>)>) -> Vec<u8> {
    image(config, [(ROOT, Some(base())), (CMD, None)].into_iter().chain(steps).collect())
}

/// A layer with one file of no interest.
fn any(name: &str) -> Layer {
    Layer::new().file(format!("srv/{name}"), "x")
}

/// The Dockerfile and the `.dockerignore` after the diff was applied, and the report.
fn mended(image: &[u8], dockerfile: &str) -> (String, String, Value) {
    let (report, folder) = patched(image, &[("Dockerfile", dockerfile)]);
    let read = |name: &str| fs::read_to_string(folder.path().join(name)).unwrap_or_default();
    (read("Dockerfile"), read(".dockerignore"), report)
}

/// Why nothing is edited for a rule's finding.
fn reason(report: &Value, rule: &str) -> String {
    let left = report["dockerfileLeft"].as_array().unwrap();
    let is_its = |left: &&Value| left["fingerprint"] == one(report, rule)["fingerprint"];
    left.iter().find(is_its).map(|left| left["reason"].as_str().unwrap().to_owned()).unwrap_or_default()
}

#[test]
fn variables_and_labels_lose_what_is_secret_and_keep_the_rest() {
    let mut config = clean_config();
    config["Env"] = json!([format!("GITHUB_TOKEN={}", token()), "MODE=prod", "DB_PASSWORD=hunter2hunter2"]);
    config["Labels"]["deploy.token"] = json!("t0ps3cr3tvalue");
    let env = format!("ENV MODE=prod GITHUB_TOKEN={}", token());
    let steps = vec![
        (env.as_str(), None),
        ("ENV DB_PASSWORD=hunter2hunter2", None),
        ("LABEL a=b c deploy.token=t0ps3cr3tvalue", None),
        ("RUN /bin/sh -c psql -c \"$DB_PASSWORD\" # buildkit", Some(any("a"))),
    ];
    let dockerfile = format!(
        "FROM debian:13\nENV MODE=prod \\\n    # for the deploy\n    GITHUB_TOKEN=\"{}\"\nENV DB_PASSWORD hunter2hunter2\n\
         LABEL a=\"b c\" \"deploy.token\"='t0ps3cr3tvalue'\nRUN psql -c \"$DB_PASSWORD\"\nUSER 1000\n",
        token()
    );
    let (after, _, report) = mended(&built(&config, steps), &dockerfile);
    assert_eq!(
        after,
        "FROM debian:13\nENV MODE=prod\nLABEL a=\"b c\"\nRUN --mount=type=secret,id=db_password \\\n    \
         export DB_PASSWORD=\"$(cat /run/secrets/db_password)\" && \\\n    psql -c \"$DB_PASSWORD\"\nUSER 1000\n"
    );
    let advice: Vec<&str> =
        of(&report, "SEC-VARIABLE").iter().map(|finding| finding["fix"]["advice"].as_str().unwrap()).collect();
    assert!(
        advice.iter().all(|advice| advice.contains("Rotate it first") && advice.contains("--env-file")),
        "{advice:?}"
    );
    let given = "docker build --secret id=db_password,env=DB_PASSWORD";
    assert!(advice.iter().filter(|advice| advice.contains(given)).count() == 1, "{advice:?}");
}

#[test]
fn an_argument_of_two_values_is_mounted_once() {
    let steps = vec![
        ("ARG NPM_TOKEN=s0me-d3fault-of-it", None),
        ("RUN |1 NPM_TOKEN=abcdefgh12345678 /bin/sh -c fetch $NPM_TOKEN # buildkit", Some(any("a"))),
    ];
    let dockerfile = "FROM debian:13\nARG NPM_TOKEN=s0me-d3fault-of-it\nRUN fetch $NPM_TOKEN\n";
    let (after, _, report) = mended(&built(&clean_config(), steps), dockerfile);
    assert_eq!(of(&report, "SEC-BUILD-ARGUMENT").len(), 2);
    assert_eq!(
        after,
        "FROM debian:13\nRUN --mount=type=secret,id=npm_token \\\n    \
         export NPM_TOKEN=\"$(cat /run/secrets/npm_token)\" && \\\n    fetch $NPM_TOKEN\n"
    );
}

/// An image whose build was given a token, by the commands of its steps.
fn with_argument(commands: &[&str]) -> Vec<u8> {
    let mut steps = vec![("ARG NPM_TOKEN".to_owned(), None)];
    for (place, command) in commands.iter().enumerate() {
        let step = format!("RUN |1 NPM_TOKEN=abcdefgh12345678 /bin/sh -c {command} # buildkit");
        steps.push((step, Some(any(&place.to_string()))));
    }
    let steps = steps.iter_mut().map(|(step, layer)| (step.as_str(), layer.take())).collect();
    built(&clean_config(), steps)
}

#[test]
fn a_build_argument_becomes_a_secret_mount_of_the_commands_that_use_it() {
    let image = with_argument(&["fetch $NPM_TOKEN", "make", "use ${NPM_TOKEN:-x}"]);
    let dockerfile = "FROM debian:13\nARG NPM_TOKEN=none\nRUN --mount=type=cache,target=/c fetch $NPM_TOKEN\n\
                      RUN make\nUSER app\nRUN use ${NPM_TOKEN:-x}\n";
    let (after, _, report) = mended(&image, dockerfile);
    let export = "export NPM_TOKEN=\"$(cat /run/secrets/npm_token)\" && \\\n    ";
    assert_eq!(
        after,
        format!(
            "FROM debian:13\nRUN --mount=type=cache,target=/c --mount=type=secret,id=npm_token \\\n    {export}fetch $NPM_TOKEN\n\
             RUN make\nUSER app\nRUN --mount=type=secret,id=npm_token,mode=0444 \\\n    {export}use ${{NPM_TOKEN:-x}}\n"
        )
    );
    let fix = &one(&report, "SEC-BUILD-ARGUMENT")["fix"];
    assert_eq!(fix["proposed"], format!("RUN --mount=type=secret,id=npm_token \\\n    {export}fetch $NPM_TOKEN"));
    let advice = fix["advice"].as_str().unwrap();
    assert!(
        advice.contains("docker build --secret id=npm_token,env=NPM_TOKEN") && advice.contains("BuildKit"),
        "{advice}"
    );
}

#[test]
fn what_is_not_sure_of_an_argument_is_left_with_the_reason() {
    let image = with_argument(&["npm ci", "npm run build"]);
    for (dockerfile, why) in [
        ("FROM a\nARG NPM_TOKEN\nRUN npm ci\nRUN npm run build\n", "no command names it"),
        ("FROM a\nARG NPM_TOKEN\nRUN npm ci\nLABEL x=$NPM_TOKEN\nRUN npm run build\n", "other than RUN"),
        ("FROM a\nRUN npm ci\nRUN npm run build\n", "no ENV or ARG"),
        ("FROM a\nARG NPM_TOKEN\nFROM b\nRUN make\n", "no instruction of the last stage"),
    ] {
        let (after, _, report) = mended(&image, dockerfile);
        assert_eq!(after, dockerfile);
        let reason = reason(&report, "SEC-BUILD-ARGUMENT");
        assert!(reason.contains(why), "{dockerfile}: {reason}");
    }
    let image = with_argument(&["use $NPM_TOKEN"]);
    let dockerfile = "FROM a\nARG NPM_TOKEN\nSHELL [\"pwsh\", \"-c\"]\nRUN use $NPM_TOKEN\n";
    let (after, _, report) = mended(&image, dockerfile);
    assert_eq!(after, dockerfile);
    assert!(reason(&report, "SEC-BUILD-ARGUMENT").contains("shell"));
}

#[test]
fn one_command_that_may_read_an_argument_gets_the_mount_and_a_text_of_many_lines_too() {
    let export = "export NPM_TOKEN=\"$(cat /run/secrets/npm_token)\"";
    let (after, ..) = mended(&with_argument(&["npm ci"]), "FROM a\nARG NPM_TOKEN\nRUN npm ci\n");
    assert_eq!(after, format!("FROM a\nRUN --mount=type=secret,id=npm_token \\\n    {export} && \\\n    npm ci\n"));
    // BuildKit writes such a text into the history without what is around it.
    let image = with_argument(&["first", "use $NPM_TOKEN\n"]);
    let dockerfile = "FROM a\nARG NPM_TOKEN\nRUN first\nRUN <<EOF\nuse $NPM_TOKEN\nEOF\n";
    let (after, ..) = mended(&image, dockerfile);
    let mounted = format!("RUN --mount=type=secret,id=npm_token <<EOF\n{export}\nuse $NPM_TOKEN");
    assert_eq!(after, dockerfile.replace("ARG NPM_TOKEN\n", "").replace("RUN <<EOF\nuse $NPM_TOKEN", &mounted));
}

#[test]
fn a_secret_file_that_a_copy_names_is_not_copied() {
    let keys = || Layer::new().dir("etc/").file("etc/server.key", key());
    // Two secrets of one file.
    let npmrc = format!("//r/:_authToken={}\n//s/:_authToken=h7Gk2pQ9xR4mT1vZb3Nc8Wd5\n", token());
    let listed = || Layer::new().file("app/main.py", "x = 1\n").file("app/.npmrc", &npmrc);
    let steps = || {
        vec![
            ("COPY deploy/server.key /etc/server.key # buildkit", Some(keys())),
            ("WORKDIR /app", None),
            ("COPY main.py ./.npmrc ./ # buildkit", Some(listed())),
        ]
    };
    let dockerfile =
        "FROM a\nCOPY deploy/server.key /etc/server.key\nWORKDIR /app\nCOPY main.py \\\n     ./.npmrc ./\nUSER 1\n";
    let (after, ignored, report) = mended(&built(&clean_config(), steps()), dockerfile);
    assert_eq!(after, "FROM a\nWORKDIR /app\nCOPY main.py \\\n     ./\nUSER 1\n");
    assert_eq!(ignored, "");
    assert_eq!(one(&report, "SEC-PRIVATE-KEY")["reclaimableBytes"], key().len());
    // The classic builder notes no sources; the Dockerfile has them.
    let classic = vec![
        ("/bin/sh -c #(nop) COPY file:1 in /etc/server.key ", Some(keys())),
        ("/bin/sh -c #(nop) WORKDIR /app", None),
        ("/bin/sh -c #(nop) COPY multi:2 in ./ ", Some(listed())),
    ];
    assert_eq!(mended(&built(&clean_config(), classic), dockerfile).0, after);
    // What a later command works on cannot just be left out.
    let mut named = steps();
    named.push(("RUN /bin/sh -c chmod 600 /etc/server.key # buildkit", Some(any("x"))));
    let (_, _, report) = mended(&built(&clean_config(), named), dockerfile);
    let advice = one(&report, "SEC-PRIVATE-KEY")["fix"]["advice"].as_str().unwrap().to_owned();
    assert!(advice.contains("No edit: a later command names the file"), "{advice}");
}

#[test]
fn a_secret_file_of_a_folder_is_kept_out_of_the_context_by_no_more_than_it_needs() {
    let all = || {
        Layer::new()
            .file("app/.docker/config.json", format!("{{\"auths\":{{\"a\":{{\"auth\":\"{}\"}}}}}}", &token()[4..28]))
            .file("app/config.json", "{}")
            .file("app/settings.yml", format!("token: {}\n", token()))
    };
    let steps = |copy| vec![(copy, Some(all()))];
    let image = built(&clean_config(), steps("COPY . /app # buildkit"));
    let (after, ignored, report) = mended(&image, "FROM a\nCOPY . /app\n");
    assert_eq!(
        (after.as_str(), ignored.as_str()),
        ("FROM a\nCOPY . /app\n", "**/.docker/config.json\n**/.dockerignore\n")
    );
    // A file of the application goes on being one without its token.
    let github = one(&report, "SEC-GITHUB");
    assert_eq!((&github["path"], github["reclaimableBytes"].as_u64()), (&json!("/app/settings.yml"), Some(0)));
    assert!(github["fix"]["advice"].as_str().unwrap().contains("No edit: the file may hold more"), "{github}");
    // What is named in the file alone would be any file of that name.
    let credentials = "aws_secret_access_key = h7Gk2pQ9xR4mT1vZb3Nc8Wd5Yf6JsLa0EuKoPiXq\n";
    let aws = Layer::new().file("root/.aws/config", "x").file("root/.aws/credentials", credentials);
    let image = built(&clean_config(), vec![("COPY deploy/aws /root/.aws # buildkit", Some(aws))]);
    assert_eq!(
        mended(&image, "FROM a\nCOPY ./deploy/aws /root/.aws\n").1,
        "**/.dockerignore\ndeploy/aws/credentials\n"
    );
    // What another stage needs stays.
    let image = built(&clean_config(), steps("COPY . /app # buildkit"));
    for (stage, why) in
        [("COPY .docker/config.json /x", "another instruction names it"), ("COPY . /src", "earlier stage")]
    {
        let dockerfile = format!("FROM a AS b\n{stage}\nRUN pull\nFROM a\nCOPY . /app\n");
        let (after, ignored, report) = mended(&image, &dockerfile);
        assert_eq!((after, ignored), (dockerfile, String::new()));
        assert!(reason(&report, "SEC-DOCKER-FILE").contains(why), "{stage}: {}", reason(&report, "SEC-DOCKER-FILE"));
    }
}

#[test]
fn a_name_in_an_image_writes_no_line_of_a_dockerfile() {
    let odd = Layer::new().file("app/x\nRUN evil\n/.npmrc", format!("//r/:_authToken={}\n", token()));
    let steps = vec![
        ("COPY . /app # buildkit", Some(odd)),
        ("RUN /bin/sh -c npm ci # buildkit", Some(any("a"))),
        ("RUN /bin/sh -c rm -rf /app/x* # buildkit", Some(Layer::new().whiteout("app/x\nRUN evil\n"))),
    ];
    let dockerfile = "FROM a\nCOPY . /app\nRUN npm ci\nRUN rm -rf /app/x*\n";
    let (after, ignored, report) = mended(&built(&clean_config(), steps), dockerfile);
    assert_eq!((after.as_str(), ignored.as_str()), (dockerfile, ""));
    assert!(one(&report, "SEC-GITHUB")["fix"]["advice"].as_str().unwrap().contains("No edit: its name has signs"));
}

#[test]
fn what_a_build_uses_and_deletes_comes_by_a_mount() {
    let npmrc = || Layer::new().file("app/.npmrc", format!("//r/:_authToken={}\n", token()));
    let gone = || Layer::new().whiteout("app/.npmrc").filled("app/node_modules/a.js", 90_000, 1);
    // By the command that uses it.
    let steps = vec![
        ("WORKDIR /app", None),
        ("COPY .npmrc . # buildkit", Some(npmrc())),
        ("RUN /bin/sh -c npm ci &&     rm -f .npmrc # buildkit", Some(gone())),
    ];
    let dockerfile = "FROM a\nWORKDIR /app\nCOPY .npmrc .\nRUN npm ci && \\\n    rm -f .npmrc\n";
    let (after, ignored, report) = mended(&built(&clean_config(), steps), dockerfile);
    let expected = "FROM a\nWORKDIR /app\nRUN --mount=type=secret,id=npmrc,target=/app/.npmrc \\\n    npm ci\n";
    assert_eq!((after.as_str(), ignored.as_str()), (expected, ""));
    let finding = one(&report, "SEC-GITHUB").clone();
    assert_eq!((finding["state"].as_str(), finding["reclaimableBytes"].as_u64()), (Some("deleted"), Some(57)));
    assert!(of(&report, "WST-DELETED").is_empty());
    // By one of its own.
    let steps = vec![
        ("WORKDIR /app", None),
        ("COPY . . # buildkit", Some(npmrc().file("app/main.js", "x"))),
        ("RUN /bin/sh -c npm ci # buildkit", Some(Layer::new().file("app/x.js", "x"))),
        ("RUN /bin/sh -c rm .npmrc # buildkit", Some(Layer::new().whiteout("app/.npmrc"))),
    ];
    let dockerfile = "FROM a\nWORKDIR /app\nCOPY . .\nRUN npm ci\nRUN rm .npmrc\n";
    let (after, ignored, _) = mended(&built(&clean_config(), steps), dockerfile);
    let expected =
        "FROM a\nWORKDIR /app\nCOPY . .\nRUN --mount=type=secret,id=npmrc,target=/app/.npmrc \\\n    npm ci\n";
    assert_eq!((after.as_str(), ignored.as_str()), (expected, "**/.dockerignore\n**/.npmrc\n"));
}

#[test]
fn a_secret_file_that_a_command_writes() {
    let netrc = || Some(Layer::new().file("root/.netrc", "machine a.example login joe password h7Gk2pQ9xR4m\n"));
    let write = "RUN /bin/sh -c echo \"machine a.example login joe password h7Gk2pQ9xR4m\" > /root/.netrc # buildkit";
    let gone = || ("RUN /bin/sh -c rm /root/.netrc # buildkit", Some(Layer::new().whiteout("root/.netrc")));
    let line = "RUN echo \"machine a.example login joe password h7Gk2pQ9xR4m\" > /root/.netrc\n";
    // Written for a command and deleted: that gets it by a mount, and nothing of it stays, in no command either.
    let steps = vec![(write, netrc()), ("RUN /bin/sh -c git clone x # buildkit", Some(any("x"))), gone()];
    let dockerfile = format!("FROM a\n{line}RUN git clone x\nRUN rm /root/.netrc\n");
    let (after, _, report) = mended(&built(&clean_config(), steps), &dockerfile);
    assert_eq!(after, "FROM a\nRUN --mount=type=secret,id=netrc,target=/root/.netrc \\\n    git clone x\n");
    assert_eq!(one(&report, "SEC-COMMAND")["fix"]["step"], one(&report, "SEC-NETRC")["fix"]["step"]);
    // Where the command does more it is deleted by the same, and what the command says is for a person to change.
    let more = write.replace(" # buildkit", " && make # buildkit");
    let steps = vec![(more.as_str(), netrc()), gone()];
    let dockerfile = format!("FROM a\n{}RUN rm /root/.netrc\n", line.replace('\n', " && make\n"));
    let (after, _, report) = mended(&built(&clean_config(), steps), &dockerfile);
    assert_eq!(after, format!("FROM a\n{}", line.replace('\n', " && make \\\n    && rm /root/.netrc\n")));
    assert!(
        one(&report, "SEC-COMMAND")["fix"]["advice"].as_str().unwrap().contains("No edit: it stands in the command")
    );
    // A container may need what is there.
    let (after, _, report) = mended(&built(&clean_config(), vec![(write, netrc())]), &format!("FROM a\n{line}"));
    assert_eq!(after, format!("FROM a\n{line}"));
    assert!(one(&report, "SEC-NETRC")["fix"]["advice"].as_str().unwrap().contains("No edit: a command makes the file"));
    // A variable in it is no secret.
    let steps =
        vec![("RUN /bin/sh -c echo \"machine a login b password $TOKEN\" > ~/.netrc # buildkit", Some(any("x")))];
    assert!(of(&report_with(&built(&clean_config(), steps), &[]), "SEC-COMMAND").is_empty());
}

#[test]
fn a_secret_in_what_is_waste_as_well_is_told_once_and_goes_with_it() {
    let log = format!("auth {}\n", token());
    let logged = Layer::new().filled("root/.npm/_cacache/a", 900_000, 1).file("root/.npm/_logs/a-debug-0.log", &log);
    let context = Layer::new().file("app/Dockerfile", format!("ENV X={}\n", token())).file("app/x", "x");
    let steps = vec![("RUN /bin/sh -c npm ci # buildkit", Some(logged)), ("COPY . /app # buildkit", Some(context))];
    let (after, ignored, report) = mended(&built(&clean_config(), steps), "FROM a\nRUN npm ci\nCOPY . /app\n");
    assert_eq!(ignored, "**/.dockerignore\n**/Dockerfile\n");
    assert!(after.contains("npm ci \\\n    && "), "{after}");
    let bytes: Vec<u64> =
        of(&report, "SEC-GITHUB").iter().map(|finding| finding["reclaimableBytes"].as_u64().unwrap()).collect();
    assert_eq!(bytes.iter().sum::<u64>(), log.len() as u64 + 47, "{bytes:?}");
}
