//! What comes of it all, when the whole text is known.

use std::collections::BTreeSet;

use super::flow::Source;
use super::lexer::{BY_ENV, Lexer, fault};
use super::words::{EXPANSION, HOLE};
use super::{Analysis, EnvUse, Form, PlaceFault, Script, ShellPlace};

/// How often a text is read again when it defined functions that were not known before.
const READINGS: usize = 4;

/// The whole analysis.
pub(super) fn analyse(script: &Script<'_>) -> Result<Analysis, Vec<PlaceFault>> {
    let mut functions = BTreeSet::new();
    let mut lexer = read(script, functions.clone());
    for _ in 0..READINGS {
        if lexer.functions == functions {
            break;
        }
        functions = std::mem::take(&mut lexer.functions);
        lexer = read(script, functions.clone());
    }
    let bash_only = lexer.bash;
    let env = lexer.env(script);
    let places = lexer.verdict()?;
    Ok(Analysis { places, bash_only, env })
}

fn read<'a>(script: &Script<'a>, functions: BTreeSet<String>) -> Lexer<'a> {
    let mut lexer = Lexer::new(script, functions);
    let holes = script.texts.len().saturating_sub(1);
    for (at, name) in script.env.iter().enumerate() {
        lexer.flow.assign(name, Source { holes: vec![holes + at], names: Vec::new() }, false);
    }
    lexer.read();
    lexer.inputs();
    lexer
}

impl Lexer<'_> {
    /// What is read by commands that run what they read, where that is known only at the end; and what only arrays execute.
    pub(super) fn inputs(&mut self) {
        let mut read = std::mem::take(&mut self.code_documents);
        if self.runs_input {
            read.extend(self.compound_documents.iter().map(|number| (*number, false)));
        }
        for (number, shell) in read {
            let Some(document) = self.documents.get(number).cloned() else { continue };
            let quoted = !document.holes.is_empty() && document.holes.iter().all(|hole| self.form(*hole) == Form::Sh);
            if !shell || !quoted {
                self.flow.refuse(document.source(), "a command may execute this here-document", BY_ENV);
            } else if document.text.contains(EXPANSION) {
                self.not_alone("a shell", &document);
            } else {
                self.inner_words("a shell", &document);
            }
        }
        if self.runs_input && self.piped_compound {
            let everything = self.everything();
            self.flow.refuse(everything, "a command behind a pipe may execute what it reads", BY_ENV);
        }
        for (name, source) in std::mem::take(&mut self.declared) {
            if self.arrays.contains(&name) {
                self.flow.refuse(
                    source,
                    format!("`{name}` is an array, and declaring it with a text executes it"),
                    "write `NAME=( {{…}} )`",
                );
            }
        }
    }

    /// What becomes of the variables of the environment. What is not understood of the script says nothing about them.
    fn env(&self, script: &Script<'_>) -> Vec<EnvUse> {
        if script.env.is_empty() {
            return Vec::new();
        }
        let first = script.texts.len().saturating_sub(1);
        let taint = self.flow.taint();
        let numbers = self.flow.numbers(&taint);
        let faults = self.flow.faults(&taint);
        let of = |hole: usize| EnvUse {
            number: numbers.contains(&hole),
            fault: faults.iter().find(|fault| fault.hole == hole).map(|fault| (fault.message.clone(), fault.help.clone())),
        };
        (0..script.env.len()).map(|at| of(first + at)).collect()
    }

    /// The places, or all that is wrong.
    pub(super) fn verdict(mut self) -> Result<Vec<ShellPlace>, Vec<PlaceFault>> {
        let count = self.places.len();
        if count == 0 {
            return Ok(Vec::new());
        }
        if let Some(why) = self.hopeless.take() {
            return Err((0..count).map(|hole| fault(hole, &why, BY_ENV)).collect());
        }
        let flow = std::mem::take(&mut self.flow);
        let taint = flow.taint();
        self.faults.extend(flow.faults(&taint));
        for hole in 0..count {
            if self.form(hole) == Form::Sh && !self.inner.contains(&hole) {
                let help = "write {{…}} without `sh` here";
                self.refuse(
                    hole,
                    "`{{sh …}}` is for a word of a script inside of this one (`sh -c`, `ssh`, a here-document of a shell)",
                    help,
                );
            }
        }
        for (marked, mark) in [
            (flow.options(&taint), (|place: &mut ShellPlace| place.may_be_option = true) as fn(&mut ShellPlace)),
            (flow.full(&taint), |place| place.whole_argument = true),
            (flow.numbers(&taint), |place| place.number = true),
        ] {
            for hole in marked {
                if let Some(Some(place)) = self.places.get_mut(hole) {
                    mark(place);
                }
            }
        }
        let mut places = Vec::new();
        for (hole, place) in self.places.iter().enumerate() {
            match place {
                Some(place) => places.push(*place),
                None if self.faults.iter().any(|f| f.hole == hole) => {}
                None => self.faults.push(fault(hole, "no value may stand here", BY_ENV)),
            }
        }
        self.faults.retain(|fault| fault.hole < count);
        if self.faults.is_empty() {
            return Ok(places);
        }
        self.faults.sort_by_key(|f| f.hole);
        self.faults.dedup_by_key(|f| f.hole);
        debug_assert!(self.faults.iter().all(|fault| !fault.message.contains(HOLE)), "a message shows a mark");
        Err(self.faults)
    }
}
