//! The lexer agrees with brush, a shell written by others: each place that is accepted has the quotes around it that brush sees there.

use brush_parser::word::{self, WordPiece, WordPieceWithSource};
use brush_parser::{ParserOptions, Token, TokenizerOptions, uncached_tokenize_str};
use runbook_core::places::shell::{Quoting, places};

use crate::agreement::beginnings;
use crate::contexts::CONTEXTS;
use crate::snippets::ACCEPTED;

/// Stands where the value stands: no part of the shell's language, and of no name before it.
const MARK: &str = "%MARK%";

/// What brush says of the place of [`MARK`]: nothing where it can't read the script, or where its answer says nothing of quotes (inside `${…}`, whose
/// words it gives as text).
fn quotes_by_brush(script: &str) -> Option<Quoting> {
    let tokens = uncached_tokenize_str(script, &TokenizerOptions::default()).ok()?;
    let mut document = None;
    for (i, token) in tokens.iter().enumerate() {
        match token {
            Token::Operator(operator, _) if operator == "<<" || operator == "<<-" => document = Some(i + 2),
            Token::Word(text, _) if text.contains(MARK) => {
                return if document == Some(i) {
                    quotes_in_word(text, &word::parse_heredoc(text, &options()).ok()?, Quoting::InDouble)
                } else {
                    quotes_in_word(text, &word::parse(text, &options()).ok()?, Quoting::Word)
                };
            }
            _ => {}
        }
    }
    None
}

fn options() -> ParserOptions {
    ParserOptions::default()
}

/// `bare` is what stands around the pieces that have no quotes of their own.
fn quotes_in_word(text: &str, pieces: &[WordPieceWithSource], bare: Quoting) -> Option<Quoting> {
    let piece = pieces.iter().find(|piece| text.get(piece.start_index..piece.end_index).is_some_and(|source| source.contains(MARK)))?;
    match &piece.piece {
        WordPiece::Text(_) => Some(bare),
        WordPiece::SingleQuotedText(_) => Some(Quoting::InSingle),
        WordPiece::AnsiCQuotedText(_) => Some(Quoting::InAnsiC),
        WordPiece::DoubleQuotedSequence(inner) | WordPiece::GettextDoubleQuotedSequence(inner) => {
            quotes_in_word(text, inner, Quoting::InDouble)
        }
        WordPiece::CommandSubstitution(script) | WordPiece::BackquotedCommandSubstitution(script) => quotes_by_brush(script),
        WordPiece::ArithmeticExpression(_) => Some(Quoting::Number),
        WordPiece::ParameterExpansion(_) | WordPiece::TildeExpansion(_) | WordPiece::EscapeSequence(_) => None,
    }
}

/// Every place of `script` (`◊`) in turn: whether our lexer accepts the script and brush has an answer, and how many of the answers there were.
fn compare(script: &str, wrong: &mut Vec<String>) -> (usize, usize) {
    let texts: Vec<&str> = script.split('◊').collect();
    let Ok(places) = places(&texts) else { return (0, 0) };
    let mut answered = 0;
    for (at, place) in places.iter().enumerate() {
        let mut marked = String::new();
        for (i, text) in texts.iter().enumerate() {
            marked.push_str(text);
            if i + 1 < texts.len() {
                marked.push_str(if i == at { MARK } else { "x" });
            }
        }
        let Some(theirs) = quotes_by_brush(&marked) else { continue };
        // Brush splits `((…))` into words before it knows that it is a calculation.
        if place.quoting == Quoting::Number && theirs == Quoting::Word {
            continue;
        }
        answered += 1;
        if theirs != place.quoting {
            wrong.push(format!("{:?} against {theirs:?} by brush: {marked:?}", place.quoting));
        }
    }
    (places.len(), answered)
}

#[test]
fn brush_sees_the_same_quotes() {
    let forms = beginnings(true)
        .into_iter()
        .flat_map(|(before, _)| ["◊\n", "\"◊\"\n", "'◊'\n", "a◊\n", "\"$y◊\"\n"].map(|after| format!("{before}{after}")));
    let contexts = CONTEXTS.iter().map(|(_, _, script)| (*script).to_owned());
    let snippets = ACCEPTED.iter().map(|script| (*script).to_owned());
    let (mut all, mut answered, mut wrong) = (0, 0, Vec::new());
    for script in forms.chain(contexts).chain(snippets) {
        let (places, answers) = compare(&script, &mut wrong);
        all += places;
        answered += answers;
    }
    assert!(wrong.is_empty(), "{} of {answered}:\n{}", wrong.len(), wrong.join("\n"));
    assert!(all > 500 && answered * 100 >= all * 95, "brush answers for {answered} of {all} places only");
}
