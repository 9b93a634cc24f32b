//! Scripts inside of the script. They share the variables of the environment, so what they do with them is followed as well; a value that is to be
//! a word of theirs is quoted for them (`{{sh …}}`).

use std::collections::BTreeSet;

use super::commands::advice;
use super::flow::Source;
use super::lexer::Lexer;
use super::words::{EXPANSION, HOLE, Word, is_name};
use super::{Form, Quoting, Role, Script};

impl Lexer<'_> {
    /// A word that another shell reads as a script.
    pub(super) fn inner_script(&mut self, name: &str, word: &Word) {
        match word.literal() {
            Some(text) => self.inner_text(text),
            None if word.text.contains(EXPANSION) && !word.holes.is_empty() => self.not_alone(name, word),
            None => self.inner_words(name, word),
        }
    }

    /// A script that is written out: whatever it does with variables that hold values, it does as a part of this one.
    pub(super) fn inner_text(&mut self, text: &str) {
        let texts = [text];
        let mut inner = Lexer::new(&Script { texts: &texts, forms: &[], env: &[] }, self.functions.clone());
        inner.depth = self.depth + 1;
        if inner.depth > 4 {
            return self.give_up("scripts stand too deep inside one another to place a value in this script");
        }
        inner.read();
        inner.inputs();
        if inner.is_hopeless() {
            let names = expanded(text).collect();
            self.flow.refuse(
                Source { holes: Vec::new(), names },
                "a script inside of this one uses it, and is not understood well enough",
                "write the inner script into a step of its own, or simpler",
            );
            return;
        }
        self.runs_input |= inner.runs_input;
        self.arrays.extend(std::mem::take(&mut inner.arrays));
        self.functions.extend(std::mem::take(&mut inner.functions));
        self.flow.merge(std::mem::take(&mut inner.flow));
    }

    /// A script in which values stand, all of them quoted for it.
    pub(super) fn inner_words(&mut self, name: &str, word: &Word) {
        if word.holes.is_empty() {
            // What expansions give is executed: no value may come through them.
            return self.refuse_for_shell(name, word.source());
        }
        for hole in word.holes.iter().filter(|hole| self.form(**hole) != Form::Sh).copied().collect::<Vec<_>>() {
            self.refuse(hole, &format!("`{name}` would execute it"), advice(name));
        }
        let texts: Vec<&str> = word.text.split(HOLE).collect();
        let mut inner = Lexer::new(&Script { texts: &texts, forms: &[], env: &[] }, BTreeSet::new());
        inner.depth = self.depth + 1;
        if inner.depth > 4 {
            return self.give_up("scripts stand too deep inside one another to place a value in this script");
        }
        inner.read();
        let places = inner.verdict();
        match places {
            Ok(places) => {
                for (hole, place) in word.holes.iter().zip(places) {
                    if place.quoting != Quoting::Word || place.number {
                        self.refuse(
                            *hole,
                            "in the inner script it stands inside quotes, and brings its own",
                            "remove the quotes around `{{sh …}}`",
                        );
                        continue;
                    }
                    self.inner.insert(*hole);
                    self.set_role(*hole, Role::InnerScript);
                    self.marks(*hole, place);
                }
            }
            Err(faults) => {
                for fault in faults {
                    if let Some(hole) = word.holes.get(fault.hole) {
                        self.refuse(*hole, &format!("in the inner script: {}", fault.message), &fault.help);
                    }
                }
            }
        }
    }

    /// What the inner script demands of a value.
    fn marks(&mut self, hole: usize, inner: super::ShellPlace) {
        if let Some(Some(place)) = self.places.get_mut(hole) {
            place.ends_path = inner.ends_path;
            place.whole_argument = inner.whole_argument;
        }
    }

    /// Values beside expansions in one inner script: what the expansions hold decides what becomes of the values.
    pub(super) fn not_alone(&mut self, name: &str, word: &Word) {
        for hole in word.holes.clone() {
            self.refuse(
                hole,
                &format!("`{name}` reads it in one text with variables of this script, whose values decide what becomes of it"),
                "write `\\$NAME` for a variable of the inner script, and `{{sh …}}` for a value",
            );
        }
        self.refuse_for_shell(name, word.source());
    }
}

/// The variables that a text expands, wherever they stand in it; `@` for positional parameters.
fn expanded(text: &str) -> impl Iterator<Item = String> {
    text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').filter(|name| is_name(name)).map(str::to_owned).chain(["@".to_owned()])
}
