//! What a person sees when this program itself is at fault.

use std::panic::PanicHookInfo;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

/// Where the run's folder is, once there is one.
pub(crate) type Folder = Arc<OnceLock<PathBuf>>;

/// Installs the message.
pub(crate) fn install(folder: Folder) {
    std::panic::set_hook(Box::new(move |info| {
        use std::io::Write as _;
        let mut to = std::io::stderr().lock();
        let _ = writeln!(to, "{}", message(info, folder.get()));
    }));
}

fn message(info: &PanicHookInfo<'_>, folder: Option<&PathBuf>) -> String {
    let place = info.location().map(|place| format!(" at {}:{}", place.file(), place.line())).unwrap_or_default();
    // A text that was put together may hold a value, and a value may be a secret: the place says enough.
    let what = info.payload().downcast_ref::<&'static str>().copied().unwrap_or("its words are not shown, since they may hold values");
    let mut text = format!(
        "error: this is a fault of runbook {}, not of the runbook{place}: {}",
        env!("CARGO_PKG_VERSION"),
        crate::text::visible(what)
    );
    if let Some(folder) = folder {
        text.push_str("\nhelp: what was done until now stands in `");
        text.push_str(&folder.to_string_lossy());
        text.push_str("`; nothing of it is lost");
    }
    text
}

#[cfg(test)]
mod tests {
    use std::panic::{catch_unwind, set_hook, take_hook};
    use std::sync::mpsc;

    use super::*;

    #[test]
    fn words_that_may_hold_a_secret_are_not_shown() {
        let (tell, told) = mpsc::channel();
        let before = take_hook();
        set_hook(Box::new(move |info| {
            let _ = tell.send(message(info, Some(&PathBuf::from("/runs/one"))));
        }));
        let secret = "hunter2-hunter2".to_owned();
        let _ = catch_unwind(|| panic!("`{secret}` is no number"));
        let _ = catch_unwind(|| panic!("\u{1b}[2J a state that cannot be"));
        set_hook(before);
        let (first, second) = (told.recv().unwrap(), told.recv().unwrap());
        assert!(!first.contains("hunter2") && first.contains("panics.rs:") && first.contains("its words are not shown"), "{first}");
        assert!(second.contains(r"\u{1b}[2J a state that cannot be"), "{second}");
        assert!(second.ends_with("help: what was done until now stands in `/runs/one`; nothing of it is lost"), "{second}");
    }
}
