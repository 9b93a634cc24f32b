//! `runbook check`.

use snapbox::str;

use crate::sandbox::Sandbox;

#[test]
fn a_file_that_is_not_there_is_named() {
    Sandbox::new()
        .run(["check", "nowhere.toml"])
        .stderr(str![[r#"
error[RB100]: `nowhere.toml` cannot be read: there is no such file


"#]])
        .stdout(str![[r#"
checked 1 runbook: 1 error

"#]])
        .code(3);
}
