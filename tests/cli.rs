//! Sessions at the command line, as a person types them: `tests/cmd/` and the ones in README. `TRYCMD=overwrite` writes them anew.

#[test]
fn sessions() {
    // What the surroundings say must not matter: no gate by CI, no width of a terminal.
    trycmd::TestCases::new()
        .env("CI", "")
        .env("COLUMNS", "100")
        .env("XDG_CONFIG_HOME", "/nowhere")
        .case("tests/cmd/*.trycmd")
        .case("README.md")
        .run();
}
