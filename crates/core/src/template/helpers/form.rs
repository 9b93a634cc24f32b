//! How a value is written into a script, an SQL text or a URL, where the place alone does not decide it.

use super::super::form::Form;
use super::{Family, HelperSpec, Run, exactly};

const fn form(name: &'static str, signature: &'static str, about: &'static str, example: &'static str, form: Form) -> HelperSpec {
    HelperSpec { name, signature, about, example, result: "", arity: exactly(1), run: Run::Form(form) }
}

pub(super) const FAMILY: Family = Family {
    title: "How a value is written",
    about: "Inside a script, an SQL text or a URL the place decides how a value is written there. These say otherwise. They stand alone in their `{{…}}`: \
            what they are given may be any expression in parentheses.",
    helpers: &[
        form(
            "allow_empty",
            "allow_empty TEXT",
            "In a script: the value may be empty where that would leave a folder's own path or an empty argument.",
            "rm -f -- /tmp/x{{allow_empty vars.suffix}}",
            Form::AllowEmpty,
        ),
        form(
            "words",
            "words LIST",
            "In a script: each element becomes a word of its own; an empty list, none.",
            "for h in {{words vars.hosts}}; do ping -c 1 -- \"$h\"; done",
            Form::Words,
        ),
        form(
            "sh",
            "sh TEXT",
            "In a script: a word of a script inside of it, which a POSIX shell reads: `sh -c \"…\"`, `ssh HOST \"…\"`, a here-document of a shell. Without quotes around it.",
            "ssh db1 \"ls {{sh vars.folder}}\"",
            Form::Sh,
        ),
        form(
            "like",
            "like TEXT",
            "In an SQL text: a part of a pattern of `like` that stands for itself; the statement says `escape '|'` behind the pattern.",
            "select * from t where name like '{{like vars.prefix}}%' escape '|'",
            Form::Like,
        ),
        form(
            "raw",
            "raw TEXT reason=\"…\"",
            "The value becomes a part of the text, unescaped: whoever gives it can run anything. The reason is shown to reviewers. No secret may stand here.",
            "docker ps {{raw vars.options reason=\"several options, chosen by the runbook itself\"}}",
            Form::Raw,
        ),
    ],
};
