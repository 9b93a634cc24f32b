//! The `file` actions in a run.

use crate::sandbox::Sandbox;

fn steps(steps: &str) -> String {
    format!("format = 1\nname = \"files\"\n{steps}")
}

#[test]
fn a_file_that_is_there_is_not_replaced_unasked() {
    let text = steps("[[step]]\nid = \"write\"\nfile.write = { path = \"a.txt\", text = \"new\" }\nleaves = \"a file\"\n");
    let sandbox = Sandbox::new().file("a.toml", text).file("a.txt", "old");
    let (_, stderr) = sandbox.run(["exec", "a.toml"]).only_code(1);
    assert!(stderr.contains("error[RB505]: `write` failed: `[DIR]/a.txt` is there already"), "{stderr}");
    assert!(stderr.contains("help: write `overwrite = true` to replace it"), "{stderr}");
    assert!(stderr.contains("changed     nothing"), "{stderr}");
    assert_eq!(sandbox.read("a.txt"), "old");
}

#[test]
fn mode_checksum_size_and_content_are_told() {
    let text = steps(
        r#"
[[step]]
id = "write"
file.write = { path = "a.json", text = '{"version": "4.3.4"}', mode = "0600" }
leaves = "a file"

[[step]]
id = "copy"
file.copy = { from = "a.json", to = "b.json" }
leaves = "a file"

[[verify]]
id = "mode"
file.assert = { path = "a.json", kind = "file", mode = "0600", min_size = "20B" }

[[verify]]
id = "read"
file.read = { path = "b.json", format = "json" }
expect = ["eq data.version '4.3.4'", "eq size 20", "eq sha256 steps.copy.sha256"]

[[verify]]
id = "sum"
file.checksum = { path = "b.json" }
expect = ["eq sha256 '6aa9521e70b9a972f0193dfbbe653ceaf5f5ebbdb3dbbaede800b40d1cb8f20c'"]
"#,
    );
    let sandbox = Sandbox::new().file("a.toml", text);
    sandbox.run(["exec", "a.toml"]).only_code(0);
    assert_eq!(sandbox.read("b.json"), r#"{"version": "4.3.4"}"#);
}

#[test]
fn relative_paths_start_from_the_runbooks_folder() {
    let text = steps("[[step]]\nid = \"write\"\nfile.write = { path = \"a.txt\", text = \"here\" }\nleaves = \"a file\"\n");
    let sandbox = Sandbox::new().file("books/a.toml", text);
    sandbox.run(["exec", "books/a.toml", "--output", "quiet"]).only_code(0);
    assert_eq!(sandbox.read("books/a.txt"), "here");
}

#[test]
fn a_folder_that_is_not_there_is_named() {
    let text = steps("[[step]]\nid = \"write\"\nfile.write = { path = \"no/where/a.txt\", text = \"x\" }\nleaves = \"a file\"\n");
    let (_, stderr) = Sandbox::new().file("a.toml", text).run(["exec", "a.toml"]).only_code(1);
    assert!(stderr.contains("error[RB504]: `write` failed: `[DIR]/no/where/a.txt` cannot be written: no such file or folder"), "{stderr}");
}
