//! Sessions at the command line, as a person types them: `tests/cmd/`. `TRYCMD=overwrite` writes them anew.

#[test]
fn sessions() {
    // What the surroundings say must not matter: no gate by CI, no width of a terminal.
    trycmd::TestCases::new().env("CI", "").env("COLUMNS", "100").case("tests/cmd/*.trycmd").run();
}
