use std::fs;
use std::path::PathBuf;

use proptest::prelude::*;
use serde::{Deserialize, Serialize};

use super::faulty::Disk;
use super::*;
use crate::testing::Folder;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Note {
    text: String,
}

fn note(text: impl Into<String>) -> Note {
    Note { text: text.into() }
}

/// A journal of `lines` lines with one record each.
fn written(folder: &Folder, lines: usize) -> PathBuf {
    let path = folder.path().join("journal.jsonl");
    let mut journal = Journal::create(&path).unwrap();
    for n in 0..lines {
        journal.append(&[note(format!("line {n}"))]).unwrap();
    }
    path
}

#[test]
fn what_is_appended_is_read_back() {
    let folder = Folder::new();
    let path = folder.path().join("journal.jsonl");
    let mut journal = Journal::create(&path).unwrap();
    journal.append(&[note("a"), note("b\n\u{1b}\"")]).unwrap();
    journal.append(&[note("c")]).unwrap();
    journal.append::<Note>(&[]).unwrap();

    let contents = read::<Note>(&path).unwrap();
    assert_eq!(contents.records, [note("a"), note("b\n\u{1b}\""), note("c")]);
    assert_eq!(contents.tail, Tail::Clean);
    assert_eq!(fs::read_to_string(&path).unwrap().lines().count(), 2, "one line is one batch");
}

#[test]
fn a_line_looks_as_documented() {
    let folder = Folder::new();
    let path = written(&folder, 1);
    assert_eq!(fs::read_to_string(path).unwrap(), "{\"crc\":\"3afb32bb\",\"v\":1,\"n\":0,\"records\":[{\"text\":\"line 0\"}]}\n");
}

#[test]
fn a_second_writer_is_refused() {
    let folder = Folder::new();
    let path = folder.path().join("journal.jsonl");
    let _journal = Journal::create(&path).unwrap();
    assert!(matches!(Journal::open::<Note>(&path), Err(JournalError::Held { .. })));
    assert!(read::<Note>(&path).is_ok(), "a reader takes no lock");
}

#[test]
fn an_opened_journal_goes_on() {
    let folder = Folder::new();
    let path = written(&folder, 2);
    let (mut journal, contents) = Journal::open::<Note>(&path).unwrap();
    assert_eq!(contents.records.len(), 2);
    journal.append(&[note("more")]).unwrap();
    assert_eq!(read::<Note>(&path).unwrap().records[2], note("more"));
}

#[test]
fn what_was_seen_is_taken_over_only_while_it_is_what_is_there() {
    let folder = Folder::new();
    let path = written(&folder, 2);
    // A reader that saw more than there is: told from one that reads anew.
    let seen = || {
        let mut contents = read::<Note>(&path).unwrap();
        contents.records.push(note("seen"));
        contents
    };
    let opened = |seen| Journal::open_seen(&path, Some(seen)).map(|(journal, contents)| (journal, contents.records));

    let (mut journal, records) = opened(seen()).unwrap();
    assert_eq!(records.last(), Some(&note("seen")), "the same bytes are not read again");
    journal.append(&[note("line 2")]).unwrap();
    drop(journal);
    assert_eq!(read::<Note>(&path).unwrap().records.len(), 3, "it goes on behind what was seen");

    let longer = seen();
    let (mut journal, _) = Journal::open::<Note>(&path).unwrap();
    journal.append(&[note("line 3")]).unwrap();
    drop(journal);
    let (journal, records) = opened(longer).unwrap();
    assert_eq!(records.last(), Some(&note("line 3")), "somebody went on with it");
    drop(journal);

    let changed = seen();
    let bytes = fs::read(&path).unwrap();
    let flipped: Vec<u8> = bytes.iter().enumerate().map(|(at, byte)| if at == 40 { byte ^ 1 } else { *byte }).collect();
    fs::write(&path, flipped).unwrap();
    assert!(matches!(opened(changed), Err(JournalError::Damaged { line: 1, .. })), "of the same length, and another");
}

