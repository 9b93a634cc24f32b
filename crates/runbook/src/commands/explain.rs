//! `runbook explain`.

use runbook_core::diagnostic::Code;

use crate::args::ExplainArgs;
use crate::exit::Exit;
use crate::streams::Streams;
use crate::text::{Style, visible};

/// Prints the page of a code, or the list of all codes.
pub(crate) fn run(args: &ExplainArgs, streams: &mut Streams) -> Exit {
    let Some(wanted) = &args.code else {
        let paint = streams.out.paint();
        for code in Code::ALL {
            streams.out.line(format_args!("{}  {}", paint.apply(Style::Bold, code.as_str()), code.title()));
        }
        return Exit::Done;
    };
    let found = Code::ALL.iter().find(|code| code.as_str().eq_ignore_ascii_case(wanted.trim()));
    if let Some(code) = found {
        streams.out.put(code.page());
        Exit::Done
    } else {
        streams.err.line(format_args!("error: there is no code `{}`", visible(wanted)));
        streams.err.line("help: `runbook explain` lists all codes");
        Exit::Usage
    }
}
