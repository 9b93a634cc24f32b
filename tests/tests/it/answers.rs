//! Answers on the command line, and what the card says of them.

use crate::sandbox::Sandbox;

/// A runbook of one step that needs a person.
fn asking(action: &str) -> Sandbox {
    let text = format!("format = 1\nname = \"asking\"\n\n[[step]]\nid = \"ask\"\n{action}\n");
    Sandbox::new().file("a.toml", text)
}

#[test]
fn the_card_shows_where_a_text_goes() {
    let sandbox = asking("manual.input = { text = \"The ticket's number\", pattern = \"CHG-[0-9]+\" }");
    let (_, stderr) = sandbox.run(["exec", "a.toml", "--output", "quiet"]).only_code(7);
    assert!(stderr.contains("--answer 'ask=…'"), "a `yes` would be taken for the text: {stderr}");
    assert!(stderr.contains("\n    > The ticket's number\n"), "{stderr}");
    sandbox.run(["resume", "--last", "--answer", "ask=CHG-12", "--output", "quiet"]).only_code(0);
}

#[test]
fn the_card_does_not_ask_for_a_secret_on_a_command_line() {
    let sandbox = asking("manual.input = { text = \"The console's password\", secret = true }");
    let (_, stderr) = sandbox.run(["exec", "a.toml", "--output", "quiet"]).only_code(7);
    assert!(stderr.contains("go on") && !stderr.contains("--answer"), "{stderr}");
}

#[test]
fn two_answers_to_one_question_are_none() {
    let sandbox = asking("manual.confirm = { text = \"Paused?\" }\nleaves = \"nothing\"");
    sandbox.run(["exec", "a.toml", "--output", "quiet"]).only_code(7);
    let (_, stderr) = sandbox.run(["resume", "--last", "--answer", "ask=no", "--answer", "ask=yes"]).only_code(2);
    assert_eq!(stderr, "error: `--answer` says both `no` and `yes` of `ask`: which is it?\n");
}

#[test]
fn an_answer_is_told_of_the_step_and_not_of_its_attempt() {
    let sandbox = asking("manual.confirm = { text = \"Paused?\" }\nleaves = \"nothing\"");
    sandbox.run(["exec", "a.toml", "--output", "quiet"]).only_code(7);
    sandbox.run(["resume", "--last", "--output", "quiet"]).only_code(7);
    let (stdout, _) = sandbox.run(["resume", "--last", "--answer", "ask=yes"]).only_code(0);
    assert!(stdout.contains(" `ask`: yes, says --answer\n"), "{stdout}");
}