#[test]
fn a_torn_tail_is_cut() {
    let folder = Folder::new();
    let path = written(&folder, 3);
    let bytes = fs::read(&path).unwrap();
    let second = bytes.iter().enumerate().filter(|(_, b)| **b == b'\n').nth(1).unwrap().0 + 1;
    fs::write(&path, &bytes[..second + 20]).unwrap();

    assert_eq!(read::<Note>(&path).unwrap().tail, Tail::Torn { bytes: 20 });
    let (mut journal, contents) = Journal::open::<Note>(&path).unwrap();
    assert_eq!(contents.records.len(), 2);
    assert_eq!(fs::read(&path).unwrap(), &bytes[..second]);
    journal.append(&[note("again")]).unwrap();
    assert_eq!(read::<Note>(&path).unwrap().tail, Tail::Clean);
}

#[test]
fn a_damaged_last_line_is_in_doubt_and_stays_so() {
    let folder = Folder::new();
    let path = written(&folder, 3);
    let mut bytes = fs::read(&path).unwrap();
    let place = bytes.len() - 6;
    bytes[place] ^= 1;
    fs::write(&path, &bytes).unwrap();

    let (mut journal, contents) = Journal::open::<Note>(&path).unwrap();
    assert_eq!(contents.tail, Tail::InDoubt { line: 3, fault: LineFault::Checksum });
    assert_eq!(contents.records.len(), 2);
    journal.append(&[note("after")]).unwrap();
    drop(journal);

    let contents = read::<Note>(&path).unwrap();
    assert_eq!((contents.records.len(), contents.doubts, contents.tail), (3, vec![2], Tail::Clean));
    let (mut journal, contents) = Journal::open::<Note>(&path).unwrap();
    assert_eq!(contents.doubts, [2]);
    journal.append(&[note("and on")]).unwrap();
    assert_eq!(read::<Note>(&path).unwrap().records.len(), 4);
}

#[test]
fn a_damaged_line_with_good_ones_behind_it_is_an_error() {
    let folder = Folder::new();
    let path = written(&folder, 3);
    let mut bytes = fs::read(&path).unwrap();
    bytes[40] ^= 1;
    fs::write(&path, &bytes).unwrap();
    let error = read::<Note>(&path).unwrap_err().to_string();
    assert_eq!(error, format!("line 1 of `{}` is damaged: its checksum does not fit, and good lines follow it", path.display()));
}

#[test]
fn a_missing_or_doubled_line_is_an_error() {
    let folder = Folder::new();
    let path = written(&folder, 3);
    let text = fs::read_to_string(&path).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    for wrong in [vec![lines[0], lines[2]], vec![lines[0], lines[0], lines[1]]] {
        fs::write(&path, wrong.join("\n") + "\n").unwrap();
        assert!(matches!(read::<Note>(&path), Err(JournalError::Damaged { fault: LineFault::Order, line: 2, .. })));
    }
}

#[test]
fn a_newer_format_is_refused() {
    let folder = Folder::new();
    let path = folder.path().join("journal.jsonl");
    let body = "\"v\":2,\"n\":0,\"batch\":{}}";
    fs::write(&path, format!("{{\"crc\":\"{:08x}\",{body}\n", crc32fast::hash(body.as_bytes()))).unwrap();
    assert!(matches!(read::<Note>(&path), Err(JournalError::Newer { found: 2, .. })));
}

#[test]
fn a_record_over_the_limit_is_refused_and_nothing_is_written() {
    let folder = Folder::new();
    let path = folder.path().join("journal.jsonl");
    let mut journal = Journal::create(&path).unwrap();
    assert!(matches!(journal.append(&[note("x".repeat(MAX_RECORD))]), Err(JournalError::TooLarge { .. })));
    journal.append(&[note("small")]).unwrap();
    assert_eq!(read::<Note>(&path).unwrap().records, [note("small")]);
}

#[test]
fn kept_room_does_not_show_and_is_given_back() {
    let folder = Folder::new();
    let path = folder.path().join("journal.jsonl");
    let mut journal = Journal::create(&path).unwrap();
    journal.reserve(3).unwrap();
    journal.append(&[note("a")]).unwrap();
    let length = fs::metadata(&path).unwrap().len();
    assert!(length < 100);
    journal.release().unwrap();
    assert_eq!(fs::metadata(&path).unwrap().len(), length);
    assert_eq!(read::<Note>(&path).unwrap().tail, Tail::Clean);
}

#[test]
fn a_failed_sync_poisons() {
    let disk = Disk::new(1000, 1);
    let mut journal = faulty::journal(disk.clone());
    assert!(matches!(journal.append(&[note("a")]), Err(JournalError::Disk(_))));
    assert!(matches!(journal.append(&[note("b")]), Err(JournalError::Poisoned { .. })));
    assert!(matches!(journal.reserve(1), Err(JournalError::Poisoned { .. })));
    assert_eq!(disk.lines(), 1, "nothing was tried again");
}

#[test]
fn a_full_disk_is_met_before_the_start_and_never_at_the_end() {
    let disk = Disk::new(200 * 1024, 0);
    let mut journal = faulty::journal(disk);
    assert!(journal.reserve(2).is_ok());
    assert!(matches!(journal.reserve(4), Err(JournalError::NoRoom { .. })));
    journal.append(&[note("x".repeat(60 * 1024))]).unwrap();
    journal.append(&[note("x".repeat(60 * 1024))]).unwrap();
}

proptest! {
    // Each case appends and syncs once for every byte of its file.
    #![proptest_config(ProptestConfig { cases: 4, ..ProptestConfig::default() })]

    /// Cut anywhere, a journal holds exactly the batches whose lines are whole, and can be gone on with.
    #[test]
    fn every_cut_leaves_whole_batches(texts in prop::collection::vec(prop::collection::vec(".{0,12}", 1..4), 1..5)) {
        let folder = Folder::new();
        let path = folder.path().join("journal.jsonl");
        let mut journal = Journal::create(&path).unwrap();
        for batch in &texts {
            journal.append(&batch.iter().map(note).collect::<Vec<_>>()).unwrap();
        }
        drop(journal);
        let bytes = fs::read(&path).unwrap();
        for cut in 0..=bytes.len() {
            fs::write(&path, &bytes[..cut]).unwrap();
            // A line that lacks only its newline counts.
            let whole = bytes.iter().enumerate().filter(|(at, b)| **b == b'\n' && *at <= cut).count();
            let expected: Vec<Note> = texts[..whole].iter().flatten().map(note).collect();
            let (mut journal, contents) = Journal::open::<Note>(&path).unwrap();
            prop_assert_eq!(&contents.records, &expected);
            journal.append(&[note("next")]).unwrap();
            drop(journal);
            let after = read::<Note>(&path).unwrap();
            prop_assert_eq!(after.records.len(), expected.len() + 1);
            prop_assert_eq!(after.tail, Tail::Clean);
        }
    }

}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, ..ProptestConfig::default() })]

    /// A changed byte is never read as something else: the file is refused, in doubt, or cut at its end; what is read is a prefix of what was written.
    #[test]
    fn every_changed_byte_is_noticed(lines in 1_usize..4, place in any::<prop::sample::Index>(), flip in 1_u8..=255) {
        let folder = Folder::new();
        let path = written(&folder, lines);
        let mut bytes = fs::read(&path).unwrap();
        let place = place.index(bytes.len());
        bytes[place] ^= flip;
        fs::write(&path, &bytes).unwrap();
        let line = bytes[..place].split(|b| *b == b'\n').count() - 1;
        match read::<Note>(&path) {
            Err(JournalError::Damaged { .. }) => prop_assert!(line + 1 < lines),
            Err(other) => prop_assert!(false, "{other}"),
            Ok(contents) => {
                prop_assert!(contents.tail != Tail::Clean);
                prop_assert!(contents.records.len() < lines);
                for (n, record) in contents.records.iter().enumerate() {
                    prop_assert_eq!(&record.text, &format!("line {n}"));
                }
            }
        }
    }

    /// Any bytes at all: no panic, no endless loop.
    #[test]
    fn any_bytes_are_survived(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let folder = Folder::new();
        let path = folder.path().join("journal.jsonl");
        fs::write(&path, &bytes).unwrap();
        let _ = read::<Note>(&path);
    }
}
